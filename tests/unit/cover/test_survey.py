"""What the survey lists, what it leaves unseen, and what it makes of a bucket that refuses."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial

import pytest

import edgesweep.cover.survey
from edgesweep.cover import Limits, Prices, cover
from edgesweep.cover.survey import MAX_PAGES, UNSEEN_WEIGHT, Survey, survey, unsurveyed
from edgesweep.paths import Mount
from tests.fakes.listing import ListingInMemory

SITE = [Mount("site")]
LIST_PRICES = Prices()


def pages_of(folder: str, count: int = 3_000) -> list[str]:
    """Return the keys of a folder, which sort in the order of their numbers."""
    return [f"{folder}/{number:05}.html" for number in range(count)]


def covered(
    known: Survey, dirty: set[str], prices: Prices = LIST_PRICES, limits: Limits | None = None
) -> tuple[str, ...]:
    """Return the paths that are chosen with what a survey knows."""
    limits = limits or Limits()
    return cover(dirty, known.live, prices=prices, limits=limits, weight=known.weight).paths


def test_complete() -> None:
    """Where everything under a candidate fits on a page, it is listed and nothing is marked."""
    listing = ListingInMemory({"site": ["blog/a", "blog/b", "blog/c", "index.html"]})

    known = survey(listing, SITE, {"/blog/a", "/blog/b"}, LIST_PRICES, Limits())

    assert known == Survey(["/blog/c"], set(), pages=1)
    assert listing.asked == [("site", "blog/", "")]


def test_jump() -> None:
    """What is between two folders is passed over once nothing around it can be worth it."""
    keys = [*pages_of("blog", 20), *pages_of("img"), *pages_of("posts", 20)]
    dirty = {"/blog/00001.html", "/blog/00002.html", "/posts/00001.html", "/posts/00002.html"}
    listing = ListingInMemory({"site": keys}, page_size=1_000)
    prices = Prices(refetch=Decimal("0.0001"))

    known = survey(listing, SITE, dirty, prices, Limits())

    assert [prefix for _, prefix, _ in listing.asked] == ["", "posts/0000"]
    assert sum(key.startswith("img/") for _, key in listing.told) == 980
    assert known.marks == {"/\ud800"}
    assert covered(known, dirty, prices) == ("/blog/0000*", "/posts/0000*")


def test_moved() -> None:
    """Where viewers see the keys below a folder, the keys are listed and their paths are known."""
    listing = ListingInMemory({"site": ["v1/a/1", "v1/a/2", "v1/b", "x"]})
    origins = [Mount("site", "v1/", "/app")]

    known = survey(listing, origins, {"/app/a/1", "/app/b"}, LIST_PRICES, Limits())

    assert known == Survey(["/app/a/2"], set(), pages=1)
    assert listing.asked == [("site", "v1/", "")]
    assert survey(listing, origins, {"/b/1", "/b/2"}, LIST_PRICES, Limits()) == Survey([], set())


def test_late() -> None:
    """A listing that takes too long ends there, and what it did not reach counts as unseen."""
    listing = ListingInMemory({"site": pages_of("img")}, page_size=100)
    dirty = {"/img/00001.html", "/img/02999.html"}

    known = survey(
        listing, SITE, dirty, LIST_PRICES, Limits(), late=lambda: len(listing.asked) >= 3
    )

    assert (known.pages, known.marks) == (3, {"/img/0\ud800"})


def test_elsewhere() -> None:
    """What a bucket cannot serve is not unseen, even if there was no time to list it."""
    site = [Mount("site"), Mount("site", folder="/app")]
    listing = ListingInMemory({"site": ["a/1", "a/2", "a/3"]})
    dirty = {"/a/1", "/a/2", "/app/a/1", "/app/a/2"}

    known = survey(listing, site, dirty, LIST_PRICES, Limits(), late=lambda: bool(listing.asked))

    assert known.marks == {"/a\ud800", "/app/a/\ud800"}


def test_hopeless() -> None:
    """A candidate that has hit more than its paths are worth is listed no further."""
    listing = ListingInMemory({"site": pages_of("img")}, page_size=100)
    worth_150 = Prices(refetch=Decimal("0.005") / 150)

    known = survey(listing, SITE, {"/img/00001.html", "/img/02999.html"}, worth_150, Limits())

    assert known.pages == 2
    assert covered(known, {"/img/00001.html", "/img/02999.html"}, worth_150) == (
        "/img/00001.html",
        "/img/02999.html",
    )


def test_still_worth_it() -> None:
    """A candidate that hits just as much as its paths are worth is listed to its end."""
    listing = ListingInMemory({"site": pages_of("img", 152)}, page_size=100)
    worth_150 = Prices(path=Decimal(150), refetch=Decimal(1))

    known = survey(listing, SITE, {"/img/00001.html", "/img/00151.html"}, worth_150, Limits())

    assert (known.pages, known.marks, len(known.live)) == (2, set(), 150)


def test_inexact_inside() -> None:
    """What an inexact item hits anyway makes no candidate around it hopeless."""
    dirty = {"/a~", "/b"}
    listing = ListingInMemory({"site": ["a1", "a2", "a3", "a4", "c"]}, page_size=2)
    prices = Prices(path=Decimal(2), refetch=Decimal(1))

    known = survey(listing, SITE, dirty, prices, Limits())

    assert (known.pages, known.marks) == (3, set())
    assert covered(known, dirty, prices) == ("/*",)


def test_wildcard_left_to_others() -> None:
    """A candidate over two inexact items may be worth a wildcard that pays elsewhere."""
    dirty = {"/a/1~", "/a/2~", *(f"/b/{number}" for number in range(10))}
    listing = ListingInMemory({"site": ["a/0", "a/3", "a/4", "c"]}, page_size=1)
    prices = Prices(path=Decimal(2), refetch=Decimal(1))

    known = survey(listing, SITE, dirty, prices, Limits(wildcards=2))

    assert covered(known, dirty, prices, Limits(wildcards=2)) == ("/*",)
    assert known.marks == set()


def test_lone_inexact() -> None:
    """What a wildcard that is needed in any case hits is not worth a page."""
    listing = ListingInMemory({"site": pages_of("a~b")})

    known = survey(listing, SITE, {"/a~b/00001.html"}, LIST_PRICES, Limits())

    assert listing.asked == []
    assert covered(known, {"/a~b/00001.html"}) == ("/a*",)


@pytest.mark.parametrize(
    ("prices", "limits"),
    [
        (Prices(path=Decimal(0)), Limits()),
        (Prices(path=Decimal("0.000004")), Limits()),
        (LIST_PRICES, Limits(wildcards=0)),
        (LIST_PRICES, Limits(paths=0)),
    ],
)
def test_not_worth_it(prices: Prices, limits: Limits) -> None:
    """Nothing is listed where no path can be saved, or those saved cost less than a page."""
    listing = ListingInMemory({"site": ["a", "b", "c"]})

    known = survey(listing, SITE, {"/a", "/b"}, prices, limits)

    assert listing.asked == []
    assert known == unsurveyed({"/a", "/b"})


@pytest.mark.parametrize("exponent", [-30_000, 30_000])
def test_extreme_prices(exponent: int) -> None:
    """Prices of any size are weighed exactly."""
    listing = ListingInMemory({"site": ["a", "b", "c"]})
    extreme = Decimal(f"1E{exponent}")

    dear_path = survey(listing, SITE, {"/a", "/b"}, Prices(path=extreme), Limits())
    dear_refetch = survey(listing, SITE, {"/a", "/b"}, Prices(refetch=extreme), Limits())

    assert dear_path.pages == (exponent > 0)
    assert dear_refetch.pages == 1


def test_bounded() -> None:
    """A listing that is needed ends after so many pages, and what is left is marked."""
    listing = ListingInMemory({"site": pages_of("img", 1_000)}, page_size=1)
    dirty = {"/img/00001.html", "/img/00002.html", "/img/00999.html"}
    squeezed = Limits(paths=2)

    known = survey(listing, SITE, dirty, LIST_PRICES, squeezed)

    assert known.pages == len(listing.asked) == MAX_PAGES
    assert known.marks == {"/img/00\ud800"}
    assert covered(known, dirty, limits=squeezed) == ("/img/0000*", "/img/00999.html")


def test_unseen_is_dear() -> None:
    """Between a wildcard that was half seen and a wider one, the narrow one is taken."""
    keys = ["0.html", *pages_of("img", 600), *pages_of("zoo", 5)]
    dirty = {"/0.html", "/img/00001.html", "/img/00599.html"}
    listing = ListingInMemory({"site": keys}, page_size=1)

    known = survey(listing, SITE, dirty, LIST_PRICES, Limits(paths=2))

    assert known.pages == MAX_PAGES
    assert covered(known, dirty, limits=Limits(paths=2)) == ("/0.html", "/img/00*")


def test_sources() -> None:
    """Several buckets share one viewer path space, each under its own prefix."""
    listing = ListingInMemory({"site": ["a/1", "a/2", "a/3"], "media": ["cdn/a/4", "a/5"]})
    origins = [Mount("site"), Mount("media", "cdn/")]

    known = survey(listing, origins, {"/a/1", "/a/2"}, LIST_PRICES, Limits())

    assert known == Survey(["/a/3", "/a/4"], set(), pages=2)
    assert listing.asked == [("site", "a/", ""), ("media", "cdn/a/", "")]


def test_no_sources() -> None:
    """With no bucket to list, nothing was seen."""
    known = survey(ListingInMemory({}), [], {"/a", "/b"}, LIST_PRICES, Limits())

    assert known == unsurveyed({"/a", "/b"})
    assert covered(known, {"/a", "/b"}) == ("/a", "/b")


@pytest.mark.parametrize("buckets", [["gone"], ["site", "gone"], ["gone", "site"]])
def test_refused(buckets: Sequence[str]) -> None:
    """If a bucket may not be listed, the reason is kept and nothing counts as seen."""
    listing = ListingInMemory({"site": ["a", "b", "c"]})

    known = survey(listing, list(map(Mount, buckets)), {"/a", "/b"}, LIST_PRICES, Limits())

    assert known.refused == "The bucket gone cannot be listed: AccessDenied"
    assert known.pages == len(listing.asked)
    assert (known.live, known.marks) == (["/\ud800"], {"/\ud800"})
    assert covered(known, {"/a", "/b"}) == ("/a", "/b")


def test_doubted() -> None:
    """A candidate that something else than the buckets may serve counts as unseen, no other."""
    dirty = {"/api/1", "/api/2", "/blog/1", "/blog/2"}
    look = partial(survey, ListingInMemory({"site": ["blog/3"]}), SITE, dirty, LIST_PRICES)

    known = look(Limits())
    doubtful = look(Limits(), foreign=lambda prefix: "/api/".startswith(prefix[:5]))

    assert doubtful.marks == {"/\ud800", "/api/\ud800"}
    assert doubtful.pages == known.pages
    assert covered(known, dirty) == ("/*",)
    assert covered(doubtful, dirty) == ("/api/1", "/api/2", "/blog/*")


def test_nothing_dirty() -> None:
    """Where nothing changed nothing is listed."""
    listing = ListingInMemory({"site": ["a"]})

    assert survey(listing, SITE, set(), LIST_PRICES, Limits(paths=1)) == Survey([], set())
    assert listing.asked == []


class EmptyPages:
    """A listing that says there is more, and returns nothing."""

    def page(self, _bucket: str, _prefix: str, _after: str) -> tuple[Sequence[str], bool]:
        """Return no key."""
        return [], True


def test_empty_page() -> None:
    """A page without a key leads nowhere, so what it was asked for counts as unseen."""
    known = survey(EmptyPages(), SITE, {"/a/1", "/a/2", "/b"}, LIST_PRICES, Limits())

    assert known.pages == 2
    assert known.marks == {"/\ud800", "/a/\ud800"}


def test_last_character() -> None:
    """Keys at the very end of Unicode are under their prefix like any other."""
    last = "\U0010ffff"
    dirty = {f"/a{last}", f"/a{last}{last}", f"/a{last}b"}
    listing = ListingInMemory({"site": ["a", f"a{last}", f"a{last}c", f"a{last}{last}{last}"]})

    known = survey(listing, SITE, dirty, LIST_PRICES, Limits())

    assert known == Survey([f"/a{last}c", f"/a{last}{last}{last}"], set(), pages=1)


def test_null_character() -> None:
    """No key can be confused with a mark, whatever it holds."""
    dirty = {"/a", "/a\0", "/a\0\0"}

    assert covered(unsurveyed(dirty), dirty) == ("/a", "/a%00", "/a%00%00")


def test_weight() -> None:
    """A mark weighs more than any bucket, and leaves no trace in the number of seen objects."""
    known = Survey(["/a", "/b"], {"/b"})

    assert (known.weight("/a"), known.weight("/b")) == (1, UNSEEN_WEIGHT)
    assert Survey.seen(3 * UNSEEN_WEIGHT + 41) == 41


@pytest.mark.parametrize(("length", "pages"), [(10, 25), (1_000, 3)])
def test_long_keys(monkeypatch: pytest.MonkeyPatch, length: int, pages: int) -> None:
    """However long keys are, a listing takes no more than so many bytes; the rest is unseen."""
    monkeypatch.setattr(edgesweep.cover.survey, "MAX_LISTED", 25_000)
    keys = [f"img/{number:04}{'x' * length}" for number in range(250)]
    listing = ListingInMemory({"site": keys}, page_size=10)

    known = survey(listing, SITE, {"/img/a", "/img/b"}, LIST_PRICES, Limits(paths=1))

    assert known.pages == pages
    assert bool(known.marks) == (pages < 25)
