"""How many invalidation paths may be spent, so that the bill and the staleness are both bounded.

Goal: within one UTC month the ledger never passes the allowance, and every distribution can be
flushed once every interval until the month ends, however the month went.

The allowance A is the free paths and the paths that the budget buys. The reserve is one path for
each of the D distributions every interval I until the month ends: R(t) = D * ceil((end - t) / I).
More than a single path may be spent only while A - spent >= R(t) afterwards. From then on a
distribution takes at most one path every interval, ceil((end - t) / I) in all: the reserve lasts.

A distribution that flushes again and again leaves the others what they may have saved: the share
of each in a day's free reserve. So a busy distribution does not price out a quiet one.

Others spend from the same paths of the account: we subtract what they were seen to spend from A,
and so from the reserve. If they take from the reserve, the interval grows until the rest lasts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from functools import cache

from edgesweep.dirty import count
from edgesweep.errors import BadInput
from edgesweep.flush.others import NOBODY, Others
from edgesweep.prices import CENT, FREE_PATHS, PATH_PRICE, invalidation_bill

# A send this near to another month may be billed there: clocks differ, and a request takes time.
MONTH_MARGIN = timedelta(seconds=30)

YEARS = range(1970, 9999)  # whose months, and those around them, have bounds
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
LONGEST_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The paths of a month."""

    paths: int = 0  # our charges, and what others were seen to spend
    others: Others = NOBODY

    @property
    def own(self) -> int:
        return self.paths - self.others.paths


UNSPENT = Ledger()

