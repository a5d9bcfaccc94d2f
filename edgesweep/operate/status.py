"""The state of a stack, for people: waiting rows, spending, and the time of the next flush."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from sys import maxsize
from typing import Annotated

from edgesweep.dirty import UNROUTED, DirtyRows, Span
from edgesweep.flush.budget import MONTH_MARGIN, Budget, month_bounds, month_of, months_near
from edgesweep.flush.journal import Flush, Journal, Lease, ledgers_near
from edgesweep.flush.pace import LADDER, NO_PATHS
from edgesweep.flush.planning import first_rows
from edgesweep.flush.policy import Go, Policy, Reason
from edgesweep.operate.bill import Spender, foreign
from edgesweep.prices import invalidation_bill

Seen = tuple[Span | None, Lease]  # of a distribution

NEXT: Mapping[Reason, str] = {
    Reason.NOTHING: "nothing waits",
    Reason.QUIET: "goes at the next tick",
    Reason.WAITED: "goes at the next tick, although the upload continues",
    Reason.URGENT: "goes at the next tick, since a change is urgent",
    Reason.PATIENT: "goes at the next tick, or with the next change if that saves paths",
    Reason.UPLOADING: "waits for the upload to come to rest",
    Reason.BUDGET: "waits: only the reserve of the budget is left",
    Reason.SPENT: "waits: nothing is left of the month's budget",
    Reason.QUOTA: "waits: too much is in progress at CloudFront",
    Reason.LEASE: "is being flushed",
    Reason.UNFINISHED: "is sent again: CloudFront has not answered all of it",
    Reason.LATER: "goes at the next tick, since other distributions took long",
    Reason.FAILED: "failed; the next tick tries it again",
}


@dataclass(frozen=True, slots=True)
class MonthBudget:
    charged: Annotated[int, "paths that are charged to the month, including the paths of others"]
    others: Annotated[int, "the paths of others"]
    spenders: Annotated[Sequence[Spender], "who the others are, the most paths first"]
    unread: Annotated[bool, "whether others may have spent more"]
    looked_at: Annotated[datetime | None, "when others were looked at last; null for never"]
    allowance: Annotated[int | None, "the most paths that the month may take; null for no limit"]
    reserve: Annotated[int, "paths that are kept for the rest of the month"]
    left: Annotated[int | None, "paths that are left, including the reserve"]
    spent_usd: Annotated[Decimal, "the price of the charged paths beyond the free ones"]
    left_usd: Annotated[Decimal | None, "dollars that are left"]

    @classmethod
    def of(cls, budget: Budget, now: datetime) -> "MonthBudget":
        """Return what the ledger leaves of the budget of the month of `now`."""
        charged, others = budget.ledger.paths, budget.ledger.others
        spent = invalidation_bill(charged, budget.free_paths)
        return cls(
            charged=charged,
            others=others.paths,
            spenders=foreign(others),
            unread=others.unread,
            looked_at=others.since,
            allowance=budget.allowance,
            reserve=budget.reserve(now),
            left=None if budget.allowance is None else max(0, budget.allowance - charged),
            spent_usd=spent,
            left_usd=None if budget.usd is None else max(Decimal(0), budget.usd - spent),
        )


@dataclass(frozen=True, slots=True)
class NextFlush:
    """The state of one distribution."""

    distribution: Annotated[str, "its id"]
    dirty: Annotated[int, "rows that wait"]
    oldest: Annotated[datetime | None, "when the oldest of them was recorded"]
    in_progress: Annotated[int, "paths that CloudFront is working on"]
    unfinished: Annotated[str | None, "the id of the flush that CloudFront has not answered"]
    flushed_at: Annotated[datetime | None, "when the last flush that may be billed was opened"]
    waited_seconds: Annotated[float | None, "from the upload of its first change to its acceptance"]
    reason: Annotated[Reason, "why it is flushed or held, or may be held if it is patient"]
    due: Annotated[datetime | None, "when the next flush can go; null for never, or not known"]
    most_paths: Annotated[int | None, "the most paths that it may take; null if it waits"]
    path_usd: Annotated[Decimal | None, "the price at which it chooses its paths; null likewise"]
    next: Annotated[str, "what happens next"]


@dataclass(frozen=True, slots=True)
class StackStatus:
    month: Annotated[str, "the UTC month, as YYYY-MM"]
    budget: MonthBudget
    queued: Annotated[int, "messages that are not recorded yet"]
    dead_letters: Annotated[int, "messages that could not be recorded"]
    unrouted: Annotated[int, "rows that no distribution serves"]
    distributions: Sequence[NextFlush]


@dataclass(frozen=True, slots=True)
class Observer:
    """Reads the state of a stack and writes nothing."""

    rows: DirtyRows
    count: Callable[[str], int]  # counts the rows of a distribution
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
            budget=MonthBudget.of(self.policy.budget.after(self.journal.ledger(month)), now),
            queued=self.queued(),
            dead_letters=self.dead_letters(),
            unrouted=self.count(UNROUTED),
            distributions=[self._one(distribution, now) for distribution in distributions],
        )

    def _one(self, distribution: str, now: datetime) -> NextFlush:
        span, lease = self.peek(distribution)
        busy = [one for one in lease.in_progress if self.in_progress(distribution, one.id)]
        lease = replace(lease, in_progress=tuple(busy))
        reason, due, go = self._next(distribution, span, lease, now)
        last = self.last(distribution)
        waited = last.waited if last else None
        return NextFlush(
            distribution=distribution,
            dirty=self.count(distribution) if span else 0,
            oldest=span.oldest if span else None,
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

    def peek(self, distribution: str) -> Seen:
        return self.rows.span(distribution), self.journal.lease(distribution)

    def why(self, distribution: str, span: Span | None, lease: Lease, now: datetime) -> str:
        """Return why rows or a flush wait, and until when at the latest."""
        text = NEXT[self._next(distribution, span, lease, now)[0]]
        if not span:
            return text
        latest = span.oldest + self.policy.guaranteed(span.oldest)
        return f"{text}, by {latest:%F %T} UTC at the latest"

    def _next(
        self, distribution: str, span: Span | None, lease: Lease, now: datetime
    ) -> tuple[Reason, datetime | None, Go | None]:
        """Return the reason and the time of the next flush, and the decision if it goes now."""
        if not span and lease.unfinished is None:
            return Reason.NOTHING, None, None
        if lease.held(now):
            return Reason.LEASE, lease.expires_at, None
        if lease.unfinished is not None or not span:
            return Reason.UNFINISHED, now, None
        oldest, newest = span
        reason = self.policy.ready(oldest, newest, now, first_rows(self.rows, distribution))
        if reason is Reason.UPLOADING:
            return reason, min(newest + self.policy.quiet, oldest + self.policy.max_wait), None
        # The decision that the flusher would take now.
        ledgers = ledgers_near(self.journal, now)
        demand = self.journal.demand()
        decision = self.policy.decide(ledgers, demand, lease, now)
        if isinstance(decision, Go):
            # Whether it waits for the next change depends on what its wildcards would hit.
            most = maxsize if decision.terms(NO_PATHS).price > LADDER[0] else 0
            if self.policy.waits(most, oldest, demand, now, first_rows(self.rows, distribution)):
                reason = Reason.PATIENT
            return reason, now, decision
        budget = self.policy.budget.after(ledgers[month_of(now)])
        due: datetime | None = None
        if decision is Reason.SPENT:
            # When a month begins that pays for a path.
            near, allowance = months_near(now), budget.allowance or 0
            spent = [moment for month, moment in near.items() if ledgers[month].paths >= allowance]
            due = max(month_bounds(moment)[1] for moment in spent) + MONTH_MARGIN
        elif decision is Reason.BUDGET:
            due = budget.next_path(lease.flushed_at, now)
        return decision, due, None
