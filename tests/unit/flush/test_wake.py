"""The wake: when an upload has come to rest, and what is left to the ticks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.flush.budget import Budget, Ledger
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.journal import Flush
from edgesweep.flush.pace import LADDER, Demand
from edgesweep.flush.policy import Policy, Reason
from edgesweep.flush.wake import LONE, NEWEST, SEVERAL, UPLOAD, WITHIN, Haste, Waker, haste, quiet
from edgesweep.routes import everywhere
from tests.fakes.flushing import NOON, Ticks

SECOND = timedelta(seconds=1)
MOST = 10 * SECOND
GAPS = st.lists(st.floats(0, 100), max_size=NEWEST)


@dataclass
class Night:
    """A wake that sleeps on a clock which passes by its sleep alone.

    Attributes:
        happens: seconds after noon -> what happens then.
        slept: every sleep, in seconds, and whether the lease was taken meanwhile.
        wakes: what is flushed, and with which policy.
    """

    ticks: Ticks = field(default_factory=Ticks)
    policy: Policy = field(default_factory=Policy)
    happens: dict[float, Callable[[], object]] = field(default_factory=dict)
    slept: list[tuple[float, bool]] = field(default_factory=list)

    def run(self, *distributions: str) -> Sequence[Outcome]:
        """Let a wake run from now on."""
        ticks = self.ticks
        waker = Waker(ticks.dirty, ticks.journal, ticks.flusher, lambda: ticks.now, self._pause)
        ids = distributions or ("E1",)
        return waker.run(ids, everywhere(("E1", "E2")), self.policy, ticks.now)

    def changes(self, *seconds: float) -> None:
        """Let an object change at each of these moments after noon."""
        for second in seconds:
            self.happens[second] = lambda: self.ticks.change("a.html", timedelta())

    @property
    def seconds(self) -> float:
        """How long after noon it is."""
        return (self.ticks.now - NOON) / SECOND

    def _pause(self, seconds: float) -> None:
        self.slept.append((seconds, self.ticks.journal.lease("E1").token is not None))
        end = self.ticks.now + seconds * SECOND
        for second in sorted(self.happens):
            if NOON + second * SECOND <= end:
                self.ticks.now = NOON + second * SECOND
                self.happens.pop(second)()
        self.ticks.now = end


def test_lone() -> None:
    """A lone change is sent two seconds after it was recorded."""
    night = Night()
    night.ticks.change("a.html", timedelta())

    (outcome,) = night.run()

    assert outcome.reason is Reason.QUIET
    assert night.ticks.sent == [("/a.html",)]
    assert night.seconds == LONE / SECOND


def test_late() -> None:
    """A wake that comes when the upload rests already does not sleep."""
    night = Night()
    night.ticks.change("a.html", 5 * SECOND)

    night.run()

    assert night.ticks.sent == [("/a.html",)]
    assert night.slept == []


def test_gathers() -> None:
    """An upload with pauses is one invalidation, after a quiet of three such pauses."""
    night = Night()
    night.ticks.change("a.html", timedelta())
    night.changes(1.8, 3.6)

    night.run()

    assert len(night.ticks.sent) == 1
    assert night.seconds == pytest.approx(3.6 + 3 * 1.8)


def test_asleep() -> None:
    """Nobody holds a lease while asleep."""
    night = Night()
    night.ticks.change("a.html", timedelta())
    night.changes(1, 2, 3)

    night.run()

    assert night.slept
    assert not any(held for _, held in night.slept)


def test_endless() -> None:
    """A change every second keeps no wake for longer than 15 s, and the ticks send it."""
    night = Night()
    night.ticks.change("a.html", timedelta())
    night.changes(*range(1, 60))

    assert night.run() == []

    assert night.seconds <= WITHIN / SECOND


def test_long_upload() -> None:
    """An upload that began more than a minute ago is the ticks', so that nothing sleeps for it."""
    night = Night()
    night.ticks.change("a.html", UPLOAD)
    night.ticks.change("a.html", timedelta())

    assert night.run() == []

    assert night.slept == []


def test_urgent() -> None:
    """An urgent change is sent at once, with all that waits, whatever the upload does."""
    night = Night(policy=Policy(urgent=("legal/*",)))
    night.ticks.change("a.html", UPLOAD)
    night.ticks.change("legal/b.html", timedelta())

    (outcome,) = night.run()

    assert outcome.reason is Reason.QUIET
    assert night.ticks.sent == [("/a.html", "/legal/b.html")]
    assert night.slept == []


