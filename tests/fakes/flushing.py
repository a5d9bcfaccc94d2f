"""A flusher in memory: its rows, its journal, a CloudFront, and processes that may be killed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from edgesweep.cover.survey import Survey
from edgesweep.dirty import Change, DirtyRow, Kind, RequestedPath
from edgesweep.flush.budget import Budget
from edgesweep.flush.flusher import Flusher, Outcome
from edgesweep.flush.journal import Flush
from edgesweep.flush.policy import Policy
from edgesweep.flush.sender import Accepted, Answer, Sender
from edgesweep.operate.dry_run import JournalInMemory
from edgesweep.routes import Routes, everywhere
from tests.fakes.dirty import DirtyRowsInMemory

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
# An object that never changes: it keeps a wildcard from matching changed ones only.
UNCHANGED = ("/zebra.html",)


class Killed(BaseException):
    """The process has ended."""


class Process:
    """Notes what a process asks of others, until it is killed.

    Attributes:
        most: how many calls it lives for.
        calls: their names.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.calls: list[str] = []

    def using(self, port: object) -> Any:  # noqa: ANN401  # whatever the port is
        """Return the port as the process uses it."""
        return _Used(self, port)

    def note(self, name: str) -> None:
        """Count a call that begins."""
        if len(self.calls) == self.most:
            raise Killed
        self.calls.append(name)


class _Used:
    def __init__(self, process: Process, port: object) -> None:
        self._process = process
        self._port = port

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: object, **named: object) -> Any:  # noqa: ANN401  # the port's own
            self._process.note(name)
            return getattr(self._port, name)(*arguments, **named)

        return call


@dataclass
class Ticks:
    """Flushes with a CloudFront that gives the answers it was given, and then accepts.

    Attributes:
        answers: what CloudFront answers to requests, in this order.
        made: reference -> paths of what it has accepted.
        busy: the invalidations that are in progress.
        meanwhile: what happens while a distribution is surveyed.
        warned: what an operator was told.
        announced: flushes that were announced.
        live: the unchanged paths.
    """

    answers: list[Answer] = field(default_factory=list)
    dirty: DirtyRowsInMemory = field(default_factory=DirtyRowsInMemory)
    journal: JournalInMemory = field(default_factory=JournalInMemory)
    made: dict[str, Sequence[str]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    meanwhile: Callable[[str], None] = lambda _: None
    now: datetime = NOON
    tokens: Iterator[int] = field(default_factory=count)
    warned: list[str] = field(default_factory=list)
    announced: list[Flush] = field(default_factory=list)
    live: Sequence[str] = UNCHANGED
    policy: Policy = field(default_factory=Policy)

    def change(
        self, key: str, age: timedelta = HOUR, to: str = "E1", kind: Kind = Kind.CREATED
    ) -> DirtyRow:
        """Let a row have been recorded some time ago."""
        change = Change("site", key, kind, self.now - age)
        row = DirtyRow(to, change, self.now - age, self.token())
        self.dirty.add([row])
        return row

    def request(self, path: str, age: timedelta = HOUR, to: str = "E1") -> DirtyRow:
        """Let somebody have asked for a path some time ago."""
        row = DirtyRow(to, RequestedPath(path, "somebody"), self.now - age, self.token())
        self.dirty.add([row])
        return row

    def tick(
        self, *distributions: str, process: Process | None = None, gone: bool = True
    ) -> Sequence[Outcome]:
        """Let a process flush."""
        ids = distributions or ("E1",)
        routes = Routes() if gone else everywhere(ids)
        return self.flusher(routes, self.policy, process).tick(ids)

    def flusher(self, routes: Routes, policy: Policy, process: Process | None = None) -> Flusher:
        """Return a flusher that asks what a process asks."""
        process = process or Process()
        journal, edge = process.using(self.journal), process.using(self)
        return Flusher(
            dirty=process.using(self.dirty),
            journal=journal,
            sender=Sender(edge, journal, Budget(), lambda: self.now, self.token, lambda _: None),
            policy=policy,
            survey=self._survey,
            routes=routes,
            clock=lambda: self.now,
            token=self.token,
            warn=self.warned.append,
            announce=self.announced.append,
        )

    def invalidate(self, _distribution: str, paths: Sequence[str], reference: str) -> Answer:
        """Answer, and remember what was accepted by its reference."""
        if self.answers:
            return self.answers.pop(0)
        self.made[reference] = paths
        return Accepted(f"I{list(self.made).index(reference)}", self.now)

    def in_progress(self, _distribution: str, invalidation: str) -> bool:
        """Tell what is in progress."""
        return invalidation in self.busy

    def look_up(self, *_: object) -> None:
        """Have made nothing that was not heard of."""

    def token(self) -> str:
        """Return another token each time."""
        return f"{next(self.tokens):08x}"

    @property
    def keys(self) -> list[tuple[str, str]]:
        """The rows that are left, each as its distribution and key."""
        return [(row.distribution, row.change.key) for row in self.dirty.rows]

    @property
    def sent(self) -> list[Sequence[str]]:
        """The paths of each invalidation that was made."""
        return list(self.made.values())

    def _survey(self, distribution: str, *_: object) -> Survey:
        self.meanwhile(distribution)
        return Survey(self.live, ())
