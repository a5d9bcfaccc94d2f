"""The journal in memory: flushes, ledger and leases, under the conditions of the table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from edgesweep.flush.journal import (
    LEASE_TERM,
    Flush,
    Invalidation,
    Lease,
    Limits,
    OverLimit,
    Overtaken,
    State,
)
from edgesweep.flush.pace import NOTHING_SEEN, Demand


class JournalInMemory:
    """The port of the table `flushes`.

    Args:
        most_paths: how many paths a flush may hold to be journaled.

    Attributes:
        flushes: every flush, by distribution and id.
        ledger: the paths charged, by month.
        leases: by distribution.
        kept: the demand that was kept last.
    """

    def __init__(self, most_paths: int = 100_000) -> None:
        self.flushes: dict[tuple[str, str], Flush] = {}
        self.ledger: Counter[str] = Counter()
        self.leases: dict[str, Lease] = {}
        self.kept = NOTHING_SEEN
        self._most_paths = most_paths

    def lease(self, distribution: str) -> Lease:
        """Read a distribution's lease."""
        return self.leases.get(distribution, Lease())

    def take(self, distribution: str, token: str, now: datetime) -> Lease:
        """Take the lease if it is free or expired, for `LEASE_TERM` from `now`."""
        lease = self.lease(distribution)
        if lease.token is not None and lease.expires_at is not None and lease.expires_at >= now:
            msg = f"The lease of {distribution} is held until {lease.expires_at}"
            raise Overtaken(msg)
        lease = replace(lease, token=token, expires_at=now + LEASE_TERM)
        self.leases[distribution] = lease
        return lease

    def renew(self, distribution: str, token: str, now: datetime) -> None:
        """Push the expiry to `LEASE_TERM` from `now` while the lease is ours."""
        lease = self._ours(distribution, token)
        self.leases[distribution] = replace(lease, expires_at=now + LEASE_TERM)

    def release(self, distribution: str, token: str) -> None:
        """Give the lease back if it is still ours, else do nothing."""
        lease = self.lease(distribution)
        if lease.token == token:
            self.leases[distribution] = replace(lease, token=None, expires_at=None)

    def spent(self, month: str) -> int:
        """Return how many paths the ledger holds for `month`."""
        return self.ledger[month]

    def demand(self) -> Demand:
        """Return what flushes have taken so far, all distributions together."""
        return self.kept

    def remember(self, demand: Demand) -> None:
        """Keep the demand. Of two kept at once one is lost, and with it some precision only."""
        self.kept = demand

    def load(self, distribution: str, flush_id: str) -> Flush:
        """Read a flush."""
        flush = self.flushes.get((distribution, flush_id))
        if flush is None:
            msg = f"There is no flush {flush_id} of {distribution}"
            raise Overtaken(msg)
        return flush

    def fits(self, flush: Flush) -> bool:
        """Tell whether a flush is small enough to be journaled."""
        return len(flush.paths) <= self._most_paths

    def open(
        self, flush: Flush, lease: Lease, limits: Limits, replaced: Flush | None = None
    ) -> None:
        """Journal a flush, charge its months and make it the unfinished one, all or nothing."""
        held = self._ours(flush.distribution, str(lease.token))
        charges = Counter(dict.fromkeys(flush.months, len(flush.paths)))
        if replaced is not None:
            self._check_known(replaced)
            charges.subtract(replaced.refunds() if replaced.answered else {})
        self._check_unfinished(held, replaced.id if replaced else None)
        self._charge(charges, limits)
        if replaced is not None:
            self._keep(replace(replaced, state=State.REJECTED))
        self._keep(flush)
        self.leases[flush.distribution] = replace(
            held,
            unfinished=flush.id,
            flushed_at=flush.opened_at,
            in_progress=tuple(lease.in_progress),
        )

    def charge(self, flush: Flush, month: str, limit: int | None) -> Flush:
        """Charge one more month with all paths of an open flush."""
        self._check_known(flush)
        self._charge({month: len(flush.paths)}, {month: limit})
        return self._keep(replace(flush, months=(*flush.months, month)))

    def attempted(self, flush: Flush) -> Flush:
        """Count an attempt of an open flush, before it is made."""
        self._check_known(flush)
        return self._keep(replace(flush, attempts=flush.attempts + 1))

    def refused(self, flush: Flush) -> Flush:
        """Count that the last attempt was answered by a refusal."""
        self._check_known(flush)
        return self._keep(replace(flush, refusals=flush.refusals + 1))

    def accepted(self, flush: Flush, invalidation: Invalidation, now: datetime) -> Flush:
        """Note an accepted request; the last one makes the flush sent and refunds its months."""
        self._check_known(flush)
        lease = self.lease(flush.distribution)
        self._check_unfinished(lease, flush.id)
        noted = replace(flush, accepted=(*flush.accepted, invalidation), swept="")
        if len(noted.accepted) == len(noted.requests()):
            noted = replace(noted, state=State.SENT, sent_at=now)
            self._refund(noted)
        in_progress = (*lease.in_progress, invalidation)
        self.leases[flush.distribution] = replace(lease, in_progress=in_progress)
        return self._keep(noted)

    def swept(self, flush: Flush, place: str) -> Flush:
        """Note how far the sweep of a flush came."""
        self._check_known(flush)
        return self._keep(replace(flush, swept=place))

    def rejected(self, flush: Flush) -> Flush:
        """Give an open flush up, refunded if all its attempts were answered."""
        self._check_known(flush)
        self._forget(flush)
        if flush.answered:
            self._refund(flush)
        return self._keep(replace(flush, state=State.REJECTED))

    def settled(self, flush: Flush, now: datetime) -> Flush:
        """Finish a sent flush: nothing is unfinished any more."""
        self._check_known(flush)
        self._forget(flush)
        return self._keep(replace(flush, state=State.SETTLED, settled_at=now))

    def _keep(self, flush: Flush) -> Flush:
        self.flushes[flush.distribution, flush.id] = flush
        return flush

    def _forget(self, flush: Flush) -> None:
        lease = self.lease(flush.distribution)
        self._check_unfinished(lease, flush.id)
        self.leases[flush.distribution] = replace(lease, unfinished=None)

    def _refund(self, flush: Flush) -> None:
        self.ledger.subtract(flush.refunds())

    def _charge(self, charges: Mapping[str, int], limits: Limits) -> None:
        for month, paths in charges.items():
            limit = limits.get(month)
            if paths > 0 and limit is not None and self.ledger[month] + paths > limit:
                msg = f"{paths} more paths are above the {limit} that {month} may hold"
                raise OverLimit(msg)
        self.ledger.update(charges)

    def _ours(self, distribution: str, token: str) -> Lease:
        lease = self.lease(distribution)
        if lease.token != token:
            msg = f"The lease of {distribution} is no longer ours"
            raise Overtaken(msg)
        return lease

    def _check_unfinished(self, lease: Lease, flush_id: str | None) -> None:
        if lease.unfinished != flush_id:
            msg = f"Unfinished is {lease.unfinished}, not {flush_id}"
            raise Overtaken(msg)

    def _check_known(self, flush: Flush) -> None:
        if self.flushes.get((flush.distribution, flush.id)) != flush:
            msg = f"The flush {flush.id} is no longer as we know it"
            raise Overtaken(msg)
