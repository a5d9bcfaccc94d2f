"""Where paths are dear, a flush waits for the next one; removals and urgent changes do not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from edgesweep.dirty import Kind
from edgesweep.flush.pace import LADDER, Demand
from edgesweep.flush.policy import Policy, Reason
from tests.fakes.flushing import NOON, Ticks

MINUTE = timedelta(minutes=1)
# Many flushes that took many paths: none of the month's are to spare.
OFTEN = Demand(NOON, 30.0, 3_000.0, (90_000.0,) * len(LADDER))


def world(kind: Kind = Kind.CREATED, age: timedelta = MINUTE, demand: Demand = OFTEN) -> Ticks:
    """Return one in which two changes are far apart, and much that did not change is between."""
    ticks = Ticks(live=[f"/{folder}/{page}" for folder in "ab" for page in range(20)])
    ticks.journal.remember(demand)
    # Only a path of the reserve is left.
    ticks.journal.charged[f"{NOON:%Y-%m}"] = 1_000 - 200
    ticks.change("a/x", age)
    ticks.change("b/x", age, kind=kind)
    return ticks


def test_waits() -> None:
    """It leaves everything as it was, goes with the next change, and says why it waited."""
    ticks = world()

    (held,) = ticks.tick()
    ticks.now += 4 * MINUTE
    (sent,) = ticks.tick()

    assert (held.reason, held.flush) == (Reason.PATIENT, None)
    assert (ticks.sent, sent.reason, ticks.keys) == ([("/*",)], Reason.QUIET, [])


@pytest.mark.parametrize(
    "ticks",
    [
        world(kind=Kind.REMOVED),
        world(age=5 * MINUTE),
        world(demand=replace(OFTEN, flushes=0.0)),
        replace(world(), policy=Policy(patience=timedelta(0))),
        replace(world(), policy=Policy(urgent=("b/*",))),
        replace(world(), live=["/c"]),
    ],
    ids=["removal", "waited", "nothing expected", "no patience", "urgent", "exact enough"],
)
def test_goes(ticks: Ticks) -> None:
    """Removals and urgent changes do not wait, nor what has, nor where that would spare nothing."""
    (sent,) = ticks.tick()

    assert (sent.reason, ticks.sent) == (Reason.QUIET, [("/*",)])
