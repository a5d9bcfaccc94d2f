"""Hold or flush, and why: a pure decision over the facts that a tick has read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from edgesweep.dirty import Change, DirtyRow
from edgesweep.flush.budget import Budget, Ledgers, month_bounds, month_of, months_near
from edgesweep.flush.journal import Invalidation, Lease, LedgerLimits
from edgesweep.flush.pace import Demand, Purse, Terms, Wanted
from edgesweep.paths import MAX_WILDCARDS
from edgesweep.prices import REFETCH_COST
from edgesweep.routes.patterns import matches

# Two ticks of one minute may be just under two minutes apart.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
TICKS_APART = timedelta(minutes=2)

Rows = Iterable[DirtyRow]  # the rows that wait
Months = Mapping[str, tuple[Budget, datetime]]  # month near now -> what is left of it, and a time


class Reason(StrEnum):
    """Why a distribution is flushed or held."""

    QUIET = "quiet"  # flush: nothing new came for a while
    WAITED = "waited long enough"  # flush: a change has waited for its longest time
    URGENT = "urgent"  # flush: a change does not wait for the upload to end
    UPLOADING = "uploading"  # hold: changes are still coming in
    BUDGET = "budget"  # hold: only the reserve is left, and its next path is not due
    SPENT = "spent"  # hold: nothing is left of the month
    PATIENT = "patient"  # hold: paths are dear, and the next change may come in time
    QUOTA = "quota"  # hold: too much is in progress at CloudFront
    LEASE = "lease"  # hold: another flusher has the lease
    UNFINISHED = "unfinished"  # hold: CloudFront has not accepted the last flush
    SWEEPING = "sweeping"  # the rows that the last flush covers are still being deleted
    RECOVERED = "recovered"  # an unfinished flush was finished
    LATER = "later"  # hold: too little is left of this tick's time
    FAILED = "failed"  # hold: something went wrong
    NOTHING = "nothing waits"  # hold: there is nothing to flush


@dataclass(frozen=True, slots=True)
class Go:
    """Flush now."""

    paths: int  # how many may be spent at once
    wildcards: int  # how many of them may be wildcards
    limits: LedgerLimits  # month -> the most paths in its ledger afterwards
    purses: tuple[Purse, ...]  # what each of these months offers

    def terms(self, wanted: Wanted) -> Terms:
        offers = [purse.terms(wanted) for purse in self.purses]
        paths = min(self.paths, *(offer.paths for offer in offers))
        free = min(offer.free for offer in offers)
        return Terms(max(offer.price for offer in offers), max(1, paths), free)


@dataclass(frozen=True, slots=True)
class Quota:
    """How much more may be in progress at CloudFront for a distribution."""

    paths: int
    wildcards: int

    def less(self, requests: Collection[Invalidation]) -> "Quota":
        exact = sum(request.exact for request in requests)
        wildcards = sum(request.wildcards for request in requests)
        return Quota(self.paths - exact, self.wildcards - wildcards)


# Per distribution: https://docs.aws.amazon.com/general/latest/gr/cf_region.html
MAX_IN_PROGRESS = Quota(paths=3_000, wildcards=15)
OUR_QUOTA = replace(MAX_IN_PROGRESS, wildcards=MAX_WILDCARDS)
RESERVED_WILDCARDS = MAX_IN_PROGRESS.wildcards - MAX_WILDCARDS


@dataclass(frozen=True, slots=True)
class Policy:
    """When to flush.

    A flush must not split an upload, so it waits until nothing has arrived for `quiet`. While paths
    are dear, a change waits for the next change as long as `patience`. A removal does not wait for
    that. An urgent change waits for neither, and everything else goes with it.
    """

    budget: Budget = field(default_factory=Budget)
    quiet: timedelta = timedelta(seconds=10)
    max_wait: timedelta = timedelta(seconds=300)  # no change waits longer than this for quiet
    patience: timedelta = timedelta(minutes=5)
    refetch: Decimal = REFETCH_COST  # dollars of hitting an object that did not change
    quota: Quota = OUR_QUOTA  # how much may be in progress for a distribution
    urgent: Sequence[str] = ()  # patterns of keys whose changes are urgent

    def guaranteed(self, moment: datetime) -> timedelta:
        """Return the longest time from a record to its flush that month, if CloudFront accepts."""
        return max(self.budget.interval(moment), self.max_wait, self.patience) + TICKS_APART

    def ready(self, oldest: datetime, newest: datetime, now: datetime, rows: Rows = ()) -> Reason:
        """Tell whether an upload has come to rest: QUIET, WAITED or UPLOADING; or URGENT."""
        if now - newest >= self.quiet:
            return Reason.QUIET
        if now - oldest >= self.max_wait:
            return Reason.WAITED
        # The rows are read only if it depends on them.
        return Reason.URGENT if self.any_urgent(rows) else Reason.UPLOADING

    def with_all_urgent(self) -> "Policy":
        """Return the policy of a flush that somebody asks for now: every change is urgent."""
        return replace(self, urgent=("*",))

    def any_urgent(self, rows: Rows) -> bool:
        """Tell whether any row is urgent; they are read only if there are patterns."""
        return bool(self.urgent) and any(map(self.is_urgent, rows))

    def is_urgent(self, row: DirtyRow) -> bool:
        key = row.subject.key if isinstance(row.subject, Change) else row.subject.path
        return any(matches(pattern, key) for pattern in self.urgent)

    def decide(self, ledgers: Ledgers, demand: Demand, lease: Lease, now: datetime) -> Go | Reason:
        """Return how many paths a flush may take and how much each has to save, or why it waits."""
        room = self.quota.less(lease.in_progress)
        if min(room.paths, room.wildcards) < 1:
            return Reason.QUOTA
        left = {
            month: (self.budget.after(ledgers[month]), near)
            for month, near in months_near(now).items()
        }
        granted = self._granted(left, room, lease, now)
        if isinstance(granted, Reason):
            return granted
        purses = (self._purse(budget, demand, lease, near) for budget, near in left.values())
        return Go(*granted, tuple(purses))

    def _granted(
        self, left: Months, room: Quota, lease: Lease, now: datetime
    ) -> tuple[int, int, LedgerLimits] | Reason:
        """Return the most paths and wildcards, and the limits of months; or why a flush waits."""
        allowance, flushed_at = self.budget.allowance, lease.flushed_at
        if allowance is None:
            return room.paths, room.wildcards, dict.fromkeys(left)
        limits = {
            month: allowance - budget.reserve(near) - budget.kept(near, flushed_at)
            for month, (budget, near) in left.items()
        }
        can = min(limits[month] - budget.ledger.paths for month, (budget, _) in left.items())
        if can >= 1 and not any(budget.ledger.others.unread for budget, _ in left.values()):
            return min(room.paths, can), room.wildcards, limits
        if any(budget.ledger.paths >= allowance for budget, _ in left.values()):
            return Reason.SPENT
        if flushed_at is None or now - flushed_at >= left[month_of(now)][0].interval(now):
            return 1, 1, dict.fromkeys(left, allowance)
        return Reason.BUDGET

    def waits(
        self, avoidable: int, oldest: datetime, demand: Demand, now: datetime, rows: Rows = ()
    ) -> bool:
        """Tell whether a flush waits for the next change, because paths are dear."""
        # It waits if we expect that to save one or more `avoidable` objects: unchanged ones that it
        # hits, and would not hit if paths were nearly free. None of the rows hurries.
        left = self.patience - (now - oldest)
        spares = avoidable * demand.chance(left, self.budget.distributions, now) >= 1
        return spares and not any(row.removal or self.is_urgent(row) for row in rows)

    def _purse(self, budget: Budget, demand: Demand, lease: Lease, moment: datetime) -> Purse:
        left = budget.free_paths - budget.ledger.paths + demand.bought_in(month_of(moment))
        kept = budget.kept(moment, lease.flushed_at)
        saved = budget.saved(moment, lease.flushed_at)
        free, paid = left - budget.free_reserve(moment) - kept, self.quota.paths
        if budget.allowance is not None:
            can = budget.allowance - budget.reserve(moment) - kept - budget.ledger.paths
            free = min(free, can)
            money = budget.money(moment) - demand.bought_in(month_of(moment))
            paid = max(0, min(can - max(0, free), money))
        return Purse(demand, left, free, paid, month_bounds(moment)[1] - moment, moment, saved)
