"""What the processes of a simulated world talk to: a bucket's events, a queue, tables, CloudFront.

A service is one object for the whole world and never fails by itself. A process reaches it through
a client of its own, whose every call goes through `Process.call`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any, cast

from botocore.exceptions import ReadTimeoutError

from edgesweep.dirty import DirtyRow
from edgesweep.flush.journal import Flush, Journal, Lease, LedgerLimits
from edgesweep.flush.rows import Span
from edgesweep.operate.journal_in_memory import JournalInMemory
from edgesweep.paths import matcher
from edgesweep.routes import everywhere
from tests.fakes.cloudfront import Pages, StrictCloudFront, refusal
from tests.fakes.dirty import DirtyRowsInMemory
from tests.faults.process import NoAnswer, Process
from tests.faults.world import World


@dataclass(frozen=True, slots=True)
class Charged:
    """A flush that was just opened, or charged to one more month.

    Attributes:
        flush: as it is now.
        unpaid: the viewer paths that are left to one which replaces another.
        replaces: whether it does.
    """

    flush: Flush
    unpaid: frozenset[str] = frozenset()
    replaces: bool = False


# Is called after each call that can change what is charged or billed.
Watch = Callable[[Charged | None], None]

_BATCH = 5
_ANYWHERE = everywhere([""])


class Tables:
    """Every row there ever was, the journal, and who has read what.

    Attributes:
        dirty: the rows that wait.
        journal: flushes, ledger and leases.
        written: every row ever written, with the true time.
        planned: flush -> the rows that its flusher had read, less those that others have paid.
        paid: flush -> the paths that CloudFront accepted of the flushes that it replaces.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.dirty = DirtyRowsInMemory()
        self.journal = JournalInMemory()
        self.written: dict[DirtyRow, datetime] = {}
        self.planned: dict[tuple[str, str], frozenset[DirtyRow]] = {}
        self.paid: dict[tuple[str, str], tuple[str, ...]] = {}

    def put(self, rows: Sequence[DirtyRow]) -> None:
        """Write rows."""
        self.dirty.add(rows)
        for row in rows:
            self.written.setdefault(row, self.world.now)


class DirtyClient:
    """The table `dirty` as a process reaches it, page by page and batch by batch."""

    def __init__(self, process: Process, tables: Tables, page: int = 6) -> None:
        self._process = process
        self._tables = tables
        self._rows_of_page = page
        self.read_rows: list[DirtyRow] = []

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Write rows; return those that could not be written, each with the reason."""
        for start in range(0, len(rows), _BATCH):
            batch = self._some(rows[start : start + _BATCH])
            try:
                self._process.call("dirty.put", lambda batch=batch: self._tables.put(batch))  # type: ignore[misc]  # its default
            except NoAnswer as error:
                return dict.fromkeys(rows[start:], str(error))
            if len(batch) < len(rows[start : start + _BATCH]):
                return dict.fromkeys(rows[start + len(batch) :], "Unprocessed")
        return {}

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Delete exactly these rows."""
        for start in range(0, len(rows), _BATCH):
            batch = self._some(rows[start : start + _BATCH])
            delete = self._tables.dirty.delete
            self._process.call("dirty.delete", lambda batch=batch: delete(batch))  # type: ignore[misc]  # its default
            if len(batch) < len(rows[start : start + _BATCH]):
                raise NoAnswer("Unprocessed")

    def move(self, moves: Mapping[DirtyRow, Sequence[DirtyRow]]) -> Mapping[DirtyRow, str]:
        """Put copies in the place of rows; return those that stay, each with the reason."""
        rows = self._some(list(moves)) if moves else ()
        some = {row: moves[row] for row in rows}
        gone = self._process.call("dirty.move", lambda: self._tables.dirty.move(some))
        return {**gone, **dict.fromkeys(moves.keys() - some.keys(), "TransactionConflict")}

    def span(self, distribution: str) -> Span:
        """Return when the oldest and the newest row were recorded, or nothing without any."""
        span = self._process.call("dirty.oldest", lambda: self._tables.dirty.span(distribution))
        if not span:
            return ()
        newest = self._process.call("dirty.newest", lambda: self._tables.dirty.span(distribution))
        return span[0], (newest or span)[1]

    def read(
        self, distribution: str, until: datetime | None = None, after: str = ""
    ) -> Iterator[DirtyRow]:
        """Yield the rows recorded at or before `until` and beyond `after`, the oldest first."""
        if until is None:
            self.read_rows = []
        page = [None] * self._rows_of_page
        while len(page) == self._rows_of_page:
            page = self._process.call("dirty.page", lambda: self._page(distribution, after, until))  # type: ignore[return-value, arg-type]  # cast below
            for row in cast("list[DirtyRow]", page):
                if until is None:
                    self.read_rows.append(row)
                after = row.position
                yield row

    def _page(self, distribution: str, after: str, until: datetime | None) -> list[DirtyRow]:
        rows = self._tables.dirty.read(distribution, until)
        return list(islice((row for row in rows if row.position > after), self._rows_of_page))

    def _some(self, batch: Sequence[DirtyRow]) -> Sequence[DirtyRow]:
        """Return what a table that is too busy takes of a batch."""
        world = self._process.world
        if world.random.random() < world.weather.refused:
            return batch[: world.random.randrange(len(batch))]
        return batch


