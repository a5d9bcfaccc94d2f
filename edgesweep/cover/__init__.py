"""The cheapest cover of dirty paths by exact and wildcard paths.

Goal: minimise `prices.path * paths + prices.refetch * collateral` with at most `limits.wildcards`
wildcards and `limits.paths` paths, collateral being the live objects that a wildcard hits and that
did not change. Equal costs: fewer wildcards, then fewer paths, then less collateral.

Where a wildcard is worth cutting: let a wildcard cover a group of dirty paths. Cut it at their
longest common prefix instead: it still covers them all and hits no object more. So the candidates
are the inner nodes of the compressed trie of the dirty paths, fewer than there are paths
(`candidates.py`). A path that no exact path can express is a leaf of its own, at the longest prefix
that a wildcard can keep, and needs a wildcard there or above.

The recurrence (`knapsack.py`) counts the savings of wildcards over exact paths, by the number of
wildcards used below a node:

    saved(node, k) = max(path price * (paths below - 1) - refetch cost * collateral,    if k > 0
                         max over k1 + k2 + ... = k of saved(child 1, k1) + saved(child 2, k2) ...)

A cap on paths couples the whole tree. A price on each path, found by the secant method, bounds
the cost from below; the search between that bound and the best cover is exact (`capped.py`).

Cost: sorting, then O(n log m) for n dirty paths among m live objects, and O(wildcards) a merge in
the rare nodes where more than one number of wildcards is worth keeping. Nothing recurses. All
arithmetic is on integers: prices are scaled by their common denominator, and the tie-breaks are
the low digits of the same number, so one comparison decides.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import lcm

from edgesweep.cover.candidates import Candidates, find_candidates
from edgesweep.cover.capped import Heartbeat, cheapest_capped
from edgesweep.cover.knapsack import Rates
from edgesweep.cover.slack import Caps
from edgesweep.errors import BadInput, Infeasible
from edgesweep.paths import MAX_WILDCARDS, Pattern, exact_stop, matcher, unquoted
from edgesweep.prices import PATH_PRICE, REFETCH_COST

__all__ = ["Candidates", "Cover", "Heartbeat", "Limits", "Member", "Prices"]
__all__ += ["choose", "climb", "cover", "find_candidates", "spell"]


@dataclass(frozen=True, slots=True)
class Prices:
    """The dollars of a path, and of a unit of collateral: an unchanged object to fetch again."""

    path: Decimal = PATH_PRICE
    refetch: Decimal = REFETCH_COST

    def __post_init__(self) -> None:
        for name, price in (("path price", self.path), ("refetch cost", self.refetch)):
            if not isinstance(price, Decimal) or not price.is_finite() or price < 0:
                raise BadInput(f"The {name} must be a decimal of at least 0, not {price!r}")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most wildcard paths, and the most paths including wildcards; None for any number."""

    wildcards: int = MAX_WILDCARDS
    paths: int | None = None

    def __post_init__(self) -> None:
        for name, cap in (("wildcards", self.wildcards), ("paths", self.paths or 0)):
            if not isinstance(cap, int) or isinstance(cap, bool) or cap < 0:
                raise BadInput(f"The most {name} must be a whole number of at least 0, not {cap!r}")


@dataclass(frozen=True, slots=True)
class Member:
    """A path, how many dirty paths it matches, and the weight of unchanged objects it hits."""

    pattern: Pattern
    dirty: int
    collateral: int


@dataclass(frozen=True, slots=True)
class Cover:
    """Paths that match every dirty path, none of them needlessly, in the order of their text."""

    members: tuple[Member, ...]
    gap: Decimal = Decimal(0)  # the most dollars that a cheaper one could save; 0: it is optimal

    @property
    def paths(self) -> tuple[str, ...]:
        """The members as CreateInvalidation accepts them."""
        return tuple(member.pattern.quoted() for member in self.members)

    @property
    def wildcards(self) -> int:
        return sum(member.pattern.wildcard for member in self.members)

    @property
    def collateral(self) -> int:
        """The weight of all unchanged live objects that are hit."""
        return sum(member.collateral for member in self.members)

    def cost(self, prices: Prices) -> Decimal:
        """Return the dollars of the paths and their collateral."""
        return prices.path * len(self.members) + prices.refetch * self.collateral


def cover(
    dirty: Iterable[str],
    live: Iterable[str] = (),
    *,
    prices: Prices = Prices(),
    limits: Limits = Limits(),
    weight: Callable[[str], int] | None = None,
) -> Cover:
    """Return the cheapest cover of `dirty` where `live` objects exist.

    Both are decoded viewer paths in any order, also with repeats; live ones may be dirty. `weight`
    is the collateral of an unchanged live object, by default 1. With no cap on paths the cover is
    optimal. With one it is proven optimal up to 2,000 dirty paths with 64 paths and 13 wildcards,
    or 60,000 with 8 paths: as long as dirty * paths * wildcards**2 is at most 2**25. Above that it
    keeps the caps, and `gap` says how far from optimal it can be. It raises Infeasible if no cover
    keeps the caps, and BadInput if a path does not start with "/", or a weight is negative.
    """
    return choose(find_candidates(dirty, live, weight), prices, limits)


