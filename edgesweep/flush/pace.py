"""What a path is worth: the price at which a month will have spent just its free paths.

Goal: spend the free paths of a month where they save most, without knowing what is still to come.

Plan: of all ways to spend a number of paths in a month, the one with the least collateral prices
every path alike: a flush takes one path more wherever that saves more unchanged objects than the
price. Nobody knows that price in advance, but how many paths would have been taken at each price is
known from the flushes so far, and the rest of the month is taken to be like them. The price is the
lowest at which the free paths last. It is looked up anew for every flush, so a guess that was
wrong is mended by what it left or took.

Invariant: no path is priced above the list price. To save a path by refetching more than a path
costs would be a saving in name only; where the paths run out all the same, flushes wait for the
reserve, and then fewer of them save more.

Memory: old flushes fade over a month, since budgets are monthly. On the first day, what was seen is
taken for that of a day, so a site that changes often is known as such at once.

Cost: a few covers more for each flush, chosen from the same candidates.
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
        days: how many days are looked back on, faded like the flushes in them.
        paths: paths at each price of the ladder, more of them at the lower prices.
    """

    seen_at: datetime | None = None
    days: float = 0.0
    paths: tuple[float, ...] = (0.0,) * len(LADDER)

    def after(self, paths: Sequence[int], now: datetime) -> "Demand":
        """Return the demand once a flush is counted that takes `paths` at the ladder's prices."""
        faded = self._faded(now)
        return Demand(now, faded.days, tuple(map(add, faded.paths, paths)))

    def price(self, left: int, remaining: timedelta, now: datetime) -> Decimal:
        """Return the lowest price at which `left` paths last for what remains of a month.

        Between two prices of the ladder, demand is taken to fall by even ratios.

        Returns:
            Dollars a path: the list price if no lower one is enough.
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
    """Return how many paths the cheapest cover takes at each price of the ladder.

    Args:
        candidates: what the cover is chosen from.
        refetch: dollars of an object.
        wildcards: the most wildcards.
        keep: keeps the lease.
    """
    covers = climb(candidates, LADDER, refetch, Limits(wildcards), keep)
    return tuple(len(cover.members) for cover in covers)
