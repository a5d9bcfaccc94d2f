"""The worth of a path: the price at which a month spends just its free paths.

Goal: spend the free paths of a month where they save most, without knowing the future, and buy
another path only if it saves more than it costs.

Plan: of all ways to spend a number of paths in a month, the one with the least collateral gives
every path the same price: a flush takes one more path wherever that saves more unchanged objects
than the price. Nobody knows that price in advance. But we know how many paths the flushes so far
would have taken at each price, and expect the rest of the month to be like them. The price is the
lowest at which the free paths last for this flush and for those to come. Every flush computes it
again, so a wrong guess corrects itself by the paths that it left or took.

Money: the free paths have a reserve of their own, the same at every budget, and a path that a
budget pays for takes none of them. So a flush finds the same free paths at every budget, and takes
more than them only at the list price; `docs/budget.md` says what follows from that.

Invariant: no path is priced above the list price: above it we would refetch objects worth more
than the path we save. If the paths run out all the same, flushes wait for the reserve.

Patience: two deploys that go out together take fewer paths than two that do not. A flush that hits
unchanged objects because paths are dear waits while the next one is likely enough to come in time.

Memory: old flushes fade over a month, since budgets are monthly. The flushes of the first hours
count as those of a whole day, so a site that changes often is known as such at once.

Cost: a few more covers for each flush, chosen from the same candidates.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import exp, log
from operator import add, neg

from edgesweep.flush.budget import month_of
from edgesweep.prices import PATH_PRICE

# Dollars a path, up to the list price. At the lowest, one object is worth dozens of paths.
STEP = 4
LADDER = tuple(PATH_PRICE / Decimal(STEP) ** down for down in reversed(range(9)))

Wanted = Sequence[int]  # how many paths a flush takes at each price of the ladder
NO_PATHS: Wanted = (0,) * len(LADDER)

# A flush takes half of the free paths that may be spent at once: the next one may be as large. If
# the month is likely to end before that, it may take all of them.
SHARE = 2
LIKELY = 0.5
MEMORY_DAYS = 30.0
LEAST_DAYS = 1.0

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Demand:
    """How many paths all flushes would have taken at each price; the longer ago, the less."""

    seen_at: datetime | None = None  # when the last flush was counted, None before the first
    days: float = 0.0  # how many days of flushes are counted, faded like the flushes in them
    flushes: float = 0.0
    paths: tuple[float, ...] = (0.0,) * len(LADDER)  # more of them at the lower prices
    bought: int = 0  # paths beyond the free ones that flushes took in the month of `seen_at`

    def after(self, wanted: Wanted, now: datetime, bought: int = 0) -> "Demand":
        faded, bought = self._faded(now), bought + self.bought_in(month_of(now))
        paths = tuple(map(add, faded.paths, wanted))
        return Demand(now, faded.days, faded.flushes + 1, paths, bought)

    def bought_in(self, month: str) -> int:
        """Return how many paths beyond the free ones flushes took in a month, `YYYY-MM`."""
        return self.bought if self.seen_at and month_of(self.seen_at) == month else 0

    def price(self, wanted: Wanted, left: int, remaining: timedelta, now: datetime) -> Decimal:
        """Return the lowest price, in dollars, at which `left` paths last for the rest of a month.

        It is the list price if no lower one lets them last for what is `wanted` and is to come.
        """
        if left <= 0:
            return LADDER[-1]
        faded = self._faded(now)
        months = remaining / _DAY / max(faded.days, LEAST_DAYS)
        needed = [own + seen * months for own, seen in zip(wanted, faded.paths, strict=True)]
        rung = bisect_left(needed, -float(left), key=neg)
        if rung in (0, len(LADDER)):
            return LADDER[0] if rung == 0 else LADDER[-1]
        more, less = needed[rung - 1], needed[rung]
        part = log(more / left) / log(more / less)  # as if demand fell by even ratios
        return LADDER[rung - 1] * Decimal(f"{STEP**part:.3f}")

    def chance(self, within: timedelta, distributions: int, now: datetime) -> float:
        """Return how likely the next flush of one of some distributions is to come in a time."""
        # We take flushes to be independent. Real ones come in bursts: it errs towards not waiting.
        faded = self._faded(now)
        rate = faded.flushes / max(faded.days, LEAST_DAYS) / distributions
        return 1 - exp(-rate * max(0.0, within / _DAY))

    def _faded(self, now: datetime) -> "Demand":
        if self.seen_at is None:
            return Demand(now)
        kept = exp(-max(0.0, (now - self.seen_at) / _DAY) / MEMORY_DAYS)
        days = self.days * kept + MEMORY_DAYS * (1 - kept)
        return Demand(now, days, self.flushes * kept, tuple(paths * kept for paths in self.paths))


NOTHING_SEEN = Demand()


@dataclass(frozen=True, slots=True)
class Terms:
    price: Decimal  # dollars that the cover counts for a path
    paths: int  # the most paths
    free: int  # how many of them are free; the others have to pay for themselves


@dataclass(frozen=True, slots=True)
class Purse:
    """The paths that a month offers."""

    demand: Demand
    left: int  # free paths of the month that are left; 0 or less if there are none
    free: int  # how many of them may be taken at once; 0 or less too
    paid: int  # how many more the budget pays for at once
    remaining: timedelta  # until the month ends
    now: datetime
    saved: int = 0  # free paths that the distribution saved, and may take though they do not last

    def terms(self, wanted: Wanted) -> Terms:
        """Return the terms of a flush: only if the free paths do not suffice, it may buy some."""
        saved = max(0, min(self.saved, self.free))
        seen = self.demand.after(wanted, self.now)
        share = SHARE if seen.chance(self.remaining, 1, self.now) >= LIKELY else 1
        free = max(saved, min(max(1, self.free // share), max(0, self.free)))
        if free < max(1, wanted[-1]):
            return Terms(LADDER[-1], free + self.paid, free)
        price = self.demand.price(wanted, self.left, self.remaining, self.now)
        if price == LADDER[-1]:
            price = NOTHING_SEEN.price(wanted, saved, timedelta(0), self.now)
        return Terms(price, free, free)
