"""A dry run: adapters that read from AWS and keep their writes in memory.

A flusher on these takes every step of a real flush, so it reports exactly a real flush's paths.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter

from edgesweep.dirty import FOREVER, DirtyRow, DirtyRows, Span
from edgesweep.errors import OverLimit, Overtaken
from edgesweep.flush.budget import UNSPENT, Ledger
from edgesweep.flush.discovery import KeptStore
from edgesweep.flush.journal import NO_LIMITS, Flush, Journal, Lease, LedgerLimits, gained
from edgesweep.flush.others import Looks, Others
from edgesweep.flush.pace import NOTHING_SEEN, Demand
from edgesweep.flush.sender import Accepted, Answer, Edge
from edgesweep.routes.kept import Kept

_key, _position = attrgetter("partition", "position"), attrgetter("position")

# Begins the ids of invalidations that a dry run accepts; they stay in progress.
_NOT_SENT = "not sent: "


class NotedEdge:
    """CloudFront, noting the paths of each distribution's requests; a dry run `sends` none."""

    def __init__(self, edge: Edge, *, sends: bool) -> None:
        self.paths: defaultdict[str, list[str]] = defaultdict(list)
        self.look_up = edge.look_up
        self._edge, self._sends = edge, sends

    def invalidate(self, distribution: str, paths: Sequence[str], reference: str) -> Answer:
        self.paths[distribution] += paths
        if self._sends:
            return self._edge.invalidate(distribution, paths, reference)
        return Accepted(_NOT_SENT + reference, datetime.now(UTC))

    def in_progress(self, distribution: str, invalidation: str) -> bool:
        made = invalidation.startswith(_NOT_SENT)
        return made or self._edge.in_progress(distribution, invalidation)


class DryRunRows:
    def __init__(self, dirty: DirtyRows) -> None:
        self._dirty = dirty
        self._added: dict[tuple[str, str], DirtyRow] = {}
        self._gone: set[tuple[str, str]] = set()

    def span(self, distribution: str) -> Span | None:
        if not self._gone and not self._added:
            return self._dirty.span(distribution)
        newest = self.recent(distribution)
        return Span(newest[-1], newest[0]) if newest else None

    def recent(self, distribution: str, most: int | None = None) -> Sequence[datetime]:
        return [row.recorded_at for row in self.read(distribution)][::-1][:most]

    def read(
        self, distribution: str, until: datetime = FOREVER, after: str = "", *, fully: bool = False
    ) -> Iterator[DirtyRow]:
        added = (
            row
            for row in sorted(self._added.values(), key=_position)
            if row.distribution == distribution
            and row.recorded_at <= until
            and row.position > after
        )
        found = self._dirty.read(distribution, until, after, fully=fully)
        kept = (row for row in found if _key(row) not in self._added)
        rows = heapq.merge(kept, added, key=_position)
        return (row for row in rows if _key(row) not in self._gone)

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        self._added |= {_key(row): row for row in rows}
        return {}

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        self._gone.update(map(_key, rows))

    def move(self, moves: Mapping[DirtyRow, Sequence[DirtyRow]]) -> Mapping[DirtyRow, str]:
        self.delete(list(moves))
        return self.add([copy for copies in moves.values() for copy in copies])


class DryRunStore:
    def __init__(self, store: KeptStore) -> None:
        self._kept = store.load()

    def load(self) -> Kept | None:
        return self._kept

    def save(self, kept: Kept) -> bool:
        self._kept = replace(kept, revision=kept.revision + 1)
        return True