Ledgers = Mapping[str, Ledger]  # month -> its ledger, for each month that may be billed now


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a month costs, and the guarantee; BadInput if the allowance is too small."""

    usd: Decimal | None = Decimal(0)  # a month, for paths beyond the free ones; None: no limit
    free_paths: int = FREE_PATHS  # free paths a month of the account
    # The longest time between flushes of a distribution; None: what half the allowance pays for.
    guarantee: timedelta | None = None
    distributions: int = 1  # how many distributions share the budget
    ledger: Ledger = UNSPENT  # the paths that are spent in the month; see `after`

    def __post_init__(self) -> None:
        allowance = self.allowance
        if allowance is None:
            return
        if allowance < 2 * self.distributions:
            raise BadInput(
                f"An allowance of {allowance} paths a month is too small: "
                f"{self.distributions} distributions need {2 * self.distributions} at least"
            )
        if self.guarantee is not None and self._paths_guaranteed(self.guarantee) > allowance:
            raise BadInput(self._unpaid(self.guarantee, allowance))

    @property
    def allowance(self) -> int | None:
        """Paths that may be charged in a month, None for no limit."""
        return None if self.usd is None else self.free_paths + int(self.usd / PATH_PRICE)

    def interval(self, moment: datetime) -> timedelta:
        """The guaranteed interval between flushes of a distribution in `moment`'s month."""
        planned = self.planned(moment)
        if self.allowance is None:
            return planned
        # It grows if others leave too little for it, in the end to the rest of the month. Each may
        # have taken the path of its current interval already.
        left = max(0, self.allowance - self.ledger.paths) + self.distributions
        return max(planned, self.distributions * (month_bounds(moment)[1] - moment) / left)

    def planned(self, moment: datetime) -> timedelta:
        """The interval while others leave the reserve alone."""
        if self.guarantee is not None or self.allowance is None:
            return self.guarantee or timedelta(0)
        start, end = month_bounds(moment)
        left = max(1, self.allowance - self.ledger.others.paths)
        return 2 * self.distributions * (end - start) / left

    def next_path(self, flushed_at: datetime | None, now: datetime) -> datetime:
        """Return when the reserve's next path is due, or the month no longer needs a reserve."""
        planned, end, many = self.planned(now), month_bounds(now)[1], self.distributions
        left, since = (self.allowance or 0) - self.ledger.paths, flushed_at or now
        # The end of the grown interval; it is rounded to microseconds, so this is rounded up.
        grown = many * (end - since) / (left + 2 * many) + timedelta.resolution
        due = min(since + max(planned, grown), end - planned * ((left - 1) // many))
        return due if due < end else end + MONTH_MARGIN

    def reserve(self, moment: datetime) -> int:
        if self.allowance is None:
            return 0
        _, end = month_bounds(moment)
        return self.distributions * math.ceil((end - moment) / self.interval(moment))

    def free_reserve(self, moment: datetime) -> int:
        """Return the reserve of the free paths alone, the same at every budget."""
        return self.distributions * math.ceil(self._intervals(moment))

    def money(self, moment: datetime) -> int:
        """Return the paths that are paid for, less those that the reserve needs of them.

        It never falls within a month, unlike what is left of both reserves, which are whole paths.
        """
        intervals = (month_bounds(moment)[1] - moment) / self.planned(moment)
        paid = (self.allowance or 0) - self.free_paths
        return paid - self.distributions * max(0, math.ceil(intervals - self._intervals(moment)))

    def saved(self, moment: datetime, flushed_at: datetime | None) -> int:
        """Return what one of several distributions saved since its last flush, a day's at most."""
        since = _DAY if flushed_at is None else min(_DAY, moment - flushed_at)
        return int(self._free_share(moment, since)) if self.distributions > 1 else 0

    def kept(self, moment: datetime, flushed_at: datetime | None) -> int:
        """Return the free paths that a distribution without savings must leave to the others."""
        others = self.distributions - 1
        return 0 if self.saved(moment, flushed_at) else others * self.saved(moment, None)

    def limits(self, paths: int, now: datetime) -> Mapping[str, int | None]:
        """Return the most paths in the ledgers near now; only a single one may be reserved."""
        allowance = self.allowance
        return {
            month: allowance if allowance is None or paths == 1 else allowance - self.reserve(near)
            for month, near in months_near(now).items()
        }

    def after(self, ledger: Ledger) -> "Budget":
        return replace(self, ledger=ledger)

    def _free_share(self, moment: datetime, span: timedelta) -> float:
        """Return a distribution's share of half of the free paths, for a part of the month."""
        start, end = month_bounds(moment)
        free = max(0, self.free_paths - self.ledger.others.paths)
        return free * (min(span, end - moment) / (end - start)) / 2 / self.distributions

    def _intervals(self, moment: datetime) -> float:
        """Return the rest of the month in intervals that free paths alone would pay for."""
        half = self._free_share(moment, LONGEST_MONTH)
        if self.guarantee and self._paths_guaranteed(self.guarantee) <= self.free_paths:
            return max(half, (month_bounds(moment)[1] - moment) / self.guarantee)
        return half

    def _paths_guaranteed(self, guarantee: timedelta) -> int:
        return self.distributions * math.ceil(LONGEST_MONTH / guarantee)

    def _unpaid(self, guarantee: timedelta, allowance: int) -> str:
        paths = self._paths_guaranteed(guarantee)
        dollars = invalidation_bill(paths, self.free_paths).quantize(CENT, ROUND_CEILING)
        possible = math.ceil(LONGEST_MONTH / (allowance // self.distributions) / _MINUTE)
        wanted = math.ceil(guarantee / _MINUTE)
        sharing = f" of each of {self.distributions} distributions"
        return (
            f"A flush{sharing if self.distributions > 1 else ''} "
            f"every {count(wanted, 'minute')} takes {paths:,} paths a month, "
            f"${dollars}; your budget pays for one every {count(possible, 'minute')} at most"
        )


def month_bounds(moment: datetime) -> tuple[datetime, datetime]:
    """Return when the UTC month of `moment` begins and ends."""
    utc = moment.astimezone(UTC)
    return _bounds(utc.year, utc.month)


@cache
def _bounds(year: int, month: int) -> tuple[datetime, datetime]:
    start = datetime(year, month, 1, tzinfo=UTC)
    return start, (start + LONGEST_MONTH + _DAY).replace(day=1)


def month_of(moment: datetime) -> str:
    """Return the UTC month that is billed for `moment`, as `YYYY-MM`."""
    return moment.astimezone(UTC).isoformat()[: len("YYYY-MM")]


def months_near(moment: datetime) -> Mapping[str, datetime]:
    """Return the months that may be billed for a request at `moment`, with a time in each."""
    return {month_of(near): near for near in (moment - MONTH_MARGIN, moment + MONTH_MARGIN, moment)}
