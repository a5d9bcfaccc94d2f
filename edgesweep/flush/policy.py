"""Hold or flush, and why: a pure decision over the facts that a tick has read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from edgesweep.flush.budget import Budget, month_bounds, month_of, months_near
from edgesweep.flush.journal import Invalidation
from edgesweep.flush.others import NOBODY, Others
from edgesweep.flush.pace import NOTHING_SEEN, Demand
from edgesweep.paths import MAX_WILDCARDS
from edgesweep.prices import PATH_PRICE, REFETCH_COST

NOTHING: Mapping[str, Others] = MappingProxyType({})

# A flush takes half of the paths that may be spent at once: the next one may be as large.
SHARE = 2
# Two ticks of one minute may be just under two minutes apart.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
TICKS_APART = timedelta(minutes=2)


class Reason(StrEnum):
    """Why a distribution is flushed or held."""

    QUIET = "quiet"  # flush: nothing new came for a while
    WAITED = "waited long enough"  # flush: a change has waited for its longest time
    UPLOADING = "uploading"  # hold: changes are still coming in
    BUDGET = "budget"  # hold: only the reserve is left, and its next path is not due
    SPENT = "spent"  # hold: nothing is left of the month
    QUOTA = "quota"  # hold: too much is in progress at CloudFront
    LEASE = "lease"  # hold: another flusher has the lease
    UNFINISHED = "unfinished"  # hold: CloudFront has not accepted the last flush
    SWEEPING = "sweeping"  # the rows that the last flush covers are still being deleted
    RECOVERED = "recovered"  # an unfinished flush was finished
    LATER = "later"  # hold: too little is left of this tick's time
    FAILED = "failed"  # hold: something went wrong


@dataclass(frozen=True, slots=True)
class Go:
    """Flush now.

    Attributes:
        paths: how many paths may be spent at once.
        wildcards: how many of them may be wildcards.
        limits: month -> the most paths in its ledger afterwards, None for no limit.
        path_price: dollars that the cover counts for a path.
        why: how that price came about, in one line for people.
    """

    reason: Reason
    paths: int
    wildcards: int
    limits: Mapping[str, int | None]
    path_price: Decimal = PATH_PRICE
    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Headroom:
    """How much more may be in progress at CloudFront for a distribution."""

    paths: int
    wildcards: int

    def less(self, requests: Iterable[Invalidation]) -> Self:
        """Return what is left beside `requests` that are in progress."""
        paths, wildcards = self.paths, self.wildcards
        for request in requests:
            paths -= request.exact
            wildcards -= request.wildcards
        return replace(self, paths=paths, wildcards=wildcards)


# Per distribution: https://docs.aws.amazon.com/general/latest/gr/cf_region.html
MAX_IN_PROGRESS = Headroom(paths=3_000, wildcards=15)
OUR_QUOTA = replace(MAX_IN_PROGRESS, wildcards=MAX_WILDCARDS)
RESERVED_WILDCARDS = MAX_IN_PROGRESS.wildcards - MAX_WILDCARDS


@dataclass(frozen=True, slots=True)
class Policy:
    """When to flush.

    Attributes:
        quiet: how long nothing new must arrive, so that no flush cuts an upload in pieces.
        max_wait: no change waits longer than this for quiet.
        refetch: dollars of one object that was invalidated though it had not changed.
        quota: how much may be in progress at CloudFront for a distribution.
    """

    budget: Budget = field(default_factory=Budget)
    quiet: timedelta = timedelta(seconds=10)
    max_wait: timedelta = timedelta(seconds=300)
    refetch: Decimal = REFETCH_COST
    quota: Headroom = OUR_QUOTA

    def guaranteed(self, moment: datetime) -> timedelta:
        """Return the longest time from a change's record to its flush, in `moment`'s month.

        It holds as long as CloudFront accepts our requests.
        """
        return max(self.budget.interval(moment), self.max_wait) + TICKS_APART

    def settle(self, oldest: datetime, newest: datetime, now: datetime) -> Reason:
        """Tell whether an upload has come to rest: QUIET, WAITED or UPLOADING."""
        if now - newest >= self.quiet:
            return Reason.QUIET
        return Reason.WAITED if now - oldest >= self.max_wait else Reason.UPLOADING

    def decide(  # noqa: PLR0913  # all that a decision depends on, since it is pure
        self,
        reason: Reason,
        spent: Mapping[str, int],
        headroom: Headroom,
        flushed_at: datetime | None,
        now: datetime,
        *,
        demand: Demand = NOTHING_SEEN,
        others: Mapping[str, Others] = NOTHING,
    ) -> Go | Reason:
        """Return how many paths a flush may take and how much each has to save, or why it waits.

        `spent` holds the paths in the ledger of each month that may be billed, and `others` says
        which of these are not ours; `demand` counts all distributions together.
        """
        if min(headroom.paths, headroom.wildcards) < 1:
            return Reason.QUOTA
        allowance = self.budget.allowance
        months = months_near(now)
        price, near, month = max(
            (self._price(spent[month], demand, near), near, month) for month, near in months.items()
        )
        why = self._why(price, spent[month], demand, near)
        if allowance is None:
            unlimited = dict.fromkeys(months)
            return Go(reason, headroom.paths, headroom.wildcards, unlimited, price, why)
        seen = {month: others.get(month, NOBODY) for month in months}
        left = {month: self.budget.after(spent[month], seen[month].paths) for month in months}
        limits = {month: allowance - left[month].reserve(near) for month, near in months.items()}
        can = min(limits[month] - spent[month] for month in months)
        if can >= 1 and not any(one.unread for one in seen.values()):
            paths = min(headroom.paths, max(1, can // SHARE))
            return Go(reason, paths, headroom.wildcards, limits, price, why)
        if any(spent[month] >= allowance for month in months):
            return Reason.SPENT
        if flushed_at is None or now - flushed_at >= left[month_of(now)].interval(now):
            return Go(reason, 1, 1, dict.fromkeys(months, allowance), price, why)
        return Reason.BUDGET

    def _price(self, spent: int, demand: Demand, moment: datetime) -> Decimal:
        """Return the marginal price of a path in `moment`'s month, in dollars.

        It is near zero while the free paths will last, and the list price once they are gone.
        """
        remaining = month_bounds(moment)[1] - moment
        return demand.price(self.budget.free_paths - spent, remaining, moment)

    def _why(self, price: Decimal, spent: int, demand: Demand, moment: datetime) -> str:
        days = (month_bounds(moment)[1] - moment) / timedelta(days=1)
        return (
            f"A path counted as ${price:.8f} of ${PATH_PRICE}: "
            f"{max(self.budget.free_paths - spent, 0):,} of {self.budget.free_paths:,} free paths "
            f"were left for {days:.1f} days; the {demand.days:.1f} days seen take "
            f"{demand.paths[-1]:,.0f} paths at the list price, {demand.paths[0]:,.0f} at the lowest"
        )
