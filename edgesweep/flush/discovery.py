"""Discovery: find the distributions that serve the swept buckets, and keep them for all functions.

Goal: nobody has to name the distributions, and no change is lost if one is not known yet.
The flusher looks and keeps what it found beside the journal; the recorder only reads that. A change
in a bucket that no distribution leads to waits as an unrouted row until one does.

A distribution that appears, comes back, is enabled or serves other objects than before has to
forget everything once; `edgesweep.routes.kept` says why and when. We write the row for that before
we note that we did: a crash between the two makes a second row, never none.

A distribution that is gone stays known, as disabled, while rows or a flush wait under its paths.
We delete an unrouted row once its bucket is no longer swept.

Unrouted rows are routed after the flushes, some in each tick, so no flush waits for them, and every
row gets its turn. We read them in the order in which they were recorded, and keep our place with
the distributions. No distribution serves a row before that place, so we read it again only after
the distributions change, from the start. A row may be written some time after its stamp, so the
place stays `LATE` behind the clock, and it never passes a row that could not be moved.

Cost: we ask CloudFront every `REFRESH_EVERY`, or every `HURRY_EVERY` while rows are unrouted or a
new configuration is under way. Nothing is written unless something changed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from edgesweep.dirty import LONG_AGO, UNROUTED, DirtyRow, DirtyRows, RequestedPath, chunks
from edgesweep.flush.journal import Journal
from edgesweep.routes import Distribution, Routes, Variants
from edgesweep.routes.config import digest
from edgesweep.routes.kept import Kept, Tracked
from edgesweep.routes.variants import variants_of

REFRESH_EVERY = timedelta(minutes=5)
HURRY_EVERY = timedelta(minutes=1)

# One tick reads at most this many rows, and starts no chunk after this time.
MAX_ROUTED = 20_000
ROUTE_TIME = timedelta(seconds=30)

# A row is written at most this long after its stamp; recording a batch takes less.
LATE = timedelta(minutes=5)

# Returns the newest configuration of each distribution that leads to the swept buckets, or that is
# known and not deleted -> whether all edges use it; it may raise `Undiscovered`.
DistributionSource = Callable[[Mapping[str, Distribution]], Mapping[Distribution, bool]]


class KeptStore(Protocol):
    def load(self) -> Kept | None:
        """Return the last record, None if nobody has ever looked; strongly consistent."""

    def save(self, kept: Kept) -> bool:
        """Save a record unless somebody saved one since it was loaded; return whether it is."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """The distributions that a tick knows, including disabled ones."""

    routes: Routes
    kept: Kept | None  # the stored record; None if they could never be read
    waiting: bool  # whether any row is unrouted
    error: Exception | None = None  # why discovery failed


def sweep(
    distributions: Iterable[str], by: str, now: datetime, token: Callable[[], str]
) -> Sequence[DirtyRow]:
    """Return a row for each distribution id that asks it to forget everything; `by` says why."""
    return [DirtyRow(one, RequestedPath("/*", by), now, token()) for one in distributions]


@dataclass(slots=True)
class Discovery:
    source: DistributionSource
    store: KeptStore
    dirty: DirtyRows
    journal: Journal
    buckets: Collection[str]  # the swept ones; all if empty
    variants: Mapping[str, Variants]
    selection: Sequence[Sequence[str]]
    clock: Callable[[], datetime]
    token: Callable[[], str]
    _looked_at: datetime = field(default=LONG_AGO, init=False)

    def look(self) -> Discovered:
        """Return the known distributions; ask CloudFront again if it is time."""
        kept, now = self.store.load(), self.clock()
        error: Exception | None = None
        waiting = bool(self.dirty.span(UNROUTED))
        hurried = waiting or any(one.pending for one in (kept or Kept()).tracked)
        if kept is None or now - self._looked_at >= (HURRY_EVERY if hurried else REFRESH_EVERY):
            try:
                kept = self._refreshed(kept, now)
                self._looked_at = now
            except Exception as failure:  # noqa: BLE001  # reported; flushes use the known ones
                error = failure
        return Discovered(self._routes(kept), kept, waiting, error)

    def remembered(self) -> Discovered:
        """Return the distributions that the last look has kept, without another one."""
        kept = self.store.load()
        return Discovered(self._routes(kept), kept, waiting=False)

    def route(self, known: Discovered) -> int:
        """Route a portion of the unrouted rows; return about how many are left."""
        if not known.waiting or known.kept is None:
            return int(known.waiting)
        now, place, passed = self.clock(), known.kept.place, known.kept.passed
        routes, left = known.routes, passed
        for chunk in chunks(islice(self.dirty.read(UNROUTED, after=place), MAX_ROUTED)):
            copies = {
                row: [
                    replace(row, distribution=one) for one in routes.distributions(*row.change.name)
                ]
                for row in chunk
                if routes.serving(row.change.bucket) or self._dropped(row.change.bucket)
            }
            stay, failed = set(chunk) - copies.keys(), self.dirty.move(copies).keys()
            left += len(stay) + len(failed)
            for row in chunk:
                if row in failed or now - row.recorded_at <= LATE:
                    break
                place, passed = row.position, passed + (row in stay)
            if failed or self.clock() - now >= ROUTE_TIME:
                break
        kept = replace(known.kept, place=place, passed=passed)
        if kept != known.kept:
            self.store.save(kept)
        return left

    def _routes(self, kept: Kept | None) -> Routes:
        return Routes(kept.distributions if kept else (), self.variants)

    def _refreshed(self, kept: Kept | None, now: datetime) -> Kept | None:
        before = kept or Kept()
        known = {one.newest.id: one for one in before.tracked}
        found = self.source({name: one.newest for name, one in known.items()})
        seen = [self._tracked(one, known.get(one.id), now, first=kept is None) for one in found]
        there = {one.id for one in found}
        away = [one for name, one in known.items() if name not in there]
        seen += [one.missed(now) for one in away if not one.gone or self._owed(one.newest.id)]
        deployed = {one.id for one, everywhere in found.items() if everywhere}
        after = replace(before, tracked=tuple(self._settled(seen, deployed, now)))
        if after == kept:
            return kept
        if after.distributions != before.distributions:
            after = replace(after, place="", passed=0)
        saved = self.store.save(after)
        return replace(after, revision=after.revision + 1) if saved else self.store.load()

    def _tracked(
        self, newest: Distribution, known: Tracked | None, now: datetime, *, first: bool
    ) -> Tracked:
        if newest.fingerprint:
            variants = asdict(variants_of(self.variants, newest.id))
            plain = asdict(Variants()).items()
            ours = [list(map(sorted, self.selection)), sorted(variants.items() - plain)]
            newest = replace(newest, fingerprint=digest([newest.fingerprint, ours]))
        if known is None:
            return Tracked(newest, changed_at=None if first else now)
        return known.found(newest, now)

    def _settled(
        self, seen: Sequence[Tracked], deployed: Collection[str], now: datetime
    ) -> Sequence[Tracked]:
        """Ask distributions whose newest configuration is deployed to forget everything."""
        settled = {one: one.deployed(now) for one in seen if one.newest.id in deployed}
        changed = [one.newest for one in settled if settled[one] != one]
        asked = [newest.id for newest in changed if newest.enabled and newest.origins]
        unwritten = self.dirty.add(sweep(asked, "a new configuration", now, self.token))
        failed = {row.distribution for row in unwritten}
        return [one if one.newest.id in failed else settled.get(one, one) for one in seen]

    def _dropped(self, bucket: str) -> bool:
        return bool(self.buckets) and bucket not in self.buckets

    def _owed(self, distribution: str) -> bool:
        return bool(self.dirty.span(distribution) or self.journal.lease(distribution).unfinished)
