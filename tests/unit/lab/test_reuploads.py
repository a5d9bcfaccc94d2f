"""Deploys that upload everything: which objects count as changed, with a catalogue and without."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from edgesweep.lab import BLIND, OURS, replay
from edgesweep.lab.history import Deploy, History, Reuploaded, Step
from edgesweep.lab.paced import sweep
from edgesweep.paths import Pattern
from edgesweep.prices import S3_GET_PRICE

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LIVE = ("a", "b", "c", "d")
HISTORY = History(
    "site",
    LIVE,
    [
        Deploy(NOON, ["b"]),
        Deploy(NOON + timedelta(hours=1), ["e", "a"], ["d"]),
        Deploy(NOON + timedelta(hours=2), []),
    ],
)


@pytest.fixture
def steps() -> Sequence[Step]:
    """Return the deploys."""
    return list(Reuploaded(HISTORY).steps())


def test_without_catalogue(steps: Sequence[Step]) -> None:
    """Without a catalogue all live objects, and the removed ones, count as changed."""
    seen = [step.seen(catalogue=False) for step in steps]

    assert [step.reported for step in seen] == [
        ["/a", "/b", "/c", "/d"],
        ["/a", "/b", "/c", "/d", "/e"],
        ["/a", "/b", "/c", "/e"],
    ]
    assert [step.heads for step in seen] == [0, 0, 0]


def test_with_catalogue(steps: Sequence[Step]) -> None:
    """A catalogue begins with nothing, and then passes over what did not change, for one HEAD."""
    seen = [step.seen(catalogue=True) for step in steps]

    assert [step.reported for step in seen] == [
        ["/a", "/b", "/c", "/d"],
        ["/a", "/d", "/e"],
        [],
    ]
    assert [step.heads for step in seen] == [4, 4, 4]


def test_truth(steps: Sequence[Step]) -> None:
    """What really changed, by which hits are judged, is that of the history."""
    assert [(step.dirty, step.live) for step in steps] == [
        (step.dirty, step.live) for step in HISTORY.steps()
    ]


def test_replay() -> None:
    """Only ours with its catalogue passes uploads over; hits of what did not change are counted."""

    def exactly(reported: Sequence[str], _live: Sequence[str]) -> tuple[Pattern, ...]:
        return tuple(map(Pattern, reported))

    with_it, without = replay(Reuploaded(HISTORY), {OURS: exactly, BLIND: exactly})

    assert (with_it.paths, with_it.collateral, with_it.missed, with_it.heads) == (7, 3, 0, 12)
    assert (without.paths, without.collateral, without.missed, without.heads) == (13, 9, 0, 0)
    assert with_it.heads_usd == 12 * S3_GET_PRICE


def test_plain_history() -> None:
    """Where only changes are uploaded nothing is asked."""
    (row,) = replay(HISTORY, {OURS: lambda dirty, _: tuple(map(Pattern, dirty))})

    assert row.heads is None


def test_budget() -> None:
    """Under a budget uploads that change nothing want a flush from those alone who ask nobody."""
    history = Reuploaded(HISTORY)

    with_it, without = (
        sweep(history, Policy(Budget()), strategy=name).row for name in (OURS, BLIND)
    )

    assert (with_it.strategy, with_it.deploys, with_it.heads) == (OURS, 3, 12)
    assert (without.strategy, without.deploys, without.heads) == (BLIND, 3, 0)
    assert with_it.missed == without.missed == 0
    assert with_it.collateral < without.collateral
