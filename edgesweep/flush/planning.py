"""Read the rows that wait, and plan the flush that covers them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from urllib.parse import unquote

from edgesweep.cover import Cover, Limits, Prices, choose, find_candidates
from edgesweep.cover.survey import Survey
from edgesweep.cover.wording import in_words
from edgesweep.dirty import DirtyRow, RequestedPath
from edgesweep.flush.holding import HeldLease
from edgesweep.flush.journal import Flush, Journal
from edgesweep.flush.pace import demanded
from edgesweep.flush.policy import Go, Policy
from edgesweep.flush.rows import DirtyRows, chunks
from edgesweep.prices import PATH_PRICE

# Rows of one tick: this bounds memory, and the rest goes next tick.
MAX_ROWS = 200_000

_EVERYTHING = "/"

# Tells what a wildcard would hit; the last argument keeps the lease.
Surveyor = Callable[[str, Collection[str], Prices, Limits, Callable[[], None]], Survey]


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans flushes; the attributes are those of `Flusher`."""

    dirty: DirtyRows
    journal: Journal
    policy: Policy
    survey: Surveyor
    viewer_paths: Callable[[DirtyRow], Iterable[str]]
    strict: Callable[[str], bool]
    clock: Callable[[], datetime]
    token: Callable[[], str]

    def read(self, held: HeldLease) -> Sequence[DirtyRow]:
        """Return the rows of a tick, the oldest first."""
        rows: list[DirtyRow] = []
        for chunk in chunks(islice(self.dirty.read(held.distribution), MAX_ROWS + 1)):
            held.keep()
            rows += chunk
        return rows

    def plan(
        self, held: HeldLease, rows: Sequence[DirtyRow], go: Go
    ) -> tuple[Flush, Sequence[int]]:
        """Return the flush, and how many paths it would take at each price of the ladder."""
        cut = len(rows) > MAX_ROWS
        requested = {row.subject.path for row in rows if isinstance(row.subject, RequestedPath)}
        changes = (row for row in rows if not isinstance(row.subject, RequestedPath))
        changed = {path for row in changes for path in self.viewer_paths(row)}
        if cut and go.paths == 1:
            # The one path has to match the rows that were not read as well.
            changed.add(_EVERYTHING)
        dirty = changed.union(map(unquote, requested))
        prices = Prices(go.path_price, self.policy.refetch)
        # The pace asks what the flush would take at every price up to the list price.
        surveyed = replace(prices, path=PATH_PRICE)
        paths, strict = go.paths, self.strict(held.distribution)
        while True:
            limits = Limits(wildcards=min(go.wildcards, paths), paths=paths)
            held.keep()
            known = self.survey(held.distribution, dirty, surveyed, limits, held.keep)
            held.keep()
            candidates = find_candidates(dirty, known.live, known.weight, strict=strict)
            held.keep()
            chosen = choose(candidates, prices, limits)
            held.keep()
            said = in_words(chosen, requested, changed, strict=strict)
            flush = replace(self._journaled(held.distribution, chosen, len(rows), go), paths=said)
            if self.journal.fits(flush):
                wildcards = self.policy.quota.wildcards
                return flush, demanded(candidates, prices.refetch, wildcards, held.keep)
            paths = len(chosen.paths) // 2

    def _journaled(self, distribution: str, chosen: Cover, rows: int, go: Go) -> Flush:
        return Flush(
            distribution=distribution,
            opened_at=self.clock(),
            token=self.token(),
            paths=chosen.paths,
            # The months that were decided upon; another one that comes near is charged at the send.
            months=tuple(go.limits),
            rows=rows,
            collateral=Survey.seen(chosen.collateral),
        )
