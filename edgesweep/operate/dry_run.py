"""A dry run: adapters that read what is there and keep to themselves what they would have written.

A flusher on these goes through every step of a real flush, so that what it would have sent is
exactly what a real one sends, unfinished flushes included.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from edgesweep.dirty import DirtyRow
from edgesweep.flush.answers import Accepted, Answer
from edgesweep.flush.discovery import DistributionStore
from edgesweep.flush.journal import (
    LEASE_TERM,
    Flush,
    Invalidation,
    Journal,
    Lease,
    Limits,
    OverLimit,
    State,
)
from edgesweep.flush.pace import Demand
from edgesweep.flush.rows import DirtyRows, Span
from edgesweep.flush.sender import Edge
from edgesweep.routes.kept import Kept


class DryRunEdge:
    """CloudFront, which accepts everything and hears of nothing."""

    def __init__(self, edge: Edge) -> None:
        self.in_progress = edge.in_progress
        self.look_up = edge.look_up

    def invalidate(self, distribution: str, paths: Sequence[str], reference: str) -> Answer:  # noqa: ARG002  # as the real one
        """Accept the paths."""
        return Accepted(f"(not sent: {reference})", datetime.now(UTC))


class DryRunRows:
    """Dirty rows as they would have become."""

    def __init__(self, dirty: DirtyRows) -> None:
        self._dirty = dirty
        self._added: dict[tuple[str, str], DirtyRow] = {}
        self._gone: set[tuple[str, str]] = set()

    def span(self, distribution: str) -> Span:
        """Return when the oldest and the newest row were recorded, or nothing without any."""
        if not self._gone and not self._added:
            return self._dirty.span(distribution)
        moments = [row.recorded_at for row in self.read(distribution)]
        return (moments[0], moments[-1]) if moments else ()

    def read(
        self, distribution: str, until: datetime | None = None, after: str = ""
    ) -> Iterator[DirtyRow]:
        """Yield rows, the oldest first."""
        added = [
            row
            for row in self._added.values()
            if row.distribution == distribution
            and (until is None or row.recorded_at <= until)
            and row.position > after
        ]
        rows = heapq.merge(
            filter(self._untouched, self._dirty.read(distribution, until, after)),
            sorted(added, key=_position),
            key=_position,
        )
        return (row for row in rows if _key(row) not in self._gone)

    def _untouched(self, row: DirtyRow) -> bool:
        return _key(row) not in self._added

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Show these rows from now on."""
        self._added |= {_key(row): row for row in rows}
        return {}

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Pass over these rows from now on."""
        self._gone.update(map(_key, rows))


class DryRunAtlas:
    """What is kept of the distributions, which stays as it is."""

    def __init__(self, atlas: DistributionStore) -> None:
        self.load = atlas.load

    def save(self, kept: Kept) -> bool:  # noqa: ARG002  # as the real one
        """Keep nothing."""
        return True


@dataclass(slots=True)
class DryRunJournal:
    """The journal as it would have become; nobody else writes it, so nothing is conditional.

    Attributes:
        journal: as it is.
    """

    journal: Journal
    _leases: dict[str, Lease] = field(default_factory=dict)
    _flushes: dict[tuple[str, str], Flush] = field(default_factory=dict)
    _charged: Counter[str] = field(default_factory=Counter)

    def lease(self, distribution: str) -> Lease:
        """Read a distribution's lease."""
        return self._leases.get(distribution) or self.journal.lease(distribution)

    def take(self, distribution: str, token: str, now: datetime) -> Lease:
        """Take the lease, whoever has it."""
        taken = replace(self.lease(distribution), token=token, expires_at=now + LEASE_TERM)
        self._leases[distribution] = taken
        return taken

    def renew(self, distribution: str, token: str, now: datetime) -> None:
        """Leave the lease as it is."""

    def release(self, distribution: str, token: str) -> None:
        """Leave the lease as it is."""

    def spent(self, month: str) -> int:
        """Return how many paths the ledger would hold for `month`."""
        return self.journal.spent(month) + self._charged[month]

    def demand(self) -> Demand:
        """Return what flushes have taken so far, all distributions together."""
        return self.journal.demand()

    def remember(self, demand: Demand) -> None:
        """Keep nothing."""

    def load(self, distribution: str, flush_id: str) -> Flush:
        """Read a flush."""
        found = self._flushes.get((distribution, flush_id))
        return found or self.journal.load(distribution, flush_id)

    def fits(self, flush: Flush) -> bool:
        """Tell whether a flush is small enough to be journaled."""
        return self.journal.fits(flush)

    def open(
        self, flush: Flush, lease: Lease, limits: Limits, replaced: Flush | None = None
    ) -> None:
        """Open a flush, if the ledger would take it."""
        for month in flush.months:
            self._charge(month, len(flush.paths), limits.get(month))
        if replaced is not None:
            self._keep(replace(replaced, state=State.REJECTED))
        self._keep(flush)
        opened = replace(lease, unfinished=flush.id, flushed_at=flush.opened_at)
        self._leases[flush.distribution] = opened

    def charge(self, flush: Flush, month: str, limit: int | None) -> Flush:
        """Charge one more month with all paths of an open flush."""
        self._charge(month, len(flush.paths), limit)
        return self._keep(replace(flush, months=(*flush.months, month)))

    def attempted(self, flush: Flush) -> Flush:
        """Count an attempt of an open flush."""
        return self._keep(replace(flush, attempts=flush.attempts + 1))

    def refused(self, flush: Flush) -> Flush:
        """Count that the last attempt was answered by a refusal."""
        return self._keep(replace(flush, refusals=flush.refusals + 1))

    def accepted(self, flush: Flush, invalidation: Invalidation, now: datetime) -> Flush:
        """Note an accepted request; the last one makes the flush sent."""
        noted = replace(flush, accepted=(*flush.accepted, invalidation), swept="")
        if len(noted.accepted) == len(noted.requests()):
            noted = replace(noted, state=State.SENT, sent_at=now)
        return self._keep(noted)

    def swept(self, flush: Flush, place: str) -> Flush:
        """Note how far the sweep came."""
        return self._keep(replace(flush, swept=place))

    def rejected(self, flush: Flush) -> Flush:
        """Give an open flush up."""
        self._forget(flush.distribution)
        return self._keep(replace(flush, state=State.REJECTED))

    def settled(self, flush: Flush, now: datetime) -> Flush:
        """Finish a sent flush."""
        self._forget(flush.distribution)
        return self._keep(replace(flush, state=State.SETTLED, settled_at=now))

    def _charge(self, month: str, paths: int, limit: int | None) -> None:
        if limit is not None and self.spent(month) + paths > limit:
            msg = f"{paths} more paths are above the {limit} that {month} may hold"
            raise OverLimit(msg)
        self._charged[month] += paths

    def _forget(self, distribution: str) -> None:
        self._leases[distribution] = replace(self.lease(distribution), unfinished=None)

    def _keep(self, flush: Flush) -> Flush:
        self._flushes[flush.distribution, flush.id] = flush
        return flush


def _key(row: DirtyRow) -> tuple[str, str]:
    return row.partition, row.position


def _position(row: DirtyRow) -> str:
    return row.position
