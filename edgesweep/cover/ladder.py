"""Covers at many path prices: how the number of paths and the collateral trade.

A higher path price never means more paths, and covers of equally many paths hit the same
collateral. If two prices give the same number of paths, so does every price between them.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from edgesweep.cover import Candidates, Cover, Limits, Prices, choose


def climb(
    candidates: Candidates,
    path_prices: Sequence[Decimal],
    refetch: Decimal,
    limits: Limits,
    heartbeat: Callable[[], None] = lambda: None,
) -> Sequence[Cover]:
    """Return the cheapest cover at each of some rising path prices; see `choose`."""
    found: dict[int, Cover] = {}
    spans = [(0, len(path_prices) - 1)]
    while spans:
        low, high = spans.pop()
        for rung in {low, high} - found.keys():
            prices = Prices(path_prices[rung], refetch)
            found[rung] = choose(candidates, prices, limits, heartbeat)
        if len(found[low].members) == len(found[high].members):
            found.update(dict.fromkeys(range(low + 1, high), found[low]))
        elif high - low > 1:
            middle = (low + high) // 2
            spans += [(low, middle), (middle, high)]
    return [found[rung] for rung in range(len(path_prices))]
