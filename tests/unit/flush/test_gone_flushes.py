"""Flushes that the journal no longer holds: they expired, or somebody deleted them."""

from datetime import timedelta

import pytest

from edgesweep.flush.journal import Flush
from edgesweep.flush.policy import Reason
from tests.fakes.flushing import HOUR, NOON, Killed, Process, Ticks

MINUTE = timedelta(minutes=1)
MONTH = "2026-11"
# Calls of a process that ends before CloudFront is asked, and once it has accepted.
UNSENT, SENT = 10, 12


@pytest.mark.parametrize("calls", [UNSENT, SENT])
def test_unfinished(calls: int) -> None:
    """An unfinished flush that is not there, sent or not, is planned and charged once more."""
    world = Ticks()
    world.change("a.html")
    with pytest.raises(Killed):
        world.tick(process=Process(calls))
    world.journal.flushes.clear()
    world.now += MINUTE

    (outcome,) = world.tick()

    assert outcome.reason is Reason.QUIET
    assert world.sent[-1] == ("/a.html",)
    assert (world.keys, world.journal.charged) == ([], {MONTH: 2})
    assert world.journal.lease("E1").unfinished is None
    assert world.tick() == []


def test_replaced() -> None:
    """A flush is finished although the one that it replaces is not there any more."""
    world = Ticks()
    world.change("a.html")
    lease = world.journal.take("E1", "mine", NOON)
    replaced = Flush("E1", NOON - 2 * HOUR, "0", ("/a*",), (), rows=1)
    world.journal.open(replaced.successor(NOON, "1", ("/a.html",), split=False), lease, {})
    world.journal.release("E1", "mine")

    (outcome,) = world.tick()

    assert outcome.reason is Reason.RECOVERED
    assert (world.sent, world.keys) == ([("/a.html",)], [])
