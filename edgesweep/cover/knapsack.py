"""The tree knapsack: a bounded number of candidates that save the most.

Goal: among candidates that are nested or apart, choose some that are apart, with the largest sum
of savings over exact paths for every item.

Plan: candidates come children before parents. A stack holds one plan for each candidate that has no
parent yet: `gains[k]` is what at most `k` wildcards save there, cut off where more of them save
no more, and `picks[k]` says which, as nested pairs that plans share. A parent takes the plans below
it from the stack, merges them, and enters its own saving where that is more.

Why it is fast: if the parent's own saving is at least all that the plans below can ever save, there
is nothing to merge, and that is so in nearly every node.

Cost: O(candidates) and, in the nodes left, O(wildcards^2) for each merge; the stack is as long as
the candidates that are side by side.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from typing import NamedTuple, TypeAlias

from edgesweep.cover.candidates import Candidates

Pick: TypeAlias = "int | tuple[Pick, ...]"
NONE: Pick = ()


@dataclass(frozen=True, slots=True)
class Rates:
    """The costs of a path and of a unit of collateral, in whole units of any size."""

    exact: int
    wildcard: int
    refetch: int

    def priced(self, scale: int, *, path: int = 0, wildcard: int = 0) -> "Rates":
        """Return `scale` times these rates, and a price on each path and on each wildcard."""
        return Rates(
            self.exact * scale + path, self.wildcard * scale + path + wildcard, self.refetch * scale
        )

    def cost(self, candidates: Candidates, chosen: Sequence[int]) -> int:
        """Return the cost of the chosen candidates and of exact paths for all other items."""
        hit = sum(candidates.collateral[index] for index in chosen)
        exact = paths_used(candidates, chosen) - len(chosen)
        return self.exact * exact + self.wildcard * len(chosen) + self.refetch * hit

    def savings(self, candidates: Candidates) -> Iterator[int]:
        """Yield what each candidate saves over exact paths for its items; may be negative."""
        # An exact path for an inexact item has a price above the cost of any cover.
        bound = len(candidates.items) * (self.exact + self.wildcard)
        penalty = bound + self.refetch * candidates.most_collateral + 1
        inexact = candidates.inexact
        rows = zip(candidates.starts, candidates.ends, candidates.collateral, strict=True)
        for start, end, hit in rows:
            exactly = self.exact * (end - start) + penalty * (inexact[end] - inexact[start])
            yield exactly - self.wildcard - self.refetch * hit


class _Plan(NamedTuple):
    """The savings of at most `k` wildcards from item `start` on, and these wildcards."""

    start: int
    gains: Sequence[int]
    picks: Sequence[Pick]


def paths_used(candidates: Candidates, chosen: Sequence[int]) -> int:
    """Return how many paths it takes to cover all items with the chosen candidates."""
    covered = sum(candidates.ends[index] - candidates.starts[index] for index in chosen)
    return len(candidates.items) - covered + len(chosen)


def cheapest(candidates: Candidates, rates: Rates, wildcards: int) -> list[int]:
    """Return the best candidates, at most `wildcards`; all other items take exact paths.

    With at least one wildcard, no inexact item is left.
    """
    stack: list[_Plan] = []
    merged = partial(reduce, partial(_side_by_side, most=wildcards))
    rows = zip(candidates.starts, rates.savings(candidates), strict=True)
    for candidate, (start, saving) in enumerate(rows if wildcards else ()):
        if saving <= 0:
            continue
        below, total = len(stack), 0
        while below and stack[below - 1].start >= start:
            below -= 1
            total += stack[below].gains[-1]
        if saving < total:
            stack[below:] = [_raised(merged(stack[below:]), saving, candidate)]
        else:
            stack[below:] = [_Plan(start, (0, saving), (NONE, candidate))]
    return sorted(flat(merged(stack).picks[-1])) if stack else []


def flat(pick: Pick) -> Iterator[int]:
    """Yield the candidates in nested pairs."""
    rest = [pick]
    while rest:
        pick = rest.pop()
        if isinstance(pick, tuple):
            rest.extend(pick)
        else:
            yield pick


def joined(left: Pick, right: Pick) -> Pick:
    """Return the picks of both sides."""
    if NONE in (left, right):
        return right if left == NONE else left
    return left, right


def _raised(plan: _Plan, saving: int, candidate: int) -> _Plan:
    """Return the plan where one wildcard above all others may be used instead of them."""
    gains = [0, *(max(gain, saving) for gain in plan.gains[1:])]
    picks = [
        pick if gain > saving or not gain else candidate
        for gain, pick in zip(plan.gains, plan.picks, strict=True)
    ]
    return _trimmed(plan.start, gains, picks)


def _side_by_side(left: _Plan, right: _Plan, *, most: int) -> _Plan:
    """Return the best split of every number of wildcards, up to `most`, between two plans."""
    gains, picks = [0], list[Pick]([NONE])
    backwards = right.gains[::-1]
    for count in range(1, min(most, len(left.gains) + len(right.gains) - 2) + 1):
        fewest = max(0, count - len(right.gains) + 1)
        partners = backwards[len(backwards) - 1 - count + fewest :]
        sums = list(map(add, left.gains[fewest : count + 1], partners))
        gains.append(max(sums))
        split = fewest + sums.index(gains[-1])
        picks.append(joined(left.picks[split], right.picks[count - split]))
    return _trimmed(left.start, gains, picks)


def _trimmed(start: int, gains: Sequence[int], picks: Sequence[Pick]) -> _Plan:
    useful = gains.index(gains[-1]) + 1
    return _Plan(start, gains[:useful], picks[:useful])
