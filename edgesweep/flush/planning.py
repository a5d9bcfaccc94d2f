"""Read the rows that wait, and plan the flush that covers them."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from sys import getsizeof

from edgesweep.cover import Heartbeat, Limits, Prices, find_candidates, spell
from edgesweep.cover.survey import Survey
from edgesweep.dirty import DirtyRow, DirtyRows, RequestedPath, chunks
from edgesweep.flush.choice import Choice, explain, pick
from edgesweep.flush.journal import Flush, HeldLease
from edgesweep.flush.pace import NO_PATHS
from edgesweep.flush.policy import Go, Policy
from edgesweep.paths import unquoted
from edgesweep.prices import PATH_PRICE
from edgesweep.routes import Routes

# Rows of one tick, and bytes of them with their viewer paths: the rest waits for the next tick.
# Planning takes about three times as much memory.
MAX_ROWS = 200_000
MAX_BYTES = 192 * 2**20
ROW_BYTES = 700  # bytes of a row without its key and its paths
# After several deaths in a row a flush reads one sixteenth of the rows; after more it is `/*`.
SMALL_PART = 16
SEVERAL_DEATHS, HOPELESS_DEATHS = 2, 3

# How many requesters of its paths a flush names: its journal item has to stay small.
MAX_NAMES = 100

# Finds the objects that a wildcard would hit.
Surveyor = Callable[[str, Collection[str], Prices, Limits, Heartbeat], Survey]


@dataclass(slots=True)
class Batch:
    """The rows of one tick."""

    rows: list[DirtyRow] = field(default_factory=list)  # the oldest first
    changed: set[str] = field(default_factory=set)  # the viewer paths of changed objects
    requested: set[str] = field(default_factory=set)  # requested paths, quoted
    tags: set[str] = field(default_factory=set)  # requested cache tags
    requests: set[RequestedPath] = field(default_factory=set)  # all of these, with who requested
    size: int = 0  # about how many bytes all of these take
    cut: bool = False  # whether there are more rows

    def add(self, row: DirtyRow, routes: Routes) -> None:
        self.rows.append(row)
        if isinstance(row.subject, RequestedPath):
            (self.tags if row.subject.tag else self.requested).add(row.subject.path)
            self.requests.add(row.subject)
            self.size += ROW_BYTES + getsizeof(row.subject.path)
            return
        paths = routes.paths_of(row)
        self.changed.update(paths)
        self.size += ROW_BYTES + getsizeof(row.subject.key) + sum(map(getsizeof, paths))


def first_rows(dirty: DirtyRows, distribution: str) -> Iterator[DirtyRow]:
    """Yield as many rows as a flush takes at most; nothing is read before the first is used."""
    yield from islice(dirty.read(distribution), MAX_ROWS)


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans flushes; the attributes are those of `Flusher`."""

    dirty: DirtyRows
    policy: Policy
    survey: Surveyor
    routes: Routes
    token: Callable[[], str]

    def read(self, held: HeldLease) -> Batch:
        batch = Batch()
        waiting = self.dirty.read(held.distribution)
        most = MAX_ROWS // SMALL_PART ** max(0, min(held.deaths, HOPELESS_DEATHS) - 1)
        for chunk in chunks(islice(waiting, max(1, most))):
            held.keep()
            for row in chunk:
                batch.add(row, self.routes)
            if batch.size >= MAX_BYTES:
                break
        batch.cut = next(waiting, None) is not None
        return batch

    def plan(self, held: HeldLease, batch: Batch, go: Go) -> tuple[Flush, Choice | None]:
        """Return a flush and the choice of its paths; None if it is `/*`, which needs no survey."""
        changed, requested, policy = batch.changed, batch.requested, self.policy
        go = replace(go, paths=go.paths - len(batch.tags))
        if batch.cut and go.paths == 1:
            # The only path has to match the unread rows as well, so it has to be `/*`.
            changed = {*changed, "/"}
        dirty = changed.union(map(unquoted, requested))
        strict = self.routes.strict(held.distribution)
        # The pace asks what the flush would take at every price up to the list price.
        prices, most = Prices(PATH_PRICE, policy.refetch), go.paths
        # Without a path for what is dirty it is `/*`; tags alone need no path beside their own.
        while held.deaths < HOPELESS_DEATHS and most >= bool(dirty):
            # We do not know yet whether the flush may buy paths, so the survey assumes not.
            paths = min(most, go.terms(NO_PATHS).paths)
            limits = Limits(wildcards=min(go.wildcards, paths), paths=paths)
            held.keep()
            known = self.survey(held.distribution, dirty, prices, limits, held.keep)
            held.keep()
            found = find_candidates(dirty, known.live, known.weight, strict=strict)
            tags, listed = len(batch.tags), known.listed
            choice = pick(found, go, policy, tags=tags, most=most, listed=listed, keep=held.keep)
            held.keep()
            cover = choice.cover
            said = spell(cover, requested, changed, strict=strict)
            said += () if "/*" in said else tuple(sorted(batch.tags))
            flush = self._journaled(held, batch, go, said, cover.collateral)
            lines = explain(go.purses[0], choice, batch.rows, found.dirty, policy.refetch)
            flush = replace(flush, why=lines)
            if held.journal.fits(flush):
                return flush, choice
            most = len(cover.members) // 2 or -1
        # After some deaths, and if there are too many cache tags, which `/*` covers too.
        return self._journaled(held, batch, go, ("/*",)), None

    def _journaled(
        self, held: HeldLease, batch: Batch, go: Go, paths: Sequence[str], collateral: int = 0
    ) -> Flush:
        return Flush(
            distribution=held.distribution,
            opened_at=held.clock(),
            token=self.token(),
            paths=tuple(paths),
            # The months of the decision; the sender charges another one that comes near.
            months=tuple(go.limits),
            rows=len(batch.rows),
            by=tuple(sorted(Counter(one.by for one in batch.requests).items())[:MAX_NAMES]),
            collateral=Survey.seen(collateral),
            changed_at=min(row.since for row in batch.rows),
        )
