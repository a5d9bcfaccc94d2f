"""Samples of long histories."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.flush.budget import month_of
from edgesweep.lab import replay
from edgesweep.lab.history import Deploy, History, HistorySource, sample

# Deploys in each month of a year, and the keys that each of them writes.
YEARS = st.lists(st.lists(st.integers(1, 9), max_size=3), min_size=1, max_size=12)


def history(year: list[list[int]]) -> History:
    """Return a history of such deploys."""
    deploys = [
        Deploy(datetime(2026, month, day, tzinfo=UTC), [f"{day}/{key}" for key in range(keys)])
        for month, deploys in enumerate(year, 1)
        for day, keys in enumerate(deploys, 1)
    ]
    return History("site", [], deploys)


def months(source: HistorySource) -> dict[str, int]:
    """Return the changes of each month."""
    found = dict[str, int]()
    for step in source.steps():
        month = month_of(step.at)
        found[month] = found.get(month, 0) + len(step.reported)
    return found


@given(YEARS, st.integers(1, 60))
def test_sample(year: list[list[int]], most: int) -> None:
    """A sample has as many whole, evenly spaced months as stay within the bound, and one at least.

    A deploy in it is the same, live objects and all, as in the whole history.
    """
    whole = history(year)
    taken = sample(whole, most)

    changes = months(whole)
    spaced = [list(changes)[::every] for every in range(1, len(changes) + 2)]
    fits = [names for names in spaced if sum(map(changes.__getitem__, names)) <= most]
    wanted = next(iter(fits), list(changes)[:1])
    assert months(taken) == {name: changes[name] for name in wanted}
    steps = [step for step in whole.steps() if month_of(step.at) in wanted]
    assert list(taken.steps()) == steps


@pytest.mark.parametrize(("most", "name"), [(9, "site"), (5, "site (2 of 3 months)")])
def test_name(most: int, name: str) -> None:
    """The name of a replayed history says whether it is a sample."""
    taken = sample(history([[3], [2], [2]]), most)

    assert {row.history for row in replay(taken)} == {name}
