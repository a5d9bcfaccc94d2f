"""A flush deletes what it covers a bounded number of rows at a time, however many there are."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from edgesweep import dirty
from edgesweep.dirty import FOREVER, DirtyRow
from edgesweep.flush import journal, planning, sweeping
from edgesweep.flush.journal import NO_LIMITS, Flush, LedgerLimits, State
from edgesweep.flush.policy import Reason
from edgesweep.flush.sender import Accepted, Refusal, Refused
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.flushing import HOUR, Killed, Ticks

MINUTE = timedelta(minutes=1)
GONE = Refused(Refusal.GONE, "No.")


class Watched(DirtyRowsInMemory):
    """Rows that note which of them a recovery has looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.looked: list[str] = []

    def read(
        self, distribution: str, until: datetime = FOREVER, after: str = "", *, fully: bool = False
    ) -> Iterator[DirtyRow]:
        """Note what is looked at to be deleted."""
        for row in super().read(distribution, until, after, fully=fully):
            if until != FOREVER:
                self.looked.append(row.change.key)
            yield row


@pytest.fixture(autouse=True)
def _few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dirty, "CHUNK", 2)
    monkeypatch.setattr(sweeping, "MAX_SWEPT", 4)


@pytest.fixture(name="backlog")
def _backlog(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    """Return ten rows, of which a flush takes two."""
    monkeypatch.setattr(planning, "MAX_ROWS", 2)
    world = Ticks(dirty=Watched())
    for number in range(10):
        world.change(f"{number}.html", HOUR - number * MINUTE)
    return world


def looked(world: Ticks) -> list[str]:
    """Return which rows were looked at since the last call."""
    assert isinstance(world.dirty, Watched)
    seen, world.dirty.looked = world.dirty.looked, []
    return [key.removesuffix(".html") for key in seen]


def test_bounded(backlog: Ticks) -> None:
    """A tick looks at a bounded number of rows, and the next one continues there."""
    (outcome,) = backlog.tick()

    assert outcome.reason is Reason.SWEEPING
    assert outcome.flush is not None
    assert outcome.flush.state is State.SENT
    # One row more shows whether any is left.
    assert looked(backlog) == ["2", "3", "4", "5", "6"]
    (outcome,) = backlog.tick()
    assert looked(backlog)[:4] == ["6", "7", "8", "9"]
    assert backlog.sent == [("/0.html", "/1.html"), ("/2.html", "/3.html")]


def test_ends(backlog: Ticks) -> None:
    """However many rows a flush leaves, its deletion ends, and in the end all of them are sent."""
    ticks = 0
    while backlog.dirty.rows:
        backlog.tick()
        ticks += 1

    assert ticks == 5
    assert [path for paths in backlog.sent for path in paths] == [f"/{n}.html" for n in range(10)]
    assert backlog.journal.lease("E1").unfinished is None


def test_others_go_on(backlog: Ticks) -> None:
    """While one distribution is swept for several ticks, the change of another is sent."""
    backlog.tick()
    backlog.change("other.html", MINUTE, to="E2")

    outcomes = backlog.tick("E1", "E2")

    assert [outcome.distribution for outcome in outcomes] == ["E1", "E2"]
    assert ("/other.html",) in backlog.sent


def test_place_survives(backlog: Ticks, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recovery continues from the last place that was noted, even if the tick died."""
    monkeypatch.setattr(sweeping, "NOTED_EVERY", 1)
    monkeypatch.setattr(sweeping, "MAX_SWEPT", 100)
    noted: list[str] = []
    advance = backlog.journal.advance

    def die_second(flush: Flush, to: Flush, limits: LedgerLimits = NO_LIMITS) -> Flush:
        if to.swept and noted:
            raise Killed
        noted.extend([to.swept] if to.swept else [])
        return advance(flush, to, limits)

    monkeypatch.setattr(backlog.journal, "advance", die_second)
    with pytest.raises(Killed):
        backlog.tick()
    monkeypatch.setattr(backlog.journal, "advance", advance)
    assert looked(backlog)[:2] == ["2", "3"]
    backlog.now += MINUTE

    backlog.tick()

    assert looked(backlog)[0] == "4"


def test_time(backlog: Ticks, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few rows it has looked at, a tick sweeps one distribution for a minute only."""
    monkeypatch.setattr(sweeping, "MAX_SWEPT", 100)
    monkeypatch.setattr(sweeping, "SWEEP_TIME", timedelta(0))

    (outcome,) = backlog.tick()

    assert outcome.reason is Reason.SWEEPING
    assert looked(backlog) == ["2", "3", "4"]


def test_own_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleting the rows that were read ends with the time as well, and a sweep finds the rest.

    The newest go first: a sweep would not dare to delete what is about as old as the flush.
    """
    monkeypatch.setattr(sweeping, "SWEEP_TIME", timedelta(0))
    world = Ticks()
    for number in range(6):
        world.change(f"{number}.html")
    world.change("6.html", timedelta(0))
    world.change("7.html", timedelta(0))

    reasons = [outcome.reason for _ in range(4) for outcome in world.tick()]

    assert reasons == [Reason.SWEEPING] * 3 + [Reason.RECOVERED]
    assert (len(world.sent), world.keys) == (1, [])


def test_covered_rows_go(backlog: Ticks) -> None:
    """Several ticks delete all of the older rows that are covered."""
    for number in range(10):
        backlog.change("0.html", HOUR - number * MINUTE)
    backlog.change("0.html", timedelta(0))

    while len(backlog.sent) < 2:
        backlog.tick()

    assert [key for _, key in backlog.keys].count("0.html") == 1


def test_gone_by_parts() -> None:
    """The rows of a distribution that is gone are deleted by parts, and nothing is charged."""
    world = Ticks([GONE, GONE, GONE])
    for number in range(10):
        world.change(f"{number}.html")

    reasons = [outcome.reason for _ in range(3) for outcome in world.tick()]

    assert reasons == [Reason.SWEEPING, Reason.SWEEPING, Reason.RECOVERED]
    assert world.keys == []
    assert len(world.journal.flushes) == 1
    assert +world.journal.charged == {}


def test_given_up_by_parts(backlog: Ticks, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush is given up once all that its accepted part covers was deleted.

    If CloudFront accepts the rest after all, that may cover rows that the sweep has passed.
    """
    monkeypatch.setattr(journal, "PATHS_PER_SECOND", 1)
    made = Accepted("I9", backlog.now)
    backlog.answers += [Refused(Refusal.TOO_LARGE, "No."), made, Refused(Refusal.CONFLICT, "No.")]

    (outcome,) = backlog.tick()

    assert outcome.reason is Reason.SWEEPING
    assert outcome.flush is not None
    assert outcome.flush.state is State.OPEN
    assert looked(backlog) == ["0", "1", "2", "3", "4"]
    assert ("E1", "1.html") in backlog.keys
    backlog.tick()
    assert backlog.sent[0] == ("/1.html",)
    assert ("E1", "1.html") not in backlog.keys
