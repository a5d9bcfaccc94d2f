"""The cheapest cover under a cap on paths as well as on wildcards.

Goal: the optimum, proven; and where the problem is too large to prove it, the best cover found and
a bound that no cover is cheaper than.

Plan:
1. Put a price on each path beside its real one and solve without the cap (`knapsack.py`). At any
   price, the cost less this price of all allowed paths is at most the optimum: a bound. The secant
   method finds the price of the best bound, and meets covers under the cap on its way. Often the
   cheapest of them already costs what the bound says.
2. Put a price on each wildcard too, found the same way. Now nodes are independent, and so is how
   far a part of a choice falls behind the best part under both prices: its slack (`slack.py`).
3. Enumerate the choices with less slack than a small room. If the cheapest of them that keeps the
   caps costs less than the bound and the room, it is the optimum; if not, the bound has risen by
   the room: continue with a wider room.

Cost: about ten solutions for each secant. The enumeration takes O(n * paths * wildcards^2) steps in
the worst case and far fewer as a rule. A larger problem is left after `MOST_STEPS` steps for one
room, and searched once more, with few choices kept of each range, for a cheaper cover.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import NamedTuple

from edgesweep.cover.candidates import Candidates
from edgesweep.cover.knapsack import Rates, cheapest, paths_used
from edgesweep.cover.slack import Caps, Enumeration, independent
from edgesweep.errors import OutOfPatience

# dirty paths * max_paths * wildcards ** 2 up to which the optimum is proven; see `cover`.
PROVEN_SIZE = 2**25
MOST_STEPS = 2**22  # steps after which the enumeration gives up on a larger problem: some seconds
BEAM = 16  # how many choices of each range the search keeps after it gave up proving
# The first room is this part of the distance from the bound to the best known cover; each next one
# goes further by this factor of the last.
FIRST_ROOM = 64
WIDENING = 4

# Called every few seconds, so that a caller can renew a lease.
Heartbeat = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Capped:
    """The candidates of a choice under both caps."""

    chosen: Sequence[int]
    cost: int  # of the candidates and the exact paths beside them
    bound: int  # every choice under the caps costs at least this; equal to `cost` if proven


class _Point(NamedTuple):
    """A choice: how much it uses of what is capped, and what it costs without a price on that."""

    used: int
    cost: int
    chosen: Sequence[int] = ()


def cheapest_capped(candidates: Candidates, rates: Rates, caps: Caps, keep: Heartbeat) -> Capped:
    """Return the cheapest choice of candidates under the caps, which some choice has to meet."""

    def solve(price: int, scale: int) -> _Point:
        keep()
        chosen = cheapest(candidates, rates.priced(scale, path=price), caps.wildcards)
        return _Point(paths_used(candidates, chosen), rates.cost(candidates, chosen), chosen)

    over = solve(0, 1)
    if over.used <= caps.paths:
        return Capped(over.chosen, over.cost, over.cost)
    everything = [len(candidates.collateral) - 1]
    under = _Point(1, rates.cost(candidates, everything), everything)
    price, scale, over, under = _secant(over, under, caps.paths, solve)
    bound = over.cost - price * (caps.paths - over.used) // scale
    found = Capped(under.chosen, under.cost, bound)
    if bound == under.cost:
        return found
    return _proven(candidates, rates, caps, found, (price, scale), keep)


def _secant(
    over: _Point, under: _Point, cap: int, solve: Callable[[int, int], _Point]
) -> tuple[int, int, _Point, _Point]:
    """Return the price of the best bound, as a fraction, and the choices on both sides of the cap.

    `over` is the best choice at price 0, which uses more than the cap; `under` keeps it. `solve`
    returns the best choice at the price that is the quotient of its arguments.
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


def _price_of_wildcards(
    candidates: Candidates, rates: Rates, most: int, keep: Heartbeat
) -> tuple[int, int]:
    """Return the price on each wildcard, as a fraction, at which the best choice takes `most`."""

    def solve(price: int, scale: int) -> _Point:
        keep()
        found = independent(candidates, rates.priced(scale, wildcard=price))
        return _Point(found.used, (found.least - price * found.used) // scale)

    over = solve(0, 1)
    if over.used <= most:
        return 0, 1
    under = _Point(1, rates.cost(candidates, [len(candidates.collateral) - 1]))
    return _secant(over, under, most, solve)[:2]


def _proven(  # noqa: PLR0913, PLR0917  # a problem, and what is known of it
    candidates: Candidates,
    rates: Rates,
    caps: Caps,
    found: Capped,
    path_price: tuple[int, int],
    keep: Heartbeat,
) -> Capped:
    """Close the distance between the best choice known and its bound, as far as patience goes."""
    price, scale = path_price
    paid = rates.priced(scale, path=price)
    wildcard_price, wildcard_scale = _price_of_wildcards(candidates, paid, caps.wildcards, keep)
    scale *= wildcard_scale
    price *= wildcard_scale
    part = independent(candidates, rates.priced(scale, path=price, wildcard=wildcard_price))
    # A choice under the caps has at most `scale * cost + offset` slack.
    offset = price * caps.paths + wildcard_price * caps.wildcards - part.least
    known, best = scale * found.bound + offset, scale * found.cost + offset
    size = len(candidates.items) * caps.paths * caps.wildcards**2
    patience = inf if size <= PROVEN_SIZE else MOST_STEPS
    enumeration = Enumeration(candidates, rates, part, caps)
    room = known + (best - known) // FIRST_ROOM + 1
    while known < best:
        room = min(room, best)
        keep()
        try:
            chosen = enumeration.cheapest_within(room, patience)
            found = _cheaper(found, chosen, rates, candidates)
        except OutOfPatience:
            keep()
            chosen = enumeration.cheapest_within(best, width=BEAM)
            found = _cheaper(found, chosen, rates, candidates)
            return replace(found, bound=max(found.bound, -((offset - known) // scale)))
        best = scale * found.cost + offset
        known, room = room, room + WIDENING * (room - known)
    return replace(found, bound=found.cost)


def _cheaper(found: Capped, chosen: Sequence[int], rates: Rates, candidates: Candidates) -> Capped:
    """Return what is known after a choice, perhaps empty, has been found too."""
    cost = rates.cost(candidates, chosen)
    return replace(found, chosen=chosen, cost=cost) if chosen and cost < found.cost else found