class JournalClient:
    """The table `flushes` as a process reaches it: each method is one call."""

    def __init__(self, process: Process, tables: Tables, dirty: DirtyClient, watch: Watch) -> None:
        self._process = process
        self._tables = tables
        self._dirty = dirty
        self._watch = watch

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method of the journal, over the network."""
        method = getattr(self._tables.journal, name)
        if name == "fits":
            return cast("Callable[..., Any]", method)

        def call(*arguments: Any, **named: Any) -> Any:  # as the port says
            def execute() -> Any:
                result = method(*arguments, **named)
                if name == "open":
                    self._watch(self._opened(*arguments, **named))
                else:
                    charged = name == "advance" and arguments[0].months != result.months
                    self._watch(Charged(result) if charged else None)
                return result

            return self._process.call(f"journal.{name}", execute)

        return call

    def _opened(
        self, flush: Flush, _lease: Lease, _limits: LedgerLimits, replaced: Flush | None = None
    ) -> Charged:
        rows = self._tables.planned
        if replaced is None:
            rows[flush.distribution, flush.id] = frozenset(self._dirty.read_rows)
            return Charged(flush)
        paid = self._tables.paid.get((replaced.distribution, replaced.id), ()) + replaced.done
        self._tables.paid[flush.distribution, flush.id] = paid
        known, planned = matcher(paid), rows[replaced.distribution, replaced.id]
        unpaid = {row: [p for p in viewer_paths(row) if not known(p)] for row in planned}
        waiting = frozenset(row for row, paths in unpaid.items() if paths)
        rows[flush.distribution, flush.id] = waiting
        rows[replaced.distribution, replaced.id] = planned - waiting
        return Charged(flush, frozenset(chain.from_iterable(unpaid.values())), replaces=True)


def journal_client(process: Process, tables: Tables, dirty: DirtyClient, watch: Watch) -> Journal:
    """Return the journal as a process reaches it; `watch` is called after each call."""
    return cast("Journal", JournalClient(process, tables, dirty, watch))


class CloudFrontClient:
    """CloudFront's boto3 client in a process."""

    def __init__(self, process: Process, service: StrictCloudFront, watch: Watch) -> None:
        self._process = process
        self._service = service
        self._watch = watch

    def create_invalidation(self, **request: Any) -> Mapping[str, Any]:
        """Ask once."""

        def create() -> Mapping[str, Any]:
            answer = self._service.create_invalidation(**request)
            self._watch(None)
            return answer

        return self._call("edge.create", create)

    def get_invalidation(self, **request: Any) -> Mapping[str, Any]:
        """Ask how far it is."""
        return self._call("edge.get", lambda: self._service.get_invalidation(**request))

    def list_invalidations(self, **request: Any) -> Mapping[str, Any]:
        """Ask what there is."""
        return self._call("edge.list", lambda: self._service.list_invalidations(**request))

    def get_paginator(self, _operation: str) -> Pages:
        """Return a paginator over what there is."""
        return Pages(self.list_invalidations)

    def _call(self, name: str, execute: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        deaf = self._process.world.weather.deaf
        return self._process.call(name, execute, self._unanswered, self._busy, deaf)

    def _unanswered(self, name: str) -> Exception:
        if self._process.world.random.getrandbits(1):
            return ReadTimeoutError(endpoint_url=name)
        return refusal("ServiceUnavailable", "CloudFront encountered an internal error.", 503)

    def _busy(self) -> Exception:
        code = self._process.world.random.choice(["Throttling", "AccessDenied"])
        return refusal(code, "Rate exceeded", 400)


@dataclass(slots=True)
class Queue:
    """SQS between the bucket and the recorder: at least once, in any order, at any time.

    Attributes:
        world: where it is.
        receive: starts a recorder on a batch.
        bodies: message id -> body, of what was not acknowledged yet.
    """

    world: World
    receive: Callable[[Mapping[str, str]], None]
    bodies: dict[str, str] = field(default_factory=dict)
    _invisible: set[str] = field(default_factory=set)
    _sent: int = 0

    VISIBILITY_SECONDS = 180
    BATCH = 10

    def send(self, body: str) -> None:
        """Take a message, and let it be seen after a while."""
        self._sent += 1
        message = f"m{self._sent}"
        self.bodies[message] = body
        self._invisible.add(message)
        self._show_after(self.world.random.random() * 2, [message])

    def acknowledge(self, messages: Sequence[str]) -> None:
        """Forget messages that were worked off."""
        for message in messages:
            self.bodies.pop(message, None)

    def _show_after(self, seconds: float, messages: Sequence[str]) -> None:
        def show() -> None:
            self._invisible.difference_update(messages)
            self._deliver()

        self.world.after(seconds, show)

    def _deliver(self) -> None:
        visible = [message for message in self.bodies if message not in self._invisible]
        self.world.random.shuffle(visible)
        batch = visible[: self.BATCH]
        if batch:
            self._invisible.update(batch)
            self._show_after(self.VISIBILITY_SECONDS, batch)
            self.receive({message: self.bodies[message] for message in batch})
            self.world.after(0.1, self._deliver)


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """What truly happened in a bucket."""

    bucket: str
    key: str
    at: datetime


def event(change: ObjectChange, *, created: bool) -> str:
    """Return S3's notification of a change."""
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": change.at.isoformat(),
        "eventName": "ObjectCreated:Put" if created else "ObjectRemoved:Delete",
        "s3": {"bucket": {"name": change.bucket}, "object": {"key": _form_encoded(change.key)}},
    }
    return json.dumps({"Records": [record]})


def viewer_paths(row: DirtyRow) -> Sequence[str]:
    """Return every viewer path under which a row's object may be cached."""
    return list(_ANYWHERE.viewer_paths("", "", row.change.key))


def _form_encoded(key: str) -> str:
    return "".join(c if c.isalnum() and c.isascii() else _escaped(c) for c in key)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