def test_urgent_ahead() -> None:
    """Rows that a recorder stamps ahead of our clock delay no urgent change."""
    night = Night(policy=Policy(urgent=("legal/*",)))
    night.ticks.change("legal/b.html", timedelta())
    night.ticks.change("a.html", -5 * SECOND)

    (outcome,) = night.run()

    assert outcome.reason is Reason.URGENT
    assert night.slept == []


def test_lease_taken() -> None:
    """A wake that finds the lease taken leaves, and so does one that finds a flush unfinished."""
    night = Night()
    night.ticks.change("a.html", 5 * SECOND)
    night.ticks.journal.take("E1", "other", NOON)

    assert night.run() == []

    night.ticks.journal.release("E1", "other")
    lease = night.ticks.journal.take("E1", "other", NOON)
    night.ticks.journal.open(Flush("E1", NOON, "f", ("/a",), ("2026-11",), rows=1), lease, {})
    night.ticks.journal.release("E1", "other")
    assert night.run() == []


def test_looks_again() -> None:
    """A flusher that settled a flush sends later changes, whose wake found the lease taken."""
    night = Night()
    night.ticks.change("a.html", timedelta())

    def land(_: str) -> None:
        night.ticks.meanwhile = lambda _: None
        night.ticks.change("b.html", timedelta())

    night.ticks.meanwhile = land

    night.run()

    assert night.ticks.sent == [("/a.html",), ("/b.html",)]
    assert night.ticks.keys == []


def test_others() -> None:
    """Each distribution that woke it goes when it rests, and others are left alone."""
    night = Night()
    night.ticks.change("a.html", 3 * SECOND, to="E2")
    night.ticks.change("a.html", timedelta())
    night.ticks.change("a.html", HELD, to="E3")

    first, second = night.run("E1", "E2", "E3")

    assert (first.distribution, second.distribution) == ("E2", "E1")
    assert night.ticks.keys == [("E3", "a.html")]


HELD = 20 * SECOND


def test_failed() -> None:
    """A distribution that fails is not tried again by the same wake."""
    night = Night()
    night.ticks.change("a.html", 3 * SECOND)
    night.ticks.meanwhile = _broken

    (outcome,) = night.run()

    assert outcome.reason is Reason.FAILED


def _broken(_: str) -> None:
    msg = "The survey is broken"
    raise RuntimeError(msg)


@given(GAPS)
def test_quiet(gaps: Sequence[float]) -> None:
    """The quiet is 2 s for one row; for more 5 s, or three of the longest gap; 10 s at most."""
    moments = [NOON]
    for gap in gaps:
        moments.append(moments[-1] - gap * SECOND)

    found = quiet(moments, MOST)

    longest = max((later - earlier for later, earlier in pairwise(moments)), default=SECOND * 0)
    assert found == (min(MOST, max(SEVERAL, 3 * longest)) if gaps else LONE)


@pytest.mark.parametrize(
    ("usd", "spent", "wanted", "expected"),
    [
        (0, 0, 1, Haste.QUICK),
        (0, 0, 400_000, Haste.GATHERING),
        (0, 748, 1, Haste.QUICK),
        (0, 749, 1, Haste.NONE),
        (0, 1_000, 1, Haste.NONE),
        (50, 1_000, 1, Haste.GATHERING),
        (None, 1_000, 1, Haste.GATHERING),
        (None, 0, 1, Haste.QUICK),
    ],
)
def test_haste(usd: int | None, spent: int, wanted: int, expected: Haste) -> None:
    """Cheap paths are sent in haste, dear ones are gathered, and the reserve is left to ticks."""
    middle = NOON.replace(day=16, hour=0)
    policy = Policy(Budget(None if usd is None else Decimal(usd)))
    demand = Demand(middle, 30.0, 0.0, (float(wanted),) * len(LADDER))

    assert haste(policy, {"2026-11": Ledger(spent)}, demand, middle) is expected


def test_reserve() -> None:
    """While only the reserve is left a wake neither looks nor sleeps."""
    night = Night(policy=replace(Policy(), budget=Budget(free_paths=2)))
    night.ticks.change("a.html", 3 * SECOND)
    night.ticks.journal.charged["2026-11"] = 2

    assert night.run() == []

    assert night.ticks.sent == []
