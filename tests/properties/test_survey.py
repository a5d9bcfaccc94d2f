"""Laws of the survey: it spares pages, and never takes what was not seen for empty."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

import edgesweep.cover.survey
from edgesweep.cover import Cover, Limits, Prices, choose, cover, find_candidates
from edgesweep.cover.survey import UNSEEN_WEIGHT, Survey, survey, unsurveyed
from edgesweep.errors import Infeasible
from edgesweep.paths import Mount, Pattern
from edgesweep.prices import S3_LIST_PRICE
from tests.fakes.listing import ListingInMemory
from tests.strategies import LETTERS, ODD_LETTERS, viewer_paths

ENOUGH = 10**6
# A page costs five of these, so that often it is worth a few pages to save a path, or none.
MICRODOLLAR = Decimal("0.000001")
MARK = "\ud800"


@dataclass(frozen=True)
class World:
    """Buckets behind a distribution, what changed, and how much may be listed."""

    dirty: frozenset[str]
    keys: dict[Mount, frozenset[str]]
    page_size: int
    prices: Prices
    limits: Limits
    strict: bool = False

    @property
    def live(self) -> frozenset[str]:
        """Return the viewer paths of all objects."""
        return frozenset(
            "/" + key.removeprefix(source.prefix)
            for source, keys in self.keys.items()
            for key in keys
            if key.startswith(source.prefix)
        )

    def listing(self) -> ListingInMemory:
        """Return the buckets."""
        buckets = {source.bucket: keys for source, keys in self.keys.items()}
        return ListingInMemory(buckets, self.page_size)

    def survey(self, listing: ListingInMemory, most_pages: int = ENOUGH) -> Survey:
        """Survey with another bound on pages."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(edgesweep.cover.survey, "MAX_PAGES", most_pages)
            return survey(
                listing,
                list(self.keys),
                self.dirty,
                self.prices,
                self.limits,
                strict=self.strict,
            )

    def cover(self, known: Survey) -> Cover:
        """Cover with what a survey knows."""
        try:
            found = find_candidates(self.dirty, known.live, known.weight, strict=self.strict)
            return choose(found, self.prices, self.limits)
        except Infeasible:
            assume(False)  # noqa: FBT003  # as Hypothesis has it
            raise

    def best(self) -> Cover:
        """Cover with what the buckets really hold."""
        return self.cover(Survey(sorted(self.live), ()))

    def hit(self, pattern: Pattern) -> int:
        """Count the unchanged objects that a path really hits."""
        if not pattern.wildcard:
            return 0
        return sum(map(pattern.matches, self.live - self.dirty))

    def cost(self, patterns: list[Pattern]) -> Decimal:
        """Return what paths really cost."""
        return self.prices.path * len(patterns) + self.prices.refetch * sum(map(self.hit, patterns))


