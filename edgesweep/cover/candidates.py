"""The candidate wildcards: longest common prefixes of groups of dirty paths.

Goal: every inner node of the compressed trie of the sorted dirty paths, with its collateral, in
one pass and without building the trie.

Plan: the nodes are the runs of neighbours that share a prefix, and what a path shares with the next
one tells which runs end between the two. A stack holds the runs that are still open, the
deepest on top; a run is closed when the next path shares less. So candidates come out children
before parents, and the candidates below one are those just before it that start no earlier.

Collateral: the bystanders under a prefix are neighbours too. Each dirty path knows its rank
among them, so a bisection of the two gaps beside the run, never of the whole list, finds both ends.

A strict wildcard is not trusted to match its own text, as `/docs/*` would match `/docs/`: it only
covers paths that are longer. That shortens what a path shares with its neighbours by at most the
last character, and leaves order and nesting as they are, as if every path ended in a character of
its own. `/*` is trusted all the same: CloudFront documents that it matches everything.

Cost: O(text) to compare neighbours, O(n log gap) to bisect, 48 bytes a candidate. A candidate
without collateral drops all candidates below it: it covers more for the same price.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, filterfalse, islice, pairwise
from operator import eq, itemgetter, lt

from edgesweep.errors import BadInput
from edgesweep.paths import exact_stop


@dataclass(frozen=True, slots=True)
class Candidates:
    """Wildcards over sorted items, children before parents."""

    dirty: Sequence[str]  # the distinct dirty paths, sorted
    # The texts to cover, sorted: dirty paths that an exact path can express, and of the others the
    # longest prefix that a wildcard can keep. No other item is under such a prefix, except the
    # prefix itself where it is dirty and wildcards are strict.
    items: Sequence[str]
    # `inexact[i]` of the first `i` items need a wildcard. starts, ends: the half-open range of
    # items that each candidate covers.
    inexact: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]
    lengths: Sequence[int]  # how many characters of its first item each candidate keeps
    collateral: Sequence[int]  # the weight of the bystanders that each candidate hits

    @property
    def most_collateral(self) -> int:
        """The weight that no choice of candidates exceeds: the last one spans all items."""
        return self.collateral[-1] if self.collateral else 0

    @property
    def prefixes(self) -> Sequence[str]:
        return list(map(self.prefix, range(len(self.starts))))

    def prefix(self, candidate: int) -> str:
        return self.items[self.starts[candidate]][: self.lengths[candidate]]


def find_candidates(
    dirty: Iterable[str],
    live: Iterable[str] = (),
    weight: Callable[[str], int] | None = None,
    *,
    strict: bool = False,
) -> Candidates:
    """Return the candidates for covering `dirty` where `live` objects exist.

    Both are decoded viewer paths. `weight` is the collateral of an unchanged live object, by
    default 1. If `strict`, a wildcard covers only paths that are longer than its text. It raises
    BadInput if a dirty path lacks its leading slash, or a weight is negative.
    """
    changed = set(dirty)
    paths = sorted(changed)
    for path in paths[:1] + paths[-1:]:  # what sorts between two paths with a slash has one too
        if not path.startswith("/"):
            raise BadInput(f"A path must start with /, not {path!r}")
    bystanders = _in_order(list(filterfalse(changed.__contains__, live)))
    items, inexact = _items(paths, strict=strict)
    depths = _depths(items, strict=strict)
    runs = _runs(items, inexact, depths, bystanders, _running(bystanders, weight))
    return Candidates(paths, items, inexact, *runs)


def _in_order(texts: list[str]) -> list[str]:
    """Return the distinct texts, sorted; one pass suffices for sorted distinct texts."""
    if all(map(lt, texts, islice(texts, 1, None))):
        return texts
    texts.sort()
    repeats = any(map(eq, texts, islice(texts, 1, None)))
    return list(dict.fromkeys(texts)) if repeats else texts


def _running(bystanders: Sequence[str], weight: Callable[[str], int] | None) -> Sequence[int]:
    """Return the total weight of the first `i` bystanders for every `i`."""
    if weight is None:
        return range(len(bystanders) + 1)
    weights = list(map(weight, bystanders))
    if min(weights, default=0) < 0:
        raise BadInput(f"A weight must be at least 0, not {min(weights)}")
    return list(accumulate(weights, initial=0))


def _items(paths: Sequence[str], *, strict: bool) -> tuple[Sequence[str], Sequence[int]]:
    """Return the items to cover, and the running number of items that need a wildcard."""
    stops = {path: stop for path in paths if (stop := exact_stop(path)) is not None}
    if not stops:
        return paths, array("q", bytes(8 * (len(paths) + 1)))
    prefixes = {path[:stop] for path, stop in stops.items()}
    exact = {path for path in paths if path not in stops}
    if not strict:
        exact -= prefixes
    items, wild = list[str](), list[bool]()
    covering = None
    for text, is_prefix in sorted([(p, False) for p in exact] + [(p, True) for p in prefixes]):
        if covering is None or not text.startswith(covering):
            items.append(text)
            wild.append(is_prefix)
            covering = text if is_prefix else None
    return items, array("q", accumulate(wild, initial=0))


def _runs(
    items: Sequence[str],
    inexact: Sequence[int],
    depths: Iterable[int],
    bystanders: Sequence[str],
    running: Sequence[int],
) -> tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]]:
    """Return where each candidate starts and ends, how long it is, and its collateral."""
    starts, ends, lengths, collateral = array("q"), array("q"), array("q"), list[int]()
    ranks = array("q", [0, *_ranks(items, bystanders), len(bystanders)])

    def close(start: int, end: int, prefix: str, first_below: int) -> None:
        low = bisect_left(bystanders, prefix, ranks[start], ranks[start + 1])
        cut = itemgetter(slice(len(prefix)))
        high = bisect_right(bystanders, prefix, ranks[end], ranks[end + 1], key=cut)
        hit = running[high] - running[low]
        if not hit:
            for column in (starts, ends, lengths, collateral):
                del column[first_below:]
        starts.append(start)
        ends.append(end)
        lengths.append(len(prefix))
        collateral.append(hit)

    still_open: list[tuple[int, int, int]] = []  # shared length, first item, first candidate below
    for end, depth in enumerate(depths, 1):
        start, first_below = end - 1, len(collateral)
        if inexact[end] > inexact[start]:
            close(start, end, items[start], first_below)
        while still_open and still_open[-1][0] > depth:
            length, start, first_below = still_open.pop()
            close(start, end, items[start][:length], first_below)
        if not still_open or still_open[-1][0] < depth:
            still_open.append((depth, start, first_below))
    return starts, ends, lengths, collateral


def _ranks(items: Iterable[str], bystanders: Sequence[str]) -> Iterator[int]:
    """Yield how many bystanders sort before each item; search near the last answer first."""
    rank = 0
    for item in items:
        near = min(rank + 32, len(bystanders))
        rank = bisect_left(bystanders, item, rank, near)
        if rank == near:
            rank = bisect_left(bystanders, item, near)
        yield rank


def _depths(items: Sequence[str], *, strict: bool) -> Iterator[int]:
    """Yield how many characters each item shares with the next one, and 0 for the last."""
    if items:
        common = _shared(items[0], items[-1])
        for text, after in pairwise(items):
            shared = _shared(text, after, common)
            # An item that the next one begins with, or equals, shares all but its last character.
            yield max(1, min(shared, len(text) - 1)) if strict else shared
        yield 0


def _shared(text: str, other: str, known: int = 0) -> int:
    """Return the length of the longest common prefix; its first `known` characters are known."""
    low, high = known, min(len(text), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if text.startswith(other[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return low
