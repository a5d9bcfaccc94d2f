"""A backlog that is flushed minute by minute, on a clock that passes by what things take.

The flusher is the real one. Its runs begin every minute, overlap, and end after the timeout of the
function, wherever they are. Every ten minutes an object of another distribution changes.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from unittest import mock

from bench.flushing import timeout
from bench.stand_ins import APART, BUCKET, Backlog, BacklogRows, Edge, Objects
from edgesweep import wiring
from edgesweep.cover.survey import Survey
from edgesweep.dirty import DirtyRow, Span
from edgesweep.flush.flusher import Flusher, Outcome
from edgesweep.flush.tick import shared
from edgesweep.operate.dry_run import JournalInMemory
from edgesweep.routes import everywhere
from edgesweep.settings import Settings

WATCHED, OTHER = "E1", "E2"
MINUTE = timedelta(minutes=1)
CHANGES_EVERY = 10
# How long ago an object had changed when a tick begins, and a backlog had come to rest.
RESTED = timedelta(seconds=30)
BEGINS = datetime(2026, 11, 10, 12, tzinfo=UTC)
# What bounds a tick by a number of rows: divided where a row stands for several.
BOUNDS = (
    "edgesweep.flush.planning.MAX_BYTES",
    "edgesweep.flush.planning.MAX_ROWS",
    "edgesweep.dirty.CHUNK",
    "edgesweep.flush.sweeping.MAX_SWEPT",
)
# How many seconds of reading pass by at once.
_AT_ONCE = 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that things take in the deployed function.

    Attributes:
        read: to read a row, and to see whether it is covered.
        plan: to plan the flush of a row.
        delete: to delete a row.
        page: a page of a listing.
        call: any other call.
    """

    read: float
    plan: float
    delete: float
    page: float = 0.1
    call: float = 0.01

    def times(self, scale: int) -> "Pace":
        """Return the pace at which a row stands for several."""
        read, plan, delete = (each * scale for each in (self.read, self.plan, self.delete))
        return replace(self, read=read, plan=plan, delete=delete)


class Ended(BaseException):
    """The function has run for as long as it may."""


@dataclass
class Minutes:
    """The minutes of a backlog.

    Attributes:
        rows: the rows.
        pace: how fast they are worked off.
        ticks: how many runs have begun.
        ended: how many were ended by the timeout.
        delays: with which tick after it each change of the other distribution was sent.
    """

    rows: BacklogRows
    pace: Pace
    ticks: int = 0
    ended: int = 0
    delays: list[int] = field(default_factory=list)
    journal: JournalInMemory = field(default_factory=JournalInMemory)
    _changed: int = 0

    @classmethod
    def of(cls, count: int, pace: Pace) -> "Minutes":
        """Return those of so many rows, of another object each, that came to rest just now."""
        objects = Objects(count)
        began = BEGINS - RESTED - count * APART
        return cls(BacklogRows(Backlog(WATCHED, objects, count, began)), pace)

    def run(self) -> None:
        """Tick until no row is left."""
        while self.rows.span(WATCHED):
            self.tick()

    def until(self, now: datetime) -> None:
        """Let the ticks begin that do so until a moment, while another is at work."""
        while self._next <= now:
            self.tick()

    def tick(self) -> None:
        """Run the flush function once."""
        process = Process(self, self._next)
        if not self.ticks % CHANGES_EVERY and not self.rows.span(OTHER):
            self._changed = self.ticks
            change = Backlog(OTHER, Objects(1), 1, process.began - RESTED)
            self.rows.backlogs[OTHER] = change
        self.ticks += 1
        try:
            settled(process.flusher().tick((WATCHED, OTHER)))
        except Ended:
            self.ended += 1

    def heard(self, distribution: str) -> None:
        """Note that CloudFront has accepted a request."""
        if distribution == OTHER:
            self.delays.append(self.ticks - self._changed)

    @property
    def _next(self) -> datetime:
        return BEGINS + self.ticks * MINUTE


