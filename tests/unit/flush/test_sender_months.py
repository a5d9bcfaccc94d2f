"""A flush near the end of a month is sent only if every month that may bill it can pay."""

from datetime import timedelta

import pytest

from edgesweep.flush.journal import NO_LIMITS, Flush, LedgerLimits, State
from edgesweep.operate.dry_run import JournalInMemory
from tests.fakes.sending import DECEMBER, LOST, MONTH_END, NOVEMBER, SECOND, World


@pytest.mark.parametrize(
    ("seconds", "billed"),
    [(-31, NOVEMBER), (-30, NOVEMBER), (-1, NOVEMBER), (0, DECEMBER), (29, DECEMBER)],
)
def test_month_end(seconds: int, billed: str) -> None:
    """Near the end of a month both are charged, and the one that is not billed gets it back."""
    world = World([], now=MONTH_END + seconds * SECOND)

    flush, _ = world.send(world.open())

    assert flush.months == ((NOVEMBER,) if seconds < -30 else (NOVEMBER, DECEMBER))
    assert +world.journal.charged == {billed: 2}


def test_next_month_full() -> None:
    """Nothing is asked for that a month it may be billed in cannot take; it is given up."""
    world = World([], allowance=10, now=MONTH_END - SECOND)
    flush = world.open()
    world.journal.charged[DECEMBER] = 9

    flush, answer = world.send(flush)

    assert (flush.state, answer) == (State.REJECTED, None)
    assert world.asked == []
    assert world.journal.charged == {NOVEMBER: 0, DECEMBER: 9}


@pytest.mark.parametrize("seconds", [5, 40])
def test_full_after_counting(seconds: int) -> None:
    """A month that is full by the time an attempt is counted takes no charge that buys nothing."""

    class Slow(JournalInMemory):
        def advance(self, flush: Flush, to: Flush, limits: LedgerLimits = NO_LIMITS) -> Flush:
            world.now += timedelta(seconds=seconds * (to.attempts - flush.attempts))
            return super().advance(flush, to, limits)

    world = World([], allowance=10, now=MONTH_END - timedelta(seconds=34), journal=Slow())
    world.journal.charged[DECEMBER] = 9

    flush, answer = world.send(world.open())

    assert (flush.state, answer, world.asked) == (State.REJECTED, None, [])
    assert world.journal.charged == {NOVEMBER: 0, DECEMBER: 9}


def test_late_note() -> None:
    """If noting the attempt takes until the next month is near, that is charged as well."""

    class Slow(JournalInMemory):
        def advance(self, flush: Flush, to: Flush, limits: LedgerLimits = NO_LIMITS) -> Flush:
            world.now += timedelta(seconds=20 * (to.attempts - flush.attempts))
            return super().advance(flush, to, limits)

    world = World([LOST], now=MONTH_END - timedelta(seconds=40), journal=Slow())

    flush, _ = world.send(world.open())

    assert flush.months == (NOVEMBER, DECEMBER)
    assert world.journal.charged == {NOVEMBER: 2, DECEMBER: 2}
