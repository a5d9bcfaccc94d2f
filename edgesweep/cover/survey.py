"""The survey: which unchanged objects a wildcard would hit.

Goal: list no more of a bucket than a cover can use; never assume that an unlisted stretch is empty.

Plan: only stretches under a candidate wildcard matter, so the outermost candidates are listed in
key order. A candidate is hopeless once its unchanged objects weigh too much: no cover with it
is the cheapest; where all candidates around a key are hopeless, the listing jumps to the next one.

A candidate is hopeless in this case: a path for each of its items, instead of the candidate, takes
one path more for each item but one, and spares the objects that are under none of its inexact
items, which need a wildcard anyway. If the spared objects weigh more than the paths, the candidate
is never worth it. A candidate that replaces two or more inexact items also leaves a wildcard to
others, which save at most the paths of all items.

Invariant: every candidate that was not listed to its end holds a mark of its own, a made-up object
of the weight `UNSEEN_WEIGHT`. So a wider wildcard into the unseen weighs more than a narrower one.

Cost: one request for each thousand keys, at most `MAX_PAGES` of them, `MAX_LISTED` bytes and
`MAX_TIME`, and never more than the paths that could be saved: one path costs as much as listing a
million keys.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from math import inf
from sys import getsizeof
from typing import Protocol

from edgesweep.cover import Candidates, Heartbeat, Limits, Prices, find_candidates
from edgesweep.errors import Unlistable
from edgesweep.paths import Mount
from edgesweep.prices import S3_LIST_PRICE

MAX_PAGES = 250
MAX_TIME = timedelta(minutes=1)
UNSEEN_WEIGHT = 10**9  # the weight of a mark: above that of any bucket that could be listed

MAX_AGE = timedelta(minutes=10)
# Bytes of the keys that one survey lists, and of the remembered ones: keys may be long.
MAX_LISTED = 64 * 2**20
MAX_REMEMBERED = 64 * 2**20

_MARK = "\ud800"  # a lone surrogate: no key holds one, so a mark is never mistaken for an object

Page = tuple[Sequence[str], bool]  # keys, and whether more follow


class Listing(Protocol):
    def page(self, bucket: str, prefix: str, after: str) -> Page:
        """Return the first keys under `prefix` after `after`, and whether more follow."""


class CachedListing:
    """A listing that caches recent pages."""

    def __init__(self, listing: Listing, clock: Callable[[], datetime]) -> None:
        self._listing = listing
        self._clock = clock
        self._pages: dict[tuple[str, str, str], tuple[datetime, int, Page]] = {}
        self._bytes = 0

    def page(self, bucket: str, prefix: str, after: str) -> Page:
        now, asked = self._clock(), (bucket, prefix, after)
        if asked in self._pages:
            listed_at, _, page = self._pages[asked]
            if now - listed_at < MAX_AGE:
                return page
            self._bytes -= self._pages.pop(asked)[1]
        page = self._listing.page(*asked)
        size = _bytes((*asked, *page[0]))
        self._pages[asked] = (now, size, page)
        self._bytes += size
        while self._bytes > MAX_REMEMBERED:
            self._bytes -= self._pages.pop(next(iter(self._pages)))[1]
        return page


@dataclass(frozen=True, slots=True)
class Survey:
    """The known objects around dirty paths."""

    live: Sequence[str]  # viewer paths of objects, and marks
    marks: Collection[str]  # made-up objects that stand for unlisted ones
    pages: int = 0
    refused: str | None = None  # why a bucket could not be listed

    @property
    def listed(self) -> bool:
        """Whether at least a part of a bucket was listed."""
        return self.pages > 0 and not self.refused

    def weight(self, path: str) -> int:
        return UNSEEN_WEIGHT if path in self.marks else 1

    @staticmethod
    def seen(collateral: int) -> int:
        """Return how many objects of a cover's collateral were seen, without the marks."""
        return collateral % UNSEEN_WEIGHT


def unsurveyed(dirty: Collection[str], *, strict: bool = False) -> Survey:
    """Return the survey without any listing."""
    marks = {prefix + _MARK for prefix in _all_candidates(dirty, strict=strict).prefixes}
    return Survey(sorted(marks), marks)


def survey(  # noqa: PLR0913  # what to cover, where to look, and on what terms
    listing: Listing,
    mounts: Collection[Mount],
    dirty: Collection[str],
    prices: Prices,
    limits: Limits,
    *,
    foreign: Callable[[str], bool] = lambda _: False,
    strict: bool = False,
    keep: Heartbeat = lambda: None,
    late: Callable[[], bool] = lambda: False,
) -> Survey:
    """List the objects that matter for a cover of `dirty`, which are decoded viewer paths."""
    found = _all_candidates(dirty, strict=strict)
    walk = _Walk(listing, frozenset(dirty), _terms(found, prices, limits), keep, late)
    refused: str | None = None
    try:
        for mount in mounts:
            walk.list(mount)
    except Unlistable as error:
        walk.seen.clear()
        refused = str(error)
    unseen = found.prefixes
    if mounts and not refused:
        # Below a foreign prefix, other origins may serve objects that nobody lists.
        unseen = list(filter(foreign, unseen)) if foreign("/") else []
    marks = walk.marks | {prefix + _MARK for prefix in unseen}
    return Survey(sorted(walk.seen | marks), marks, walk.pages, refused)


