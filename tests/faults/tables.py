"""The tables of a simulated world, and how a process reaches them.

A table is one object for the whole world and never fails by itself. A process reaches it through a
client, whose every call goes through `Process.call`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, cast

from edgesweep.dirty import FOREVER, DirtyRow, Span
from edgesweep.errors import Unwritten
from edgesweep.flush.journal import Flush, Journal, Lease, LedgerLimits
from edgesweep.operate.dry_run import JournalInMemory
from edgesweep.paths import matcher
from edgesweep.record.catalogue import Entry, Name
from edgesweep.routes.kept import Kept
from tests.fakes.catalogue import CatalogueInMemory
from tests.fakes.dirty import DirtyRowsInMemory
from tests.faults.process import MOST_SKEW, NoAnswer, here
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
# Returns the viewer paths of a row.
Paths = Callable[[DirtyRow], Sequence[str]]

_BATCH = 5
_CLOCKS_APART = timedelta(seconds=2 * MOST_SKEW)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that a function takes for each row, and how many it can plan without dying.

    Attributes:
        read: to read a row.
        plan: to plan it.
        delete: to delete it.
        most: bucket -> the most rows of it that a flush can be planned for.
    """

    read: float = 0.0
    plan: float = 0.0
    delete: float = 0.0
    most: Mapping[str, int] = field(default_factory=dict)


class Tables:
    """Every row there ever was, the journal, the catalogue, and who has read what.

    Attributes:
        dirty: the rows that wait.
        journal: flushes, ledger and leases.
        catalogue: what is known of objects.
        kept: what is kept of the distributions, None if none were ever looked for.
        shards: the most shards that were ever used.
        closed: whether no row can be written.
        written: every row ever written, with the true time.
        planned: flush -> the rows that its flusher had read, less those that others have paid.
        stolen: the leases that were taken while somebody held them.
        heard: called with each row that is written, as a stream would be.
        paid: flush -> the paths that CloudFront accepted of the flushes that it replaces.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.dirty = DirtyRowsInMemory()
        self.journal = JournalInMemory()
        self.catalogue = CatalogueInMemory()
        self.kept: Kept | None = None
        self.shards = 1
        self.closed = False
        self.written: dict[DirtyRow, datetime] = {}
        self.planned: dict[tuple[str, str], frozenset[DirtyRow]] = {}
        self.paid: dict[tuple[str, str], tuple[str, ...]] = {}
        self.stolen: list[str] = []
        self.heard: Callable[[Sequence[DirtyRow]], None] = lambda _: None

    def put(self, rows: Sequence[DirtyRow]) -> None:
        """Write rows."""
        self.dirty.add(rows)
        for row in rows:
            self.written.setdefault(row, self.world.now)
        self.heard(rows)

    def move(self, moves: Mapping[DirtyRow, Sequence[DirtyRow]]) -> Mapping[DirtyRow, str]:
        """Move rows."""
        gone = self.dirty.move(moves)
        for row in moves.keys() - gone.keys():
            for copy in moves[row]:
                self.written.setdefault(copy, self.world.now)
            self.heard(moves[row])
        return gone


class DirtyClient:
    """The table `dirty` as a process reaches it, page by page and batch by batch."""

    def __init__(
        self,
        tables: Tables,
        page: int,
        pace: Pace,
        shards: Callable[[], int],
        latest: Callable[[], int],
    ) -> None:
        self._tables = tables
        self._rows_of_page = page
        self._pace = pace
        self._shards = shards
        self._latest = latest

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Write rows; return those that could not be written, each with the reason."""
        if self._tables.closed:
            return dict.fromkeys(rows, "The table is closed")
        for start in range(0, len(rows), _BATCH):
            batch = self._some(rows[start : start + _BATCH])
            try:
                here().call("dirty.put", lambda batch=batch: self._tables.put(batch))  # type: ignore[misc]  # its default
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
            here().call("dirty.delete", lambda batch=batch: delete(batch))  # type: ignore[misc]  # its default
            _work(self._pace.delete * len(batch))
            if len(batch) < len(rows[start : start + _BATCH]):
                raise Unwritten(len(rows) - len(batch), len(rows), "Unprocessed")

    def move(self, moves: Mapping[DirtyRow, Sequence[DirtyRow]]) -> Mapping[DirtyRow, str]:
        """Put copies in the place of rows; return those that stay, each with the reason."""
        rows = self._some(list(moves)) if moves else ()
        some = {row: moves[row] for row in rows}
        try:
            gone = here().call("dirty.move", lambda: self._tables.move(some))
        except NoAnswer as error:
            return dict.fromkeys(moves, str(error))
        return {**gone, **dict.fromkeys(moves.keys() - some.keys(), "TransactionConflict")}

    def span(self, distribution: str) -> Span | None:
        """Return the span of the rows, None if there are none."""
        dirty, shards = self._tables.dirty, self._shards()
        span = here().call("dirty.oldest", lambda: dirty.span(distribution, shards))
        if not span:
            return None
        newest = here().call("dirty.newest", lambda: dirty.span(distribution, shards))
        return Span(span.oldest, (newest or span).newest)

    def recent(self, distribution: str, most: int) -> Sequence[datetime]:
        """Return when the newest rows were recorded, the newest first."""
        dirty, shards = self._tables.dirty, self._shards()
        return here().call("dirty.recent", lambda: dirty.recent(distribution, most, shards))

    def read(
        self, distribution: str, until: datetime = FOREVER, after: str = "", *, fully: bool = False
    ) -> Iterator[DirtyRow]:
        """Yield the rows recorded at or before `until` and beyond `after`, the oldest first."""
        read_rows, shards = here().read_rows, self._latest() if fully else self._shards()
        if until == FOREVER:
            read_rows[distribution] = []
        more = True
        while more:
            page = here().call("dirty.page", lambda: self._page(distribution, after, until, shards))
            _work(self._pace.read * len(page))
            for row in page:
                if until == FOREVER:
                    read_rows[distribution].append(row)
                after = row.position
                yield row
            more = len(page) == self._rows_of_page

    def _page(self, distribution: str, after: str, until: datetime, shards: int) -> list[DirtyRow]:
        most = self._rows_of_page
        return self._tables.dirty.page(distribution, after, until, most, shards)

    def _some(self, batch: Sequence[DirtyRow]) -> Sequence[DirtyRow]:
        """Return what a table that is too busy takes of a batch."""
        world = self._tables.world
        if world.weather.refused and world.random.random() < world.weather.refused:
            return batch[: world.random.randrange(len(batch))]
        return batch


