"""Choices with little slack: those close to the best when paths and wildcards have a price.

Goal: the cheapest choice under the caps among all choices with less slack than a given room.

Plan: with a price on each path and each wildcard the parts of a choice do not compete, so the best
choice takes the better of each candidate and what is best below it. The slack of a choice is what
it saves less than that, under those prices: the sum of the slacks of its parts. Choices in the
range of a candidate are merged children first, as in `knapsack.py`; of those, one is kept if
its slack is below the room and no other is at least as good in cost, wildcards and paths at once.

Invariants: `entry` is the slack of using no candidate above this one; a choice within it that is
`behind` its best makes every whole choice it is part of have at least `entry + behind` slack. So a
choice is dropped only if all whole choices with it have no less slack than the room, or break a
cap, or are matched in everything by a kept one.

Cost: choices in a range of m items number at most wildcards * min(m, paths), and those of two
ranges are paired in the order of slack until the room is used up.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import inf
from operator import itemgetter
from typing import NamedTuple

from edgesweep.cover.candidates import Candidates
from edgesweep.cover.knapsack import NONE, Pick, Rates, flat, joined
from edgesweep.errors import OutOfPatience


@dataclass(frozen=True, slots=True)
class Caps:
    """The most wildcards, and the most paths including wildcards."""

    wildcards: int
    paths: int


@dataclass(frozen=True, slots=True)
class Independent:
    """The best choice where parts do not compete, for each candidate."""

    savings: Sequence[int]  # of the candidate
    below: Sequence[int]  # the most that the candidates below it save
    used: int  # how many wildcards the best choice uses
    least: int  # the cost of the best choice


class _Best(NamedTuple):
    start: int
    saved: int
    used: int


def independent(candidates: Candidates, rates: Rates) -> Independent:
    """Return the best choice at these rates when nothing is capped."""
    savings, below, stack = list(rates.savings(candidates)), list[int](), list[_Best]()
    for start, saving in zip(candidates.starts, savings, strict=True):
        saved = used = 0
        while stack and stack[-1].start >= start:
            part = stack.pop()
            saved += part.saved
            used += part.used
        below.append(saved)
        stack.append(_Best(start, saving, 1) if saving > saved else _Best(start, saved, used))
    everything = rates.wildcard + rates.refetch * candidates.most_collateral
    least = savings[-1] + everything - stack[-1].saved
    return Independent(savings, below, stack[-1].used, least)


class _Label(NamedTuple):
    """A choice in the range of one or more candidates."""

    slack: int  # how far it falls behind the best choice in the same range
    cost: int  # how much more it costs than exact paths for the range; rarely above 0
    wildcards: int
    paths: int  # how many more it uses than exact paths for the range; rarely above 0
    pick: Pick


class _Part(NamedTuple):
    """The labels of `items` items from item `start` on, in the order of slack."""

    start: int
    items: int
    labels: Sequence[_Label]


_EXACT = _Label(0, 0, 0, 0, NONE)


class Enumeration:
    """All choices with little slack, cheapest first.

    `best` is the independent choice, at rates with a price on paths and wildcards.
    """

    def __init__(self, candidates: Candidates, rates: Rates, best: Independent, caps: Caps) -> None:
        self._candidates = candidates
        self._rates = rates
        self._best = best
        self._caps = caps
        self._entries = _entries(candidates, best)
        self._patience: float = inf
        self._width: int | None = None

    def cheapest_within(
        self, room: int, patience: float = inf, width: int | None = None
    ) -> list[int]:
        """Return the cheapest choice with less slack than `room` that keeps the caps, or nothing.

        It raises `OutOfPatience` before it looks at more than `patience` pairs of labels. With a
        `width` it keeps that number of labels of each range, those with the least slack: the choice
        keeps the caps, but need not be the cheapest.
        """
        self._patience, self._width = patience, width
        stack: list[_Part] = []
        spans = zip(self._candidates.starts, self._candidates.ends, strict=True)
        for candidate, (start, end) in enumerate(spans):
            if self._entries[candidate] >= room:
                continue
            below = len(stack)
            while below and stack[below - 1].start >= start:
                below -= 1
            labels = self._labels(candidate, stack[below:], room)
            del stack[below:]
            if labels != [_EXACT]:
                stack.append(_Part(start, end - start, labels))
        cheapest = min(stack[-1].labels, key=itemgetter(1), default=_EXACT)
        return sorted(flat(cheapest.pick))

    def _labels(self, candidate: int, parts: Sequence[_Part], room: int) -> list[_Label]:
        """Return the labels in the range of a candidate: with parts below it, and itself."""
        saving, below = self._best.savings[candidate], self._best.below[candidate]
        items = self._candidates.ends[candidate] - self._candidates.starts[candidate]
        room -= self._entries[candidate]
        behind = max(saving, below) - below
        labels: list[_Label] = []
        if behind < room:
            merged = self._merged(parts, room - behind)
            labels = [label._replace(slack=label.slack + behind) for label in merged]
        behind = max(saving, below) - saving
        if behind < room:
            cost = self._rates.wildcard - self._rates.exact * items
            cost += self._rates.refetch * self._candidates.collateral[candidate]
            labels.append(_Label(behind, cost, 1, 1 - items, candidate))
        return self._undominated(labels, items)

    def _merged(self, parts: Sequence[_Part], room: int) -> Sequence[_Label]:
        items, labels = 0, [_EXACT]
        for part in parts:
            items += part.items
            labels = self._undominated(self._paired(labels, part.labels, room), items)
        return labels

    def _paired(
        self, left: Sequence[_Label], right: Sequence[_Label], room: int
    ) -> Collection[_Label]:
        """Return the pairs with less slack than `room`, the cheapest for each use of paths."""
        found: dict[tuple[int, int], _Label] = {}
        for slack, cost, wildcards, paths, pick in left:
            self._patience -= len(right)
            if self._patience < 0:
                raise OutOfPatience
            for other in right:
                if slack + other.slack >= room:
                    break
                use = wildcards + other.wildcards, paths + other.paths
                total = cost + other.cost
                if use not in found or total < found[use].cost:
                    found[use] = _Label(slack + other.slack, total, *use, joined(pick, other.pick))
        return found.values()

    def _undominated(self, labels: Collection[_Label], items: int) -> list[_Label]:
        """Return the labels that keep the caps and that no other matches in everything."""
        fewest = [self._caps.paths - items + 1] * (self._caps.wildcards + 1)
        kept: list[_Label] = []
        for label in sorted(labels, key=itemgetter(1)):
            if label.wildcards <= self._caps.wildcards and label.paths < fewest[label.wildcards]:
                kept.append(label)
                for wildcards in range(label.wildcards, len(fewest)):
                    fewest[wildcards] = min(fewest[wildcards], label.paths)
        return sorted(kept, key=itemgetter(0))[: self._width]


def _entries(candidates: Candidates, best: Independent) -> Sequence[int]:
    """Return what is lost by using no candidate above each one."""
    entries = [0] * len(best.savings)
    above: list[tuple[int, int]] = []  # start of a candidate, loss by using neither it nor others
    for index in range(len(entries) - 1, -1, -1):
        start = candidates.starts[index]
        while above and above[-1][0] > start:
            above.pop()
        if above:
            entries[index] = above[-1][1]
        passed_over = max(0, best.savings[index] - best.below[index])
        above.append((start, entries[index] + passed_over))
    return entries