class Process:
    """One run of the function: what it waits for passes its time, and may be its end."""

    def __init__(self, minutes: Minutes, began: datetime) -> None:
        self.began = self.now = began
        self._minutes = minutes
        self._end = began + timedelta(seconds=timeout())

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self._minutes.until(min(self.now, self._end))
        if self.now >= self._end:
            raise Ended

    def flusher(self) -> Flusher:
        """Wire a flusher that lives in this process."""
        minutes, pace = self._minutes, self._minutes.pace
        edge = Edge(self.clock, minutes.heard)
        flusher = make_flusher(
            PacedRows(minutes.rows, self.wait, pace),
            Slow(minutes.journal, self.wait, pace.call),
            Slow(minutes.rows.backlogs[WATCHED].objects, self.wait, pace.page),
            Slow(edge, self.wait, pace.call),
            self.clock,
        )

        def survey(distribution: str, dirty: Collection[str], *others: Any) -> Survey:  # noqa: ANN401  # as it is
            self.wait(pace.plan * len(dirty))
            return flusher.survey(distribution, dirty, *others)

        return replace(flusher, survey=survey)

    def clock(self) -> datetime:
        """Return the time."""
        return self.now


class Slow:
    """A port each of whose calls takes a while."""

    def __init__(self, port: object, wait: Callable[[float], None], seconds: float) -> None:
        self._port, self._wait, self._seconds = port, wait, seconds

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the port has
        """Return a method of the port."""

        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  # as the method
            self._wait(self._seconds)
            return getattr(self._port, name)(*arguments, **named)

        return call


class PacedRows:
    """Rows whose calls take a while for each row."""

    def __init__(self, rows: BacklogRows, wait: Callable[[float], None], pace: Pace) -> None:
        self._rows, self._wait, self._pace = rows, wait, pace

    def span(self, distribution: str) -> Span | None:
        """Return the span of the rows."""
        self._wait(self._pace.call)
        return self._rows.span(distribution)

    def read(self, *arguments: Any, **named: Any) -> Iterator[DirtyRow]:  # noqa: ANN401  # as it is
        """Yield rows."""
        at_once = max(1, int(_AT_ONCE / self._pace.read))
        for number, row in enumerate(self._rows.read(*arguments, **named)):
            if not number % at_once:
                self._wait(self._pace.read * at_once)
            yield row

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Delete rows."""
        self._wait(self._pace.delete * len(rows))
        self._rows.delete(rows)


def make_flusher(  # one port each
    dirty: Any,  # noqa: ANN401  # ports, as they are wrapped
    journal: Any,  # noqa: ANN401
    listing: Any,  # noqa: ANN401
    edge: Any,  # noqa: ANN401
    clock: Callable[[], datetime],
) -> Flusher:
    """Wire the flusher of a stack with default parameters that sweeps two distributions."""
    named = {"DIRTY_TABLE": "dirty", "FLUSHES_TABLE": "flushes", "BUCKET": BUCKET}
    policy, _ = shared(Settings.from_mapping(named).policy, 2)
    unused: Any = None
    adapters = wiring.Adapters(dirty, journal, unused, unused, edge, listing, lambda _: None)
    with mock.patch.object(wiring, "now", clock):
        return wiring.flusher(adapters, everywhere((WATCHED, OTHER), (BUCKET,)), policy, print)


def settled(outcomes: Sequence[Outcome]) -> None:
    """Raise what went wrong in a tick."""
    for outcome in outcomes:
        if outcome.error:
            raise outcome.error


@contextmanager
def smaller(scale: int) -> Iterator[None]:
    """Divide what bounds a tick by a number of rows."""
    with ExitStack() as patches:
        for name in BOUNDS:
            module, _, constant = name.rpartition(".")
            bound = getattr(import_module(module), constant)
            patches.enter_context(mock.patch(name, max(1, bound // scale)))
        yield
