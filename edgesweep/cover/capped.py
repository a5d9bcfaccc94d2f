"""The cheapest cover under a cap on paths as well as on wildcards.

Goal: the optimum, proven; and where the problem is too large to prove it, the best cover found and
a bound that no cover is cheaper than.

Plan:
1. Put a price on each path beside its real one and solve without the cap (`knapsack.py`). Whatever
   the price, that costs no more than the optimum, once the price of the allowed paths is taken
   off again: a bound. The secant method finds the price of the best bound, and meets covers under
   the cap on its way. Often the cheapest of them already costs what the bound says.
2. Put a price on each wildcard too, found the same way. Now nodes are independent: `slack` is
   how far a partial choice falls behind the best one under both prices, and slacks of parts add up.
   A cover that costs the bound plus `room` has no part with more slack than `room`.
3. Enumerate the partial choices with less slack than a small room, bottom-up, keeping those that no
   other beats in cost, wildcards and paths at once. If they hold a cover under the caps,
   the cheapest is the optimum; if not, the bound has risen by the room: try four times the room.

Invariant: a choice is dropped only if a kept one is as good in everything, or if each cover that it
is part of costs more than the bound plus room, or breaks a cap.

Cost: the secant takes about ten solutions. The enumeration takes O(n * paths * wildcards^2) steps
in the worst case, and is left alone for larger problems once it has taken `PATIENCE` steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from edgesweep.cover.candidates import Candidates
from edgesweep.cover.knapsack import Rates, cheapest, paths_used

# dirty paths * max_paths * wildcards ** 2 up to which the optimum is proven: 2,000 dirty paths with
# 64 paths and 13 wildcards, or 60,000 with 8 and 8.
PROVEN_SIZE = 2**25
# Steps after which the enumeration gives up on a larger problem: some seconds.
PATIENCE = 2**23


class _Point(NamedTuple):
    """A choice: how much it uses of what is capped, and what it costs without a price on that."""

    used: int
    cost: int
    chosen: Sequence[int]


@dataclass(frozen=True, slots=True)
class Capped:
    """A choice of candidates under both caps.

    Attributes:
        chosen: the candidates.
        bound: a cost that no choice under the caps is below; equal to its own cost if proven.
    """

    chosen: Sequence[int]
    bound: int


def cheapest_capped(candidates: Candidates, rates: Rates, wildcards: int, paths: int) -> Capped:
    """Return the cheapest choice of at most `wildcards` candidates that takes at most `paths`.

    Both caps are at least 1, so the last candidate, which spans all items, is such a choice.
    """

    def solve(price: int, scale: int) -> _Point:
        priced = rates.priced(scale, path=price)
        chosen = cheapest(candidates, priced, wildcards)
        return _Point(paths_used(candidates, chosen), rates.cost(candidates, chosen), chosen)

    over = solve(0, 1)
    if over.used <= paths:
        return Capped(over.chosen, over.cost)
    chosen = [len(candidates.collateral) - 1]
    under = _Point(1, rates.cost(candidates, chosen), chosen)
    price, scale, over, under = _secant(over, under, paths, solve)
    bound = over.cost - price * (paths - over.used) // scale
    return Capped(under.chosen, bound)


def _secant(
    over: _Point, under: _Point, cap: int, solve: Callable[[int, int], _Point]
) -> tuple[int, int, _Point, _Point]:
    """Return the price of the capped use, as a fraction, at which using more or less is all one.

    Args:
        over: the best choice at price 0, which uses more than the cap.
        under: any choice that keeps the cap.
        cap: what may be used.
        solve: returns the best choice at the price that is the quotient of its arguments.
    """
    while True:
        price, scale = under.cost - over.cost, over.used - under.used
        found = solve(price, scale)
        if scale * found.cost + price * found.used >= scale * over.cost + price * over.used:
            return price, scale, over, under
        if found.used > cap:
            over = found
        else:
            under = found