@st.composite
def worlds(draw: st.DrawFn, least: int = 0) -> World:
    """Return worlds of one to three origins; a path costs `least` microdollars or more, or 0."""
    letters = draw(st.sampled_from([LETTERS, LETTERS, ODD_LETTERS]))
    keys = st.lists(st.text(letters, min_size=1, max_size=4), max_size=30).map(frozenset)
    changes = st.lists(viewer_paths(letters), min_size=draw(st.integers(0, 5)), max_size=8)
    origins = [
        Mount("site"),
        Mount("media", draw(st.sampled_from(["", "a", "a/"]))),
        Mount("docs", draw(st.sampled_from(["b/", "docs/"]))),
    ]
    prices = st.one_of(st.just(0), st.integers(least, least + 40))
    return World(
        dirty=frozenset(draw(changes)),
        keys={
            source: draw(keys) | {source.prefix + key for key in draw(keys)}
            for source in origins[: draw(st.integers(1, 3))]
        },
        page_size=draw(st.integers(1, 6)),
        prices=Prices(
            MICRODOLLAR * draw(prices), MICRODOLLAR * draw(st.integers(0, max(7, least // 3)))
        ),
        limits=Limits(draw(st.integers(0, 4)), draw(st.one_of(st.none(), st.integers(0, 7)))),
        strict=draw(st.booleans()),
    )


def patterns(chosen: Cover) -> list[Pattern]:
    """Return the paths of a cover before quoting."""
    return [member.pattern for member in chosen.members]


def one_each(dirty: frozenset[str], *, strict: bool = False) -> list[Pattern]:
    """Return a path for each dirty path, as narrow as can be said."""
    found = find_candidates(dirty, strict=strict)
    return [
        Pattern(item, wildcard=found.inexact[at + 1] > found.inexact[at])
        for at, item in enumerate(found.items)
    ]


def candidates(world: World) -> set[str]:
    """Return every prefix that a wildcard is worth being cut at."""
    marks = [path + MARK for path in world.dirty]
    found = find_candidates(world.dirty, marks, strict=world.strict)
    return {found.prefix(index) for index in range(len(found.starts))}


@given(worlds(), st.integers(0, 12))
def test_never_dearer(world: World, most_pages: int) -> None:
    """However little was listed, the cover really costs no more than one path for each change."""
    plain = one_each(world.dirty, strict=world.strict)
    wildcards = max(world.limits.wildcards, sum(pattern.wildcard for pattern in plain))
    paths = world.limits.paths and max(world.limits.paths, len(plain))
    world = replace(world, limits=Limits(wildcards, paths or None))

    known = world.survey(world.listing(), most_pages)
    chosen = world.cover(known)

    event(f"marks: {bool(known.marks)}, seen: {len(known.live) > len(known.marks)}")
    assert world.cost(patterns(chosen)) <= world.cost(plain)


@given(worlds(), st.integers(0, 12))
def test_honest(world: World, most_pages: int) -> None:
    """What was counted is the truth where no mark was hit, and never less than it."""
    known = world.survey(world.listing(), most_pages)

    for member in world.cover(known).members:
        marked = any(map(member.pattern.matches, known.marks))
        assert marked == (member.collateral >= UNSEEN_WEIGHT)
        assert member.collateral >= world.hit(member.pattern)
        if not marked:
            assert member.collateral == world.hit(member.pattern)
        assert Survey.seen(member.collateral) <= world.hit(member.pattern)


@given(worlds(), st.integers(0, 12))
def test_marked(world: World, most_pages: int) -> None:
    """A candidate with an object that was not listed holds a mark that no narrower one holds."""
    listing = world.listing()
    known = world.survey(listing, most_pages)
    unseen = {
        "/" + key.removeprefix(source.prefix)
        for source, keys in world.keys.items()
        for key in keys - {told for bucket, told in listing.told if bucket == source.bucket}
        if key.startswith(source.prefix)
    }

    assert set(known.marks) <= {prefix + MARK for prefix in candidates(world)}
    for prefix in candidates(world):
        if any(path.startswith(prefix) for path in unseen):
            assert prefix + MARK in known.marks


@given(worlds(least=1000))
def test_as_good_as_all(world: World) -> None:
    """With pages enough, the cover really costs what it would with everything listed."""
    known = world.survey(world.listing())
    event(f"hopeless: {bool(known.marks)}")

    chosen, best = world.cover(known), world.best()

    assert world.cost(patterns(chosen)) == best.cost(world.prices)
    if not known.marks:
        assert chosen == best


@given(worlds(), st.integers(0, 12))
def test_frugal(world: World, most_pages: int) -> None:
    """No more pages are listed than the bound and the paths that could be saved are worth."""
    listing = world.listing()

    known = world.survey(listing, most_pages)

    items = len(find_candidates(world.dirty, strict=world.strict).items)
    squeezed = world.limits.paths is not None and items > world.limits.paths
    forced = sum(pattern.wildcard for pattern in one_each(world.dirty, strict=world.strict))
    assert known.pages == len(listing.asked) <= most_pages
    if not squeezed and forced <= world.limits.wildcards:
        assert known.pages * S3_LIST_PRICE <= world.prices.path * max(0, items - 1)


@given(worlds(), st.integers(0, 60))
def test_to_the_point(world: World, most_pages: int) -> None:
    """No key is listed twice, and none that no candidate hits."""
    listing = world.listing()

    world.survey(listing, most_pages)

    assert len(set(listing.told)) == len(listing.told)
    prefixes = {source.bucket: source.prefix for source in world.keys}
    worthwhile = candidates(world)
    for bucket, prefix, after in listing.asked:
        own = prefixes[bucket]
        assert prefix.startswith(own)
        assert "/" + prefix.removeprefix(own) in worthwhile
        assert after.startswith(prefix) or not after


@given(st.frozensets(viewer_paths(ODD_LETTERS), max_size=8))
def test_unsurveyed(dirty: frozenset[str]) -> None:
    """Without a listing the cover is one path for each change, even at a high price."""
    known = unsurveyed(dirty)
    prices = Prices(path=Decimal(1_000))

    chosen = cover(dirty, known.live, prices=prices, limits=Limits(8), weight=known.weight)

    assert patterns(chosen) == one_each(dirty)
