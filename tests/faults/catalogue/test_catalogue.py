"""No interleaving of writers, recorders and crashes leaves a change without a later row."""

from functools import partial
from random import Random

import pytest

from edgesweep.record.unchanged import UnchangedFilter
from tests.faults.catalogue.explorer import Explorer
from tests.faults.catalogue.mutants import (
    MUTANTS,
    HeadBeforeForgetting,
    NothingKnown,
    SurveyForGood,
    overtaken,
)
from tests.faults.catalogue.uploads import PAGE, Site, faithful, is_stale, tell, work_off

SEEDS = 2_000
# The seed of a story that shows the limit.
LIMIT = 491


def test_fresh() -> None:
    """Whatever happens in whatever order, the last visible change has a row recorded after it."""
    assert [seed for seed in range(SEEDS) if is_stale(tell(seed))] == []


def test_skips() -> None:
    """The stories do skip uploads: fewer rows are written than without a catalogue."""
    stories = [
        (tell(seed), tell(seed, partial(faithful, kind=NothingKnown))) for seed in range(200)
    ]

    assert sum(len(site.rows.rows) for site, _ in stories) < sum(
        len(site.rows.rows) for _, site in stories
    )


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutant(mutant: type[UnchangedFilter]) -> None:
    """A rule that leaves out one of its conditions is caught."""
    make = partial(faithful, kind=mutant)

    assert any(is_stale(tell(seed, make)) for seed in (MUTANTS[mutant], *range(2 * SEEDS)))


def test_limit() -> None:
    """Headers that change twice within a second are the one limit there is."""
    assert any(is_stale(tell(seed, careless=True)) for seed in (LIMIT, *range(2 * SEEDS)))


@pytest.mark.parametrize("at", ["known", "forget", "learn"])
def test_overtaken(at: str) -> None:
    """A recorder that another overtakes leaves nothing stale."""
    assert not is_stale(overtaken(at))


def test_overtaken_mutants() -> None:
    """Learning without the token, and a HEAD before forgetting, are caught where overtaken."""
    assert is_stale(overtaken("learn", tokenless=True))
    assert is_stale(overtaken("forget", HeadBeforeForgetting))


@pytest.mark.parametrize(("kind", "stale"), [(UnchangedFilter, False), (SurveyForGood, True)])
def test_survey(kind: type[UnchangedFilter], stale: bool) -> None:  # noqa: FBT001  # a parameter
    """An event that waits while its object is surveyed still gets its row."""
    site = Site(Explorer(Random(0)))  # no secret
    unchanged = faithful(site, kind)
    site.write(("A", "1"))
    unchanged.survey([PAGE])

    work_off(site, unchanged)

    assert is_stale(site) == stale
