"""Hold or flush, and why: a pure decision over what a tick has seen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Self

from edgesweep.budget import Budget, months_near
from edgesweep.journal import Invalidation
from edgesweep.pricing import PATH_PRICE


class Reason(StrEnum):
    """Why a distribution is flushed or held."""

    QUIET = "quiet"  # flush: nothing new came for a while
    WAITED = "waited long enough"  # flush: a change has waited for its longest time
    UPLOADING = "uploading"  # hold: changes are still coming in
    BUDGET = "budget"  # hold: only the reserve is left, and its next path is not due
    QUOTA = "quota"  # hold: too much is in progress at CloudFront
    LEASE = "lease"  # hold: another flusher is at it
    UNFINISHED = "unfinished"  # hold: CloudFront has not accepted the last flush
    RECOVERED = "recovered"  # an unfinished flush was finished
    FAILED = "failed"  # hold: something went wrong


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing is flushed now."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Go:
    """Flush now.

    Attributes:
        reason: why.
        paths: how many paths may be spent at once.
        wildcards: how many of them may be wildcards.
        limits: month -> what its ledger may hold afterwards, None for no limit.
        path_price: dollars that the cover counts for a path.
    """

    reason: Reason
    paths: int
    wildcards: int
    limits: Mapping[str, int | None]
    path_price: Decimal = PATH_PRICE


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


@dataclass(frozen=True, slots=True)
class Policy:
    """When to flush.

    Attributes:
        budget: what a month may cost.
        quiet: a deploy that is still uploading is not cut in pieces: wait for so long a silence.
        max_wait: no change waits longer than this for a silence.
    """

    budget: Budget = field(default_factory=Budget)
    quiet: timedelta = timedelta(seconds=10)
    max_wait: timedelta = timedelta(seconds=300)

    def settle(self, oldest: datetime, newest: datetime, now: datetime) -> Reason:
        """Tell whether an upload has come to rest: QUIET, WAITED or UPLOADING."""
        if now - newest >= self.quiet:
            return Reason.QUIET
        return Reason.WAITED if now - oldest >= self.max_wait else Reason.UPLOADING

    def decide(
        self,
        reason: Reason,
        spent: Mapping[str, int],
        headroom: Headroom,
        flushed_at: datetime | None,
        now: datetime,
    ) -> Go | Hold:
        """Decide how many paths a flush may take.

        Args:
            reason: why a flush is wanted.
            spent: each month that may be billed -> what its ledger holds.
            headroom: how much more may be in progress.
            flushed_at: when the distribution was last flushed.
            now: the flusher's clock.
        """
        if min(headroom.paths, headroom.wildcards) < 1:
            return Hold(Reason.QUOTA)
        allowance = self.budget.allowance
        months = months_near(now)
        if allowance is None:
            return Go(reason, headroom.paths, headroom.wildcards, dict.fromkeys(months))
        limits = {
            month: allowance - self.budget.reserve(moment) for month, moment in months.items()
        }
        can = min(limits[month] - spent[month] for month in months)
        if can >= 1:
            paths = min(headroom.paths, max(1, can // 4))
            return Go(reason, paths, headroom.wildcards, limits)
        due = flushed_at is None or now - flushed_at >= self.budget.interval(now)
        if due and all(spent[month] < allowance for month in months):
            return Go(reason, 1, 1, dict.fromkeys(months, allowance))
        return Hold(Reason.BUDGET)
