"""What a path is worth: the price at which a month will have spent just what it may.

Goal: spend the paths of a month where they save most, without knowing what is still to come.

Plan: of all ways to spend a number of paths in a month, the one with the least collateral prices
every path alike: a flush takes one path more wherever that saves more unchanged objects than the
price. Nobody knows that price in advance, but how much this site would have spent at each price is
known from its flushes so far, and the rest of the month is taken to be like them. The price is
the lowest at which that leaves nothing unpaid. It is looked up anew for every flush, so a guess
that was wrong is mended by what it left or took.

Prices are counted in objects: so many unchanged ones a path has to save.

Memory: old flushes fade over a month, since budgets are monthly. Until there is a past, the first
flushes are taken for those of one day, so a site that changes often is known as such at once.

Cost: a few covers more for each flush, chosen from the same candidates.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import exp, log
from operator import add, neg

from edgesweep.cover import Candidates, Limits, Prices, choose

# From two paths that save one object in hundreds to one path that saves a million.
STEP = 4
LADDER = tuple(Decimal(STEP) ** power for power in range(-4, 11))

MEMORY_DAYS = 30.0
UNKNOWN_DAYS = 1.0

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Demand:
    """How many paths flushes would have taken at each price; the longer ago, the less they count.

    Attributes:
        seen_at: when the last flush was counted, None before the first.
        days: how many days are looked back on, faded like the flushes in them.
        paths: paths at each price of the ladder.
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
            Objects a path, within the ladder.
        """
        faded = self._faded(now)
        wanted = left * (faded.days + UNKNOWN_DAYS) / max(remaining / _DAY, 1e-9)
        rung = bisect_left(faded.paths, -wanted, key=neg)
        if rung == 0 or rung == len(LADDER) or wanted <= 0:
            return LADDER[0] if rung == 0 else LADDER[-1]
        more, less = faded.paths[rung - 1], faded.paths[rung]
        price = float(LADDER[rung - 1]) * STEP ** (log(more / wanted) / log(more / less))
        return Decimal(f"{price:.4g}")

    def _faded(self, now: datetime) -> "Demand":
        if self.seen_at is None:
            return Demand(now)
        kept = exp(-max(0.0, (now - self.seen_at) / _DAY) / MEMORY_DAYS)
        days = self.days * kept + MEMORY_DAYS * (1 - kept)
        return Demand(now, days, tuple(paths * kept for paths in self.paths))


NOTHING_SEEN = Demand()


def demanded(
    candidates: Candidates, refetch: Decimal, wildcards: int, known_to: Decimal | None = None
) -> tuple[int, ...]:
    """Return how many paths the cheapest cover takes at each price of the ladder.

    A dearer path never means more paths, so two rungs that take the same take it between them.

    Args:
        candidates: what the cover is chosen from.
        refetch: dollars of an object.
        wildcards: the most wildcards.
        known_to: the path price up to which the collateral of candidates is known. Above it one
            path is counted: what is then spent too much raises the price, and with it what is
            known.
    """
    found: dict[int, int] = {}
    prices = [objects * refetch for objects in LADDER]
    known = len(prices) if known_to is None else sum(price <= known_to for price in prices)
    spans = [(0, known - 1)] if known else []
    while spans:
        low, high = spans.pop()
        for rung in {low, high} - found.keys():
            best = choose(candidates, Prices(prices[rung], refetch), Limits(wildcards))
            found[rung] = len(best.members)
        if found[low] == found[high]:
            found.update(dict.fromkeys(range(low, high), found[low]))
        elif high - low > 1:
            middle = (low + high) // 2
            spans += [(low, middle), (middle, high)]
    return tuple(found.get(rung, 1) for rung in range(len(LADDER)))