class JournalClient:
    """The table `flushes` as a process reaches it: each method is one call."""

    def __init__(self, tables: Tables, watch: Watch, paths: Paths) -> None:
        self._tables = tables
        self._watch = watch
        self._paths = paths

    def shards(self, used: int) -> int:
        """Note how many shards are used; return the most that ever were."""

        def note() -> int:
            self._tables.shards = max(self._tables.shards, used)
            return self._tables.shards

        return here().call("journal.shards", note)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method of the journal, over the network."""
        method = getattr(self._tables.journal, name)
        if name == "fits":
            return cast("Callable[..., Any]", method)

        def call(*arguments: Any, **named: Any) -> Any:  # as the port says
            read_rows = here().read_rows
            if name == "release":
                here().tokens.discard(arguments[1])

            def execute() -> Any:
                before = self._tables.journal.lease(arguments[0]) if name == "take" else Lease()
                result = method(*arguments, **named)
                if before.held(self._tables.world.now + _CLOCKS_APART):
                    self._tables.stolen.append(f"Taken while held: the lease of {arguments[0]}")
                if name == "open":
                    self._watch(self._opened(read_rows, *arguments, **named))
                else:
                    self._watch(_charged(*arguments) if name == "advance" else None)
                return result

            return here().call(f"journal.{name}", execute)

        return call

    def _opened(
        self,
        read_rows: Mapping[str, Collection[DirtyRow]],
        flush: Flush,
        _lease: Lease,
        _limits: LedgerLimits,
        replaced: Flush | None = None,
    ) -> Charged:
        rows = self._tables.planned
        if replaced is None:
            rows[flush.distribution, flush.id] = frozenset(read_rows[flush.distribution])
            return Charged(flush)
        paid = self._tables.paid.get((replaced.distribution, replaced.id), ()) + replaced.done
        self._tables.paid[flush.distribution, flush.id] = paid
        known, planned = matcher(paid), rows[replaced.distribution, replaced.id]
        unpaid = {row: [p for p in self._paths(row) if not known(p)] for row in planned}
        waiting = frozenset(row for row, paths in unpaid.items() if paths)
        rows[flush.distribution, flush.id] = waiting
        rows[replaced.distribution, replaced.id] = planned - waiting
        return Charged(flush, frozenset(chain.from_iterable(unpaid.values())), replaces=True)


def journal_client(tables: Tables, watch: Watch, paths: Paths) -> Journal:
    """Return the journal as a process reaches it; `watch` is called after each call."""
    return cast("Journal", JournalClient(tables, watch, paths))


class RoutesClient:
    """What is kept of the distributions, as a process reaches it.

    Args:
        tables: where it is.
        keep: told which configurations were seen by whoever saves it.
    """

    def __init__(self, tables: Tables, keep: Callable[[Mapping[str, int]], None]) -> None:
        self._tables = tables
        self._keep = keep

    def load(self) -> Kept | None:
        """Return what was saved last, None if nothing was."""
        return here().call("routes.load", lambda: self._tables.kept)

    def save(self, kept: Kept) -> bool:
        """Keep this, unless somebody has saved since it was loaded; return whether it is kept."""
        looked = here().looked

        def keep() -> bool:
            known = self._tables.kept
            if (known.revision if known else 0) != kept.revision:
                return False
            self._tables.kept = replace(kept, revision=kept.revision + 1)
            self._keep(looked)
            return True

        return here().call("routes.save", keep)


class CatalogueClient:
    """The table `catalogue` as a process reaches it."""

    def __init__(self, tables: Tables) -> None:
        self._catalogue = tables.catalogue

    def known(self, names: Collection[Name]) -> Mapping[Name, Entry]:
        """Return the entries of those that are known."""
        if not names:
            return {}
        return here().call("catalogue.known", lambda: self._catalogue.known(names))

    def forget(self, names: Collection[Name], token: str) -> Mapping[Name, str]:
        """Make objects unknown under a token; return failures, and why."""
        return self._write("forget", names, lambda: self._catalogue.forget(names, token))

    def learn(self, entries: Mapping[Name, Entry], token: str) -> Mapping[Name, str]:
        """Set the entries of objects still unknown under `token`, and of no other."""
        return self._write("learn", entries, lambda: self._catalogue.learn(entries, token))

    def _write(
        self, name: str, names: Collection[Name], write: Callable[[], Mapping[Name, str]]
    ) -> Mapping[Name, str]:
        if not names:
            return {}
        try:
            return here().call(f"catalogue.{name}", write)
        except NoAnswer as error:
            return dict.fromkeys(names, str(error))


def _charged(flush: Flush, to: Flush, _limits: LedgerLimits | None = None) -> Charged | None:
    return Charged(to) if to.months != flush.months else None


def _work(seconds: float) -> None:
    if seconds:
        here().sleep(seconds)
