"""The worth of a path: the price at which a month spends just its free paths.

Goal: spend the free paths of a month where they save most, without knowing the future.

Plan: of all ways to spend a number of paths in a month, the one with the least collateral gives
every path the same price: a flush takes one more path wherever that saves more unchanged objects
than the price. Nobody knows that price in advance. But we know how many paths the flushes so far
would have taken at each price, and expect the rest of the month to be like them. The price is the
lowest at which the free paths last. Every flush computes it again, so a wrong guess corrects itself
by the paths that it left or took.

Invariant: no path is priced above the list price: to save a path by refetching more than it costs
would be no saving. If the paths run out all the same, flushes wait for the reserve, and fewer,
larger flushes save more.

Memory: old flushes fade over a month, since budgets are monthly. The flushes of the first hours
count as those of a whole day, so a site that changes often is known as such at once.

Cost: a few more covers for each flush, chosen from the same candidates.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import exp, log
from operator import add, neg

from edgesweep.cover import Candidates, Limits
from edgesweep.cover.ladder import climb
from edgesweep.prices import PATH_PRICE

# Dollars a path, up to the list price. At the lowest, one object is worth dozens of paths.
STEP = 4
LADDER = tuple(PATH_PRICE / Decimal(STEP) ** down for down in reversed(range(9)))

MEMORY_DAYS = 30.0
LEAST_DAYS = 1.0

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Demand:
    """How many paths flushes would have taken at each price; the longer ago, the less they count.

    Attributes:
        seen_at: when the last flush was counted, None before the first.
        days: how many days of flushes are counted, faded like the flushes in them.
        paths: paths at each price of the ladder, more of them at the lower prices.
    """

    seen_at: datetime | None = None
    days: float = 0.0
    paths: tuple[float, ...] = (0.0,) * len(LADDER)

    def after(self, paths: Sequence[int], now: datetime) -> "Demand":
        """Return the demand with one more flush, which takes `paths` at the ladder's prices."""
        faded = self._faded(now)
        return Demand(now, faded.days, tuple(map(add, faded.paths, paths)))

    def price(self, left: int, remaining: timedelta, now: datetime) -> Decimal:
        """Return the lowest price, in dollars, at which `left` paths last for the rest of a month.

        It is the list price if no lower one is enough. Between two prices of the ladder, we assume
        that demand falls by even ratios.
        """
        if left <= 0:
            return LADDER[-1]
        faded = self._faded(now)
        lasting = left * max(faded.days, LEAST_DAYS) / max(remaining / _DAY, 1e-9)
        rung = bisect_left(faded.paths, -lasting, key=neg)
        if rung in (0, len(LADDER)):
            return LADDER[0] if rung == 0 else LADDER[-1]
        more, less = faded.paths[rung - 1], faded.paths[rung]
        part = log(more / lasting) / log(more / less)
        return LADDER[rung - 1] * Decimal(f"{STEP**part:.3f}")

    def _faded(self, now: datetime) -> "Demand":
        if self.seen_at is None:
            return Demand(now)
        kept = exp(-max(0.0, (now - self.seen_at) / _DAY) / MEMORY_DAYS)
        days = self.days * kept + MEMORY_DAYS * (1 - kept)
        return Demand(now, days, tuple(paths * kept for paths in self.paths))


NOTHING_SEEN = Demand()


def demanded(
    candidates: Candidates,
    refetch: Decimal,
    wildcards: int,
    keep: Callable[[], None] = lambda: None,
) -> tuple[int, ...]:
    """Return how many paths the cheapest cover takes at each price of the ladder."""
    covers = climb(candidates, LADDER, refetch, Limits(wildcards), keep)
    return tuple(len(cover.members) for cover in covers)
