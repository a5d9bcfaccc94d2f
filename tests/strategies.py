"""Hypothesis strategies: what the laws are tried on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st

from edgesweep.cover import Cover, Limits, Prices, choose, find_candidates
from edgesweep.paths import Pattern

# Few letters, so that prefixes are shared; "~" and "*" cannot be said exactly, "é" takes quoting.
LETTERS = "ab/"
ODD_LETTERS = "aé~*"


@dataclass(frozen=True)
class Problem:
    """A whole question to the cover, e.g. `/a` and `/ab` dirty, `/abc` live, at most 2 paths."""

    dirty: tuple[str, ...]
    live: tuple[str, ...]
    weights: Mapping[str, int]
    prices: Prices
    limits: Limits
    strict: bool = False

    def matches(self, pattern: Pattern, path: str) -> bool:
        """Tell whether a pattern is trusted to match a path."""
        if self.strict and pattern.wildcard and path == pattern.text:
            return path == "/"
        return pattern.matches(path)

    def weight(self, path: str) -> int:
        """Return what an unchanged object counts."""
        return self.weights.get(path, 1)

    def solve(self) -> Cover:
        """Return the cover."""
        candidates = find_candidates(self.dirty, self.live, self.weight, strict=self.strict)
        return choose(candidates, self.prices, self.limits)

    def capped(self, *, wildcards: int = 0, paths: int | None = 0) -> "Problem":
        """Return the problem with caps raised by so much; None lifts the cap on paths."""
        most = self.limits.paths
        most = None if most is None or paths is None else most + paths
        return replace(self, limits=Limits(self.limits.wildcards + wildcards, most))


def viewer_paths(letters: str = LETTERS, longest: int = 3) -> st.SearchStrategy[str]:
    """Return short viewer paths, e.g. `/`, `/ab` or `/b/a`."""
    return st.text(letters, max_size=longest).map("/".__add__)


def prices() -> st.SearchStrategy[Prices]:
    """Return small prices, often 0 and often equal, so that ties happen."""
    amounts = st.integers(0, 7).map(Decimal)
    return st.builds(Prices, path=amounts, refetch=amounts)


@st.composite
def problems(draw: st.DrawFn, most_dirty: int = 8) -> Problem:
    """Return problems small enough to try every cover, a third of them with odd keys."""
    letters = draw(st.sampled_from([LETTERS, LETTERS, ODD_LETTERS]))
    live = draw(st.lists(viewer_paths(letters), max_size=24))
    most_paths = st.one_of(st.none(), st.integers(0, 7))
    return Problem(
        dirty=tuple(draw(st.lists(viewer_paths(letters), max_size=most_dirty))),
        live=tuple(live),
        weights=draw(st.dictionaries(st.sampled_from(live), st.integers(0, 5))) if live else {},
        prices=draw(prices()),
        limits=Limits(draw(st.integers(0, 4)), draw(most_paths)),
        strict=draw(st.booleans()),
    )
