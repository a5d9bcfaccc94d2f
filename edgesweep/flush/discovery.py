"""Discovery: which distributions serve the swept buckets, found out now and then, kept for all.

Goal: nobody has to say which distributions there are, and no change is lost over one that is not
known yet. The flusher looks and keeps what it found beside the journal; the recorder only reads
that. A change in a bucket that no distribution leads to waits as an unrouted row until one does.

A distribution that is gone stays known, as disabled, until nothing waits for it any more: what it
was still owed is settled under the paths it had.

Cost: CloudFront is asked every `REFRESHED`, or every `HURRIED` while rows are unrouted, and nothing
is written unless something changed. Unrouted rows are read again when the distributions changed,
and else so seldom that it costs about 75 reads a minute however many they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol

from edgesweep.dirty import UNROUTED, DirtyRow, RequestedPath
from edgesweep.errors import EdgesweepError
from edgesweep.flush.journal import Journal
from edgesweep.flush.rows import DirtyRows
from edgesweep.routes import Distribution, Routes, Variants
from edgesweep.routes.kept import Kept, Tracked

REFRESHED = timedelta(minutes=5)
HURRIED = timedelta(minutes=1)

# Unrouted rows that are read again for nothing, by the minute.
_READ_A_MINUTE = 1_000
_CHUNK = 1_000
_AT_ONCE = datetime.min.replace(tzinfo=UTC)


class Undiscovered(EdgesweepError):
    """The distributions cannot be read."""


class DistributionSource(Protocol):
    """Knows the distributions of the account."""

    def find(self) -> Sequence[Distribution]:
        """Return the distributions that lead to the swept buckets, as they are configured now.

        Raises:
            Undiscovered: they cannot be read.
        """
        ...


class DistributionStore(Protocol):
    """Keeps what is known of the distributions."""

    def load(self) -> Kept | None:
        """Return what was saved last, None if nobody has ever looked; strongly consistent."""
        ...

    def save(self, kept: Kept) -> bool:
        """Keep this, unless somebody has saved since it was loaded; return whether it is kept."""
        ...


def sweep(
    distributions: Iterable[str], by: str, now: datetime, token: Callable[[], str]
) -> Sequence[DirtyRow]:
    """Return a row for each distribution that asks it to forget everything.

    Args:
        distributions: their ids, such as those that serve a bucket (`Routes.serving`).
        by: who asks for it.
        now: this process's time.
        token: a source of random text.
    """
    everything = RequestedPath("/*", by)
    return [DirtyRow(one, everything, now, token()) for one in distributions]


@dataclass(frozen=True, slots=True)
class Discovered:
    """What is known at a tick.

    Attributes:
        routes: every distribution, the disabled ones included.
        unrouted: about how many rows no distribution serves.
        error: why the distributions could not be looked for again.
    """

    routes: Routes
    unrouted: int = 0
    error: Undiscovered | None = None


@dataclass(slots=True)
class Discovery:
    """Finds distributions, and routes the rows that waited for one.

    Attributes:
        directory: where to look.
        atlas: where to keep what was found.
        dirty: the rows.
        journal: tells whether a flush is unfinished.
        variants: distribution id -> which viewer paths count.
        clock: this process's time.
    """

    directory: DistributionSource
    atlas: DistributionStore
    dirty: DirtyRows
    journal: Journal
    variants: Mapping[str, Variants]
    clock: Callable[[], datetime]
    _looked_at: datetime = field(default=_AT_ONCE, init=False)
    _route_at: datetime = field(default=_AT_ONCE, init=False)
    _unrouted: int = field(default=0, init=False)

    def look(self) -> Discovered:
        """Return what is known, after looking again if it is time, and after routing rows."""
        known, error = self.atlas.load(), None
        waiting, now = bool(self.dirty.span(UNROUTED)), self.clock()
        if known is None or now - self._looked_at >= (HURRIED if waiting else REFRESHED):
            try:
                known = self._refresh(known)
                self._looked_at = now
            except Undiscovered as failure:
                error = failure
        routes = Routes(known.distributions if known else (), self.variants)
        if waiting and now >= self._route_at:
            self._unrouted = self._route(routes)
            self._route_at = now + max(1, self._unrouted / _READ_A_MINUTE) * timedelta(minutes=1)
        return Discovered(routes, max(1, self._unrouted) if waiting else 0, error)

    def _refresh(self, known: Kept | None) -> Kept:
        found = self.directory.find()
        present = {distribution.id for distribution in found}
        before = known or Kept()
        gone = [
            distribution for distribution in before.distributions if distribution.id not in present
        ]
        now_known = [*found, *(replace(one, enabled=False) for one in gone if self._owed(one))]
        if known is None or now_known != list(known.distributions):
            kept = replace(before, tracked=tuple(map(Tracked, now_known)))
            self.atlas.save(kept)
            self._route_at = _AT_ONCE
            return replace(kept, revision=kept.revision + 1)
        return known

    def _owed(self, gone: Distribution) -> bool:
        """Tell whether something may still wait for a distribution that is gone.

        While it was kept as enabled, a recorder may have been writing rows for it.
        """
        return (
            gone.enabled
            or bool(self.dirty.span(gone.id))
            or self.journal.lease(gone.id).unfinished is not None
        )

    def _route(self, routes: Routes) -> int:
        """Route the unrouted rows; return how many are left.

        A copy has the place and time of its row, so that routing a row twice makes no second copy.
        """
        rows = self.dirty.read(UNROUTED)
        return sum(self._left(chunk, routes) for chunk in _chunks(rows))

    def _left(self, chunk: Sequence[DirtyRow], routes: Routes) -> int:
        copies = {
            row: [
                replace(row, distribution=identity)
                for identity in routes.distributions(row.change.bucket, row.change.key)
            ]
            for row in chunk
            if routes.serves(row.change.bucket)
        }
        unwritten = self.dirty.add([copy for made in copies.values() for copy in made])
        routed = [row for row, made in copies.items() if unwritten.keys().isdisjoint(made)]
        self.dirty.delete(routed)
        return len(chunk) - len(routed)


def _chunks(rows: Iterator[DirtyRow]) -> Iterator[Sequence[DirtyRow]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk
