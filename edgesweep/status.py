"""What waits, what was spent, and when the next flush is due: the state of a stack, for people."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from edgesweep.budget import month_bounds, month_of, months_near
from edgesweep.dirty import UNROUTED
from edgesweep.flusher import Span
from edgesweep.journal import Journal, Lease
from edgesweep.policy import Go, Policy, Reason


class Waiting(Protocol):
    """Counts the rows that wait."""

    def span(self, distribution: str) -> Span:
        """Return when the oldest and the newest row were recorded, or nothing without any."""
        ...

    def count(self, distribution: str) -> int:
        """Return how many rows wait."""
        ...


class Idle(StrEnum):
    """Why nothing is due."""

    NOTHING = "nothing waits"


@dataclass(frozen=True, slots=True)
class DistributionStatus:
    """What waits for one distribution.

    Attributes:
        distribution: its id.
        dirty: rows that wait.
        oldest: when the oldest of them was recorded.
        in_progress: invalidation paths that CloudFront is at work on.
        unfinished: id of the flush that is neither settled nor rejected.
        flushed_at: when the last flush was opened.
        reason: why the next flush goes, or why it waits.
        due: when the next flush can go; None if nothing waits, or if it depends on others.
    """

    distribution: str
    dirty: int
    oldest: datetime | None
    in_progress: int
    unfinished: str | None
    flushed_at: datetime | None
    reason: Reason | Idle
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a stack.

    Attributes:
        month: the UTC month, as `YYYY-MM`.
        charged: paths that its ledger holds.
        allowance: paths that it may hold, None for no limit.
        reserve: paths that are kept for the rest of the month.
        unrouted: rows that no distribution serves.
        distributions: what waits for each.
    """

    month: str
    charged: int
    allowance: int | None
    reserve: int
    unrouted: int
    distributions: tuple[DistributionStatus, ...]


@dataclass(frozen=True, slots=True)
class Observer:
    """Looks at everything and writes nothing.

    Attributes:
        rows: the rows that wait.
        journal: the flushes, the ledger and the leases.
        in_progress: tells whether CloudFront is still at work on a request of a distribution.
        policy: when a flush goes.
    """

    rows: Waiting
    journal: Journal
    in_progress: Callable[[str, str], bool]
    policy: Policy

    def look(self, distributions: Iterable[str], now: datetime) -> Status:
        """Return the state of a stack that sweeps these distributions."""
        return Status(
            month=month_of(now),
            charged=self.journal.spent(month_of(now)),
            allowance=self.policy.budget.allowance,
            reserve=self.policy.budget.reserve(now),
            unrouted=self.rows.count(UNROUTED),
            distributions=tuple(self._one(distribution, now) for distribution in distributions),
        )

    def _one(self, distribution: str, now: datetime) -> DistributionStatus:
        span, lease = self.rows.span(distribution), self.journal.lease(distribution)
        busy = [one for one in lease.in_progress if self.in_progress(distribution, one.id)]
        reason, due = self._next(span, replace(lease, in_progress=tuple(busy)), now)
        return DistributionStatus(
            distribution=distribution,
            dirty=self.rows.count(distribution) if span else 0,
            oldest=span[0] if span else None,
            in_progress=sum(one.paths for one in busy),
            unfinished=lease.unfinished,
            flushed_at=lease.flushed_at,
            reason=reason,
            due=due,
        )

    def _next(
        self, span: Span, lease: Lease, now: datetime
    ) -> tuple[Reason | Idle, datetime | None]:
        """Return why the next flush goes or waits, and when it can go."""
        if lease.unfinished is not None:
            return Reason.UNFINISHED, now
        if not span:
            return Idle.NOTHING, None
        oldest, newest = span
        reason = self.policy.settle(oldest, newest, now)
        if reason is Reason.UPLOADING:
            return reason, min(newest + self.policy.quiet, oldest + self.policy.max_wait)
        spent = {month: self.journal.spent(month) for month in months_near(now)}
        headroom = self.policy.quota.less(lease.in_progress)
        decision = self.policy.decide(reason, spent, headroom, lease.flushed_at, now)
        if isinstance(decision, Go):
            return reason, now
        if decision.reason is Reason.BUDGET:
            return decision.reason, self._affordable(lease.flushed_at, max(spent.values()), now)
        return decision.reason, None

    def _affordable(self, flushed_at: datetime | None, spent: int, now: datetime) -> datetime:
        """Return when the reserve, or else the next month, pays for a path."""
        budget, next_month = self.policy.budget, month_bounds(now)[1]
        if flushed_at is None or budget.allowance is None or spent >= budget.allowance:
            return next_month
        return min(next_month, flushed_at + budget.interval(now))
