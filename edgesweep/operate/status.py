"""The state of a stack, for people: waiting rows, spending, and the time of the next flush."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Protocol

from edgesweep.dirty import UNROUTED
from edgesweep.flush.budget import MONTH_MARGIN, Budget, month_bounds, month_of, months_near
from edgesweep.flush.journal import Flush, Journal, Lease
from edgesweep.flush.pace import NO_PATHS
from edgesweep.flush.policy import Go, Policy, Reason
from edgesweep.flush.rows import Span
from edgesweep.prices import invalidation_bill


class Waiting(Protocol):
    """The rows that wait."""

    def span(self, distribution: str) -> Span: ...

    def count(self, distribution: str) -> int: ...


class Idle(StrEnum):
    """Why nothing is due."""

    NOTHING = "nothing waits"


NEXT: Mapping[Reason | Idle, str] = {
    Idle.NOTHING: "nothing waits",
    Reason.QUIET: "goes at the next tick",
    Reason.WAITED: "goes at the next tick, although the upload continues",
    Reason.UPLOADING: "waits for the upload to come to rest",
    Reason.BUDGET: "waits: only the reserve of the budget is left",
    Reason.QUOTA: "waits: too much is in progress at CloudFront",
    Reason.LEASE: "is being flushed",
    Reason.UNFINISHED: "is sent again: CloudFront has not answered all of it",
}


@dataclass(frozen=True, slots=True)
class MonthBudget:
    """The budget of the month."""

    charged: Annotated[int, "paths that are charged to the month"]
    allowance: Annotated[int | None, "the most paths that it may take; null for no limit"]
    reserve: Annotated[int, "paths that are kept for the rest of the month"]
    left: Annotated[int | None, "paths that are left, with the reserve"]
    spent_usd: Annotated[Decimal, "the price of the charged paths beyond the free ones"]
    left_usd: Annotated[Decimal | None, "dollars that are left"]

    @classmethod
    def of(cls, budget: Budget, charged: int, now: datetime) -> "MonthBudget":
        """Return what a ledger of `charged` paths leaves of the month of `now`."""
        spent = invalidation_bill(charged, budget.free_paths)
        return cls(
            charged=charged,
            allowance=budget.allowance,
            reserve=budget.reserve(now),
            left=None if budget.allowance is None else max(0, budget.allowance - charged),
            spent_usd=spent,
            left_usd=None if budget.usd is None else max(Decimal(0), budget.usd - spent),
        )


@dataclass(frozen=True, slots=True)
class NextFlush:
    """The state of one distribution.

    `due` is None if nothing waits, or if it depends on others; `most_paths` and `path_usd` are None
    if it waits, or resends a journaled flush.
    """

    distribution: Annotated[str, "its id"]
    dirty: Annotated[int, "rows that wait"]
    oldest: Annotated[datetime | None, "when the oldest of them was recorded"]
    in_progress: Annotated[int, "paths that CloudFront is working on"]
    unfinished: Annotated[str | None, "the id of the flush that CloudFront has not answered"]
    flushed_at: Annotated[datetime | None, "when the last flush was opened that may be billed"]
    waited_seconds: Annotated[
        float | None, "how long its first change had waited, from the upload to the acceptance"
    ]
    reason: Annotated[Reason | Idle, "why it is flushed or held"]
    due: Annotated[datetime | None, "when the next flush can go"]
    most_paths: Annotated[int | None, "the most paths that it may take"]
    path_usd: Annotated[Decimal | None, "the price at which it chooses its paths"]
    next: Annotated[str, "what happens next"]


@dataclass(frozen=True, slots=True)
class StackStatus:
    """The state of a stack."""

    month: Annotated[str, "the UTC month, as YYYY-MM"]
    budget: MonthBudget
    queued: Annotated[int, "messages that are not recorded yet"]
    dead_letters: Annotated[int, "messages that could not be recorded"]
    unrouted: Annotated[int, "rows that no distribution serves"]
    distributions: Sequence[NextFlush]


@dataclass(frozen=True, slots=True)
class Observer:
    """Reads the state of a stack and writes nothing."""

    rows: Waiting
    journal: Journal
    in_progress: Callable[[str, str], bool]  # whether CloudFront works on a distribution's request
    policy: Policy
    queued: Callable[[], int]  # counts the messages that are not recorded yet
    dead_letters: Callable[[], int]  # counts those that could not be recorded
    last: Callable[[str], Flush | None] = lambda _: None  # the last flush of a distribution

    def look(self, distributions: Iterable[str], now: datetime) -> StackStatus:
        month = month_of(now)
        return StackStatus(
            month=month,
            budget=MonthBudget.of(self.policy.budget, self.journal.spent(month), now),
            queued=self.queued(),
            dead_letters=self.dead_letters(),
            unrouted=self.rows.count(UNROUTED),
            distributions=[self._one(distribution, now) for distribution in distributions],
        )

    def _one(self, distribution: str, now: datetime) -> NextFlush:
        span, lease = self.rows.span(distribution), self.journal.lease(distribution)
        busy = [one for one in lease.in_progress if self.in_progress(distribution, one.id)]
        lease = replace(lease, in_progress=tuple(busy))
        reason, due, go = self._next(span, lease, now)
        last = self.last(distribution)
        waited = last.waited if last else None
        return NextFlush(
            distribution=distribution,
            dirty=self.rows.count(distribution) if span else 0,
            oldest=span[0] if span else None,
            in_progress=sum(one.paths for one in busy),
            unfinished=lease.unfinished,
            flushed_at=lease.flushed_at,
            waited_seconds=None if waited is None else waited.total_seconds(),
            reason=reason,
            due=due,
            most_paths=go.terms(NO_PATHS).paths if go else None,
            path_usd=go.terms(NO_PATHS).price if go else None,
            next=NEXT[reason],
        )

    def _next(
        self, span: Span, lease: Lease, now: datetime
    ) -> tuple[Reason | Idle, datetime | None, Go | None]:
        """Return the reason and the time of the next flush, and the decision if it goes now."""
        if not span and lease.unfinished is None:
            return Idle.NOTHING, None, None
        if lease.held(now):
            return Reason.LEASE, lease.expires_at, None
        if lease.unfinished is not None or not span:
            return Reason.UNFINISHED, now, None
        oldest, newest = span
        reason = self.policy.settle(oldest, newest, now)
        if reason is Reason.UPLOADING:
            return reason, min(newest + self.policy.quiet, oldest + self.policy.max_wait), None
        # The decision that the flusher would take now.
        spent = {month: self.journal.spent(month) for month in months_near(now)}
        headroom, demand = self.policy.quota.less(lease.in_progress), self.journal.demand()
        decision = self.policy.decide(reason, spent, headroom, lease.flushed_at, now, demand=demand)
        if isinstance(decision, Go):
            return reason, now, decision
        short = decision is Reason.BUDGET
        return decision, self._affordable(lease.flushed_at, spent, now) if short else None, None

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