def choose(
    candidates: Candidates, prices: Prices, limits: Limits, keep: Heartbeat = lambda: None
) -> Cover:
    """Return the cheapest cover from candidates, to be used again; `Infeasible` without any."""
    most = len(candidates.items) if limits.paths is None else limits.paths
    _check_feasible(candidates, limits.wildcards, most)
    scale, digit, rates = _in_whole_units(candidates, prices)
    caps = Caps(min(limits.wildcards, most), most)
    found = cheapest_capped(candidates, rates, caps, keep)
    behind = found.cost // digit - found.bound // digit
    return Cover(tuple(_members(candidates, found.chosen)), Decimal(behind) / scale)


def climb(
    candidates: Candidates,
    path_prices: Sequence[Decimal],
    refetch: Decimal,
    limits: Limits,
    keep: Heartbeat = lambda: None,
) -> Sequence[Cover]:
    """Return the cheapest cover at each of some rising path prices; see `choose`."""
    # A higher path price never means more paths, and covers of equally many paths hit the same
    # collateral. If two prices give the same number of paths, so does every price between them.
    found: dict[int, Cover] = {}
    spans = [(0, len(path_prices) - 1)]
    while spans:
        low, high = spans.pop()
        for rung in {low, high} - found.keys():
            found[rung] = choose(candidates, Prices(path_prices[rung], refetch), limits, keep)
        if len(found[low].members) == len(found[high].members):
            found.update(dict.fromkeys(range(low + 1, high), found[low]))
        elif high - low > 1:
            middle = (low + high) // 2
            spans += [(low, middle), (middle, high)]
    return [found[rung] for rung in range(len(path_prices))]


def spell(
    cover: Cover, requested: Iterable[str], changed: Iterable[str], *, strict: bool = False
) -> tuple[str, ...]:
    """Return the quoted paths of a cover, which matches all requested and changed paths.

    The requested paths are quoted, the changed ones are not. If a member matches only requested
    paths, and one of them is as wide as all of them, that one is sent byte for byte. If `strict`,
    only `/*` is trusted to match its own text.
    """
    asked = {unquoted(path): path for path in requested}
    if not asked:
        return cover.paths
    items, others = sorted(asked), sorted(changed)
    patterns = [member.pattern for member in cover.members]
    return tuple(
        pattern.quoted()
        if pattern.span(others)
        else _spelling(pattern, items, asked, strict=strict)
        for pattern in patterns
    )


def _check_feasible(candidates: Candidates, wildcards: int, paths: int) -> None:
    needed = 1 if wildcards else len(candidates.items)
    if candidates.items and needed > paths:
        dirty = len(candidates.dirty)
        raise Infeasible(
            f"{dirty} dirty paths take at least {needed}, but at most {paths} may be used"
        )
    if candidates.inexact[-1] and not wildcards:
        path = next(path for path in candidates.dirty if exact_stop(path) is not None)
        raise Infeasible(f"{path!r} needs a wildcard, but at most 0 wildcards may be used")


def _in_whole_units(candidates: Candidates, prices: Prices) -> tuple[int, int, Rates]:
    """Return units per dollar before the tie-breaks, their value, and the rates."""
    # The digits of a cost, from the highest: dollars, wildcards, paths. Less collateral, the last
    # tie, never decides: at the same cost and number of paths collateral differs only where
    # refetching is free, and there one wildcard above everything has the fewest paths.
    (path, path_parts), (refetch, refetch_parts) = (
        price.as_integer_ratio() for price in (prices.path, prices.refetch)
    )
    scale = lcm(path_parts, refetch_parts)
    a_wildcard = len(candidates.items) + 1
    digit = a_wildcard**2
    exact = path * (scale // path_parts) * digit + 1
    rates = Rates(exact, exact + a_wildcard, refetch * (scale // refetch_parts) * digit)
    return scale, digit, rates


def _members(candidates: Candidates, chosen: Iterable[int]) -> Iterator[Member]:
    """Yield the chosen wildcards and, between them, the exact items."""
    items, dirty, at = candidates.items, candidates.dirty, 0
    for candidate in chosen:
        for item in items[at : candidates.starts[candidate]]:
            yield Member(Pattern(item), 1, 0)
        wildcard = Pattern(candidates.prefix(candidate), wildcard=True)
        yield Member(wildcard, len(wildcard.span(dirty)), candidates.collateral[candidate])
        at = candidates.ends[candidate]
    for item in items[at:]:
        yield Member(Pattern(item), 1, 0)


def _spelling(
    pattern: Pattern, items: Sequence[str], asked: Mapping[str, str], *, strict: bool
) -> str:
    """Return the spelling of a pattern that matches only requested paths."""
    items = [items[place] for place in pattern.span(items)]
    widest = min(items, key=lambda item: (len(item.removesuffix("*")), not item.endswith("*")))
    as_wide = matcher([asked[widest]], strict=strict)
    return asked[widest] if all(map(as_wide, items)) else pattern.quoted()
