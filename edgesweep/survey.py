"""The survey: which unchanged objects a wildcard would hit.

Goal: list no more of a bucket than the choice of a cover can use, and never take what was not seen
for empty.

Plan: only stretches under a candidate wildcard matter, so the outermost candidates are listed in
key order. A candidate is hopeless once it has hit so many unchanged objects that it cannot save
what they cost; where all candidates around a key are hopeless, the listing jumps to the next one.

Invariant: every candidate that was not listed to its end holds a mark, a made-up object of the
weight `DEAR`. A mark directly behind a dirty path, or behind the last key seen, is inside every
candidate around it, because all that starts with one prefix sorts together.

Cost: one request for each thousand keys, at most `MAX_PAGES`, and never more than the paths that
could be saved: one path costs as much as listing a million keys.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from typing import Protocol

from edgesweep.cover import Limits, Prices, find_candidates
from edgesweep.errors import EdgesweepError
from edgesweep.pricing import S3_LIST_PRICE

MAX_PAGES = 250
# The weight of what was not seen: above that of any bucket that could be listed.
DEAR = 10**9

MAX_AGE = timedelta(minutes=10)

_MARK = "\0"
_LAST = "\U0010ffff"


class Unlistable(EdgesweepError):
    """The bucket may not be listed."""


class Listing(Protocol):
    """Lists buckets."""

    def page(self, bucket: str, prefix: str, after: str) -> tuple[Sequence[str], bool]:
        """Return the first keys under `prefix` that sort after `after`, and whether more follow.

        Raises:
            Unlistable: the bucket may not be listed.
        """
        ...


class Remembered:
    """A listing that answers from memory what it was asked a short while ago."""

    def __init__(self, listing: Listing, clock: Callable[[], datetime]) -> None:
        self._listing = listing
        self._clock = clock
        self._pages: dict[tuple[str, str, str], tuple[datetime, tuple[Sequence[str], bool]]] = {}

    def page(self, bucket: str, prefix: str, after: str) -> tuple[Sequence[str], bool]:
        """Return a page that is at most `MAX_AGE` old."""
        now = self._clock()
        self._pages = {
            asked: kept for asked, kept in self._pages.items() if now - kept[0] < MAX_AGE
        }
        asked = (bucket, prefix, after)
        if asked not in self._pages:
            self._pages[asked] = (now, self._listing.page(*asked))
        return self._pages[asked][1]


@dataclass(frozen=True, slots=True)
class Source:
    """A bucket behind a distribution: the viewer path `/x` is the key `prefix` + `x`."""

    bucket: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of the objects around dirty paths.

    Attributes:
        live: viewer paths of objects, and marks.
        marks: made-up objects that stand for what was not seen.
        pages: how many pages were listed.
        refused: why a bucket could not be listed.
    """

    live: Sequence[str]
    marks: Collection[str]
    pages: int = 0
    refused: str | None = None

    def weight(self, path: str) -> int:
        """Return the collateral of hitting `path`."""
        return DEAR if path in self.marks else 1

    @staticmethod
    def seen(collateral: int) -> int:
        """Return how many objects of a cover's collateral were seen, without the marks."""
        return collateral % DEAR


def unsurveyed(dirty: Collection[str]) -> Survey:
    """Return the survey of somebody who has seen nothing."""
    marks = {path + _MARK for path in dirty}
    return Survey(sorted(marks), marks)


def survey(
    listing: Listing,
    sources: Collection[Source],
    dirty: Collection[str],
    prices: Prices,
    limits: Limits,
) -> Survey:
    """List what a cover of `dirty` has to know.

    Args:
        listing: where to list.
        sources: the buckets behind the distribution.
        dirty: decoded viewer paths.
        prices: what a path and a unit of collateral cost.
        limits: the caps of the cover.
    """
    blind = unsurveyed(dirty)
    if not sources:
        return blind
    caps, pages = _worthwhile(blind, prices, limits)
    walk = _Walk(listing, sorted(caps), caps, frozenset(dirty), pages)
    try:
        for source in sources:
            walk.list(source)
    except Unlistable as error:
        return replace(blind, pages=pages - walk.pages, refused=str(error))
    live = sorted(walk.seen | walk.marks)
    return Survey(live, walk.marks, pages - walk.pages)


def _worthwhile(blind: Survey, prices: Prices, limits: Limits) -> tuple[dict[str, float], int]:
    """Return each candidate with the collateral at which it is hopeless, and the pages to spend."""
    found = find_candidates([mark.removesuffix(_MARK) for mark in blind.live], blind.live, None)
    forced = found.unsayable[-1] if found.items else 0
    squeezed = forced > limits.wildcards or (
        limits.paths is not None and len(found.items) > limits.paths
    )
    saving = prices.path * max(0, len(found.items) - 1)
    pages = MAX_PAGES if squeezed else min(MAX_PAGES, int(saving / S3_LIST_PRICE))
    caps: dict[str, float] = {}
    for candidate, (start, end) in enumerate(zip(found.starts, found.ends, strict=True)):
        worth = prices.path * (end - start - 1)
        hopeless = inf if squeezed or not prices.refetch else float(worth / prices.refetch)
        if hopeless > 0:
            caps[found.prefix(candidate)] = hopeless
    return caps, pages


@dataclass(slots=True)
class _Walk:
    """Lists the stretches under the candidates `prefixes`, which are sorted."""

    listing: Listing
    prefixes: Sequence[str]
    caps: Mapping[str, float]
    dirty: Collection[str]
    pages: int
    seen: set[str] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)

    def list(self, source: Source) -> None:
        """List what a source holds, and mark the dirty paths around which nothing was seen."""
        unseen = sorted(self.dirty)
        at = 0
        while at < len(self.prefixes) and self.pages:
            prefix = self.prefixes[at]
            end = self._follow(source, prefix)
            del unseen[bisect_left(unseen, prefix) : bisect_right(unseen, end)]
            at = bisect_right(self.prefixes, end)
        self.marks.update(path + _MARK for path in unseen)

    def _follow(self, source: Source, prefix: str) -> str:
        """List an outermost candidate while there is hope; return the last path that was seen."""
        found: list[str] = []
        after = ""
        while True:
            self.pages -= 1
            keys, more = self.listing.page(source.bucket, source.prefix + prefix[1:], after)
            paths = ["/" + key[len(source.prefix) :] for key in keys]
            found += [path for path in paths if path not in self.dirty]
            if not more:
                self.seen.update(found)
                return prefix + _LAST
            after = keys[-1]
            if not self.pages or self._hopeless(prefix, paths[-1], found):
                self.seen.update(found)
                self.marks.add(paths[-1] + _MARK)
                return paths[-1]

    def _hopeless(self, prefix: str, path: str, found: Sequence[str]) -> bool:
        around = (path[:length] for length in range(len(prefix), len(path) + 1))
        return not any(
            len(found) - bisect_left(found, inner) <= self.caps[inner]
            for inner in around
            if inner in self.caps
        )
