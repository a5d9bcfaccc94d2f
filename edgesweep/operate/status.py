"""The state of a stack, for people: waiting rows, spending, and the time of the next flush."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from edgesweep.dirty import UNROUTED
from edgesweep.flush.budget import MONTH_MARGIN, Budget, month_bounds, month_of, months_near
from edgesweep.flush.journal import Journal, Lease
from edgesweep.flush.policy import Go, Policy, Reason
from edgesweep.flush.rows import Span
from edgesweep.prices import PATH_PRICE


class Waiting(Protocol):
    """The rows that wait."""

    def span(self, distribution: str) -> Span:
        """Return when the oldest and the newest row were recorded, or nothing without any."""

    def count(self, distribution: str) -> int: ...


class Idle(StrEnum):
    """Why nothing is due."""

    NOTHING = "nothing waits"


@dataclass(frozen=True, slots=True)
class DistributionStatus:
    """The state of one distribution.

    Attributes:
        dirty: rows that wait.
        oldest: when the oldest of them was recorded.
        in_progress: invalidation paths that CloudFront is working on.
        unfinished: id of the flush that is neither settled nor rejected.
        flushed_at: when the last flush was opened.
        due: when the next flush can go; None if nothing waits, or if it depends on others.
        most_paths: the most paths it may take; None if it waits, or resends a journaled flush.
        path_usd: dollars that it counts for each path, None likewise.
    """

    distribution: str
    dirty: int
    oldest: datetime | None
    in_progress: int
    unfinished: str | None
    flushed_at: datetime | None
    reason: Reason | Idle
    due: datetime | None
    most_paths: int | None = None
    path_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a stack.

    Attributes:
        month: the UTC month, as `YYYY-MM`.
        charged: paths that its ledger holds.
        reserve: paths that are kept for the rest of the month.
        unrouted: rows that no distribution serves.
        queued: messages that are not recorded yet.
        dead_letters: messages that could not be recorded.
    """

    month: str
    charged: int
    budget: Budget
    reserve: int
    unrouted: int
    queued: int
    dead_letters: int
    distributions: tuple[DistributionStatus, ...]

    @property
    def left(self) -> int | None:
        """The paths that the month still allows, None for no limit."""
        allowance = self.budget.allowance
        return None if allowance is None else max(0, allowance - self.charged)

    @property
    def usd_spent(self) -> Decimal:
        """The dollars that the charged paths cost beyond the free ones."""
        return PATH_PRICE * max(0, self.charged - self.budget.free_paths)

    @property
    def usd_left(self) -> Decimal | None:
        """The dollars that the month still allows, None for no limit."""
        usd = self.budget.usd
        return None if usd is None else max(Decimal(0), usd - self.usd_spent)


@dataclass(frozen=True, slots=True)
class Observer:
    """Reads the state of a stack and writes nothing.

    Attributes:
        in_progress: tells whether CloudFront is still working on a request of a distribution.
        policy: that of the flusher.
        queued: counts the messages that are not recorded yet.
        dead_letters: counts those that could not be recorded.
    """

    rows: Waiting
    journal: Journal
    in_progress: Callable[[str, str], bool]
    policy: Policy
    queued: Callable[[], int]
    dead_letters: Callable[[], int]

    def look(self, distributions: Iterable[str], now: datetime) -> Status:
        """Return the state of a stack with these distributions."""
        return Status(
            month=month_of(now),
            charged=self.journal.spent(month_of(now)),
            budget=self.policy.budget,
            reserve=self.policy.budget.reserve(now),
            unrouted=self.rows.count(UNROUTED),
            queued=self.queued(),
            dead_letters=self.dead_letters(),
            distributions=tuple(self._one(distribution, now) for distribution in distributions),
        )

    def _one(self, distribution: str, now: datetime) -> DistributionStatus:
        span, lease = self.rows.span(distribution), self.journal.lease(distribution)
        busy = [one for one in lease.in_progress if self.in_progress(distribution, one.id)]
        seen = DistributionStatus(
            distribution=distribution,
            dirty=self.rows.count(distribution) if span else 0,
            oldest=span[0] if span else None,
            in_progress=sum(one.paths for one in busy),
            unfinished=lease.unfinished,
            flushed_at=lease.flushed_at,
            reason=Idle.NOTHING,
            due=None,
        )
        return self._next(seen, span, replace(lease, in_progress=tuple(busy)), now)

    def _next(
        self, seen: DistributionStatus, span: Span, lease: Lease, now: datetime
    ) -> DistributionStatus:
        """Return the state with the reason and the time of the next flush."""
        if not span and lease.unfinished is None:
            return seen
        if lease.token is not None and lease.expires_at is not None and lease.expires_at >= now:
            return replace(seen, reason=Reason.LEASE, due=lease.expires_at)
        if lease.unfinished is not None or not span:
            return replace(seen, reason=Reason.UNFINISHED, due=now)
        oldest, newest = span
        reason = self.policy.settle(oldest, newest, now)
        if reason is Reason.UPLOADING:
            due = min(newest + self.policy.quiet, oldest + self.policy.max_wait)
            return replace(seen, reason=reason, due=due)
        return self._decided(seen, reason, lease, now)

    def _decided(
        self, seen: DistributionStatus, reason: Reason, lease: Lease, now: datetime
    ) -> DistributionStatus:
        """Return the state with the decision that the flusher would take now."""
        spent = {month: self.journal.spent(month) for month in months_near(now)}
        headroom = self.policy.quota.less(lease.in_progress)
        demand = self.journal.demand()
        decision = self.policy.decide(reason, spent, headroom, lease.flushed_at, now, demand=demand)
        if isinstance(decision, Go):
            price = decision.path_price
            return replace(seen, reason=reason, due=now, most_paths=decision.paths, path_usd=price)
        short = decision.reason is Reason.BUDGET
        due = self._affordable(lease.flushed_at, spent, now) if short else None
        return replace(seen, reason=decision.reason, due=due)

    def _affordable(
        self, flushed_at: datetime | None, spent: Mapping[str, int], now: datetime
    ) -> datetime:
        """Return when the budget pays for a path again."""
        budget, near = self.policy.budget, months_near(now)
        allowance = budget.allowance or 0
        used_up = [moment for month, moment in near.items() if spent[month] >= allowance]
        if used_up:
            return max(month_bounds(moment)[1] for moment in used_up) + MONTH_MARGIN
        # A path of the reserve is due, or the month is nearly over and needs none.
        interval, end = budget.interval(now), month_bounds(now)[1]
        intervals = (allowance - max(spent.values()) - 1) // budget.distributions
        due = min((flushed_at or now) + interval, end - interval * intervals)
        return due if due < end else end + MONTH_MARGIN