def _bytes(texts: Iterable[str]) -> int:
    """Return the memory that texts take, with a place in a list for each."""
    return sum(getsizeof(text) + 8 for text in texts)


def _all_candidates(dirty: Collection[str], *, strict: bool) -> Candidates:
    """Return all candidates; a mark under each keeps it from being dropped."""
    return find_candidates(dirty, [path + _MARK for path in dirty], strict=strict)


@dataclass(frozen=True, slots=True)
class _Terms:
    pages: int  # the most pages
    prefixes: Sequence[str]  # all candidates, sorted
    # How many objects a candidate may hit outside inexact items; absent where they do not matter.
    patience: Mapping[str, float]
    inexact: Sequence[str]  # the prefixes of the inexact items, sorted; none begins another


def _terms(found: Candidates, prices: Prices, limits: Limits) -> _Terms:
    items, path, refetch = len(found.items), Fraction(prices.path), Fraction(prices.refetch)
    needed = found.inexact
    squeezed = needed[-1] > limits.wildcards or (limits.paths is not None and items > limits.paths)
    worth = MAX_PAGES if squeezed else path * max(0, items - 1) // Fraction(S3_LIST_PRICE)
    pages = min(MAX_PAGES, worth) if limits.wildcards and limits.paths != 0 else 0
    prefixes, patience = found.prefixes, dict[str, float]()
    for prefix, start, end in zip(prefixes, found.starts, found.ends, strict=True):
        alone = needed[end] - needed[start] <= 1
        spared = (end - start if alone else items) - 1
        if squeezed or not refetch:
            patience[prefix] = inf
        elif spared:
            patience[prefix] = path * spared // refetch
    inexact = [found.items[at] for at in range(items) if needed[at + 1] > needed[at]]
    return _Terms(pages, sorted(prefixes), patience, inexact)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A listed stretch: all keys that start with `prefix`, or only those up to `last`."""

    prefix: str
    last: str | None = None

    def passed(self, candidate: str) -> bool:
        """Tell whether the listing reached the beginning of the candidate."""
        return candidate.startswith(self.prefix) and (self.last is None or candidate <= self.last)

    def holds(self, candidate: str) -> bool:
        """Tell whether everything that the candidate hits was listed."""
        return self.passed(candidate) and not (self.last or "").startswith(candidate)


@dataclass(slots=True)
class _Walk:
    listing: Listing
    dirty: Collection[str]
    terms: _Terms
    keep: Heartbeat
    late: Callable[[], bool]
    pages: int = 0
    size: int = 0
    seen: set[str] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)

    def list(self, mount: Mount) -> None:
        """List a bucket, and mark the candidates that were not listed to their end."""
        stretch = _Stretch(_MARK)
        for prefix in self.terms.prefixes:
            if (below := mount.below(prefix)) is None:
                continue
            wanted = prefix in self.terms.patience and not stretch.passed(prefix)
            if wanted and not self._spent():
                stretch = self._follow(mount, prefix, below)
            if not stretch.holds(prefix):
                self.marks.add(prefix + _MARK)

    def _follow(self, mount: Mount, prefix: str, below: str) -> _Stretch:
        """List an outermost candidate, whose keys begin with `below`, while there is hope."""
        beside: list[str] = []
        after = ""
        while True:
            self.pages += 1
            self.keep()
            keys, more = self.listing.page(mount.bucket, below, after)
            paths = [path for key in keys if (path := mount.path(key))]
            unchanged = [path for path in paths if path not in self.dirty]
            self.seen.update(unchanged)
            self.size += _bytes(unchanged)
            if not more:
                return _Stretch(prefix)
            beside += [path for path in unchanged if not self._is_inexact(path)]
            if not keys or self._spent() or self._hopeless(prefix, paths[-1], beside):
                return _Stretch(prefix, paths[-1] if keys else prefix)
            after = keys[-1]

    def _is_inexact(self, path: str) -> bool:
        place = bisect_right(self.terms.inexact, path)
        return place > 0 and path.startswith(self.terms.inexact[place - 1])

    def _spent(self) -> bool:
        return self.pages >= self.terms.pages or self.size >= MAX_LISTED or self.late()

    def _hopeless(self, prefix: str, path: str, beside: Sequence[str]) -> bool:
        """Tell whether no listed candidate around `path` can be worth it."""
        around = (path[:length] for length in range(len(prefix), len(path) + 1))
        return not any(
            len(beside) - bisect_left(beside, inner) <= self.terms.patience[inner]
            for inner in around
            if inner in self.terms.patience
        )