class JournalInMemory:
    """A `Journal` that keeps its writes in memory, over a base that is empty by default."""

    def __init__(self, base: Journal | None = None, most_paths: int = 100_000) -> None:
        self.flushes: dict[tuple[str, str], Flush] = {}
        self.charged: Counter[str] = Counter()
        self._others: dict[str, Others] = {}
        self._looks: Looks | None = None
        self.leases: dict[str, Lease] = {}
        self._demand: Demand | None = None
        self._base = base
        self._most_paths = most_paths

    def lease(self, distribution: str) -> Lease:
        base = self._base.lease if self._base else lambda _: Lease()
        return self.leases.get(distribution) or base(distribution)

    def take(self, distribution: str, token: str, now: datetime) -> Lease:
        lease = self.lease(distribution)
        if lease.held(now):
            raise Overtaken(f"The lease of {distribution} is held until {lease.expires_at}")
        taken = replace(lease, token=token, tries=lease.tries + 1).renewed(now)
        self.leases[distribution] = taken
        return taken

    def renew(self, distribution: str, token: str, now: datetime) -> None:
        self.leases[distribution] = self._ours(distribution, token).renewed(now)

    def release(self, distribution: str, token: str) -> None:
        lease = self.lease(distribution)
        if lease.token == token:
            self.leases[distribution] = replace(lease, token=None, expires_at=None, tries=0)

    def ledger(self, month: str) -> Ledger:
        base = self._base.ledger(month) if self._base else UNSPENT
        return Ledger(base.paths + self.charged[month], self._others.get(month, base.others))

    def looks(self) -> Looks:
        return self._looks or (self._base.looks() if self._base else Looks())

    def audit(self, looks: Looks, others: Mapping[str, Others], gains: Mapping[str, int]) -> bool:
        if self.looks().revision != looks.revision:
            return False
        self._looks = replace(looks, revision=looks.revision + 1)
        self._others |= others
        self.charged.update(gains)
        return True

    def demand(self) -> Demand:
        return self._demand or (self._base.demand() if self._base else NOTHING_SEEN)

    def remember(self, demand: Demand) -> None:
        self._demand = demand

    def load(self, distribution: str, flush_id: str) -> Flush | None:
        found = self.flushes.get((distribution, flush_id))
        return self._base.load(distribution, flush_id) if self._base and not found else found

    def fits(self, flush: Flush) -> bool:
        return self._base.fits(flush) if self._base else len(flush.paths) <= self._most_paths

    def open(
        self, flush: Flush, lease: Lease, limits: LedgerLimits, replaced: Flush | None = None
    ) -> None:
        held = self._ours(flush.distribution, str(lease.token))
        steps: list[tuple[Flush | None, Flush]] = [(None, flush)]
        if replaced is not None:
            self._check_known(replaced)
            steps.append((replaced, replaced.reject()))
        self._check_unfinished(held, replaced.id if replaced else None)
        self._step(steps, limits)
        self.leases[flush.distribution] = replace(
            held,
            unfinished=flush.id,
            flushed_at=(replaced and replaced.billed_at) or held.flushed_at,
            in_progress=tuple(lease.in_progress),
            tries=1,
        )

    def advance(self, flush: Flush, to: Flush, limits: LedgerLimits = NO_LIMITS) -> Flush:
        self._check_known(flush)
        lease, accepted = self.lease(flush.distribution), to.accepted[len(flush.accepted) :]
        if moved := bool(accepted) or to.finished:
            self._check_unfinished(lease, flush.id)
        self._step([(flush, to)], limits)
        if moved:
            self.leases[flush.distribution] = replace(
                lease,
                unfinished=None if to.finished else lease.unfinished,
                in_progress=(*lease.in_progress, *accepted),
                flushed_at=to.billed_at or lease.flushed_at,
                tries=1 if to.finished else lease.tries,
            )
        return to

    def forget(self, distribution: str, flush_id: str) -> None:
        lease = self.lease(distribution)
        self._check_unfinished(lease, flush_id)
        self.leases[distribution] = replace(lease, unfinished=None)

    def _step(self, steps: Sequence[tuple[Flush | None, Flush]], limits: LedgerLimits) -> None:
        """Keep the new states of the flushes, if their charges are within the limits."""
        gains = gained(*steps)
        for month, paths in gains.items():
            limit = limits.get(month)
            if paths > 0 and limit is not None and self.ledger(month).paths + paths > limit:
                raise OverLimit(f"{paths} more paths exceed the {limit} that {month} may hold")
        self.charged.update(gains)
        self.flushes |= {(flush.distribution, flush.id): flush for _, flush in steps}

    def _ours(self, distribution: str, token: str) -> Lease:
        lease = self.lease(distribution)
        if lease.token != token:
            raise Overtaken(f"The lease of {distribution} is no longer ours")
        return lease

    def _check_unfinished(self, lease: Lease, flush_id: str | None) -> None:
        if lease.unfinished != flush_id:
            raise Overtaken(f"The unfinished flush is {lease.unfinished}, not {flush_id}")

    def _check_known(self, flush: Flush) -> None:
        if self.load(flush.distribution, flush.id) != flush:
            raise Overtaken(f"The flush {flush.id} has changed since we read it")
