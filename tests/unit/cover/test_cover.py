"""The cover by example: what is chosen, what is refused, and how large it may get."""

from decimal import Decimal

import pytest

from edgesweep.cover import Cover, Limits, Member, Prices, capped, choose, cover, find_candidates
from edgesweep.errors import BadInput, Infeasible
from edgesweep.paths import Pattern

BY_OBJECTS = Prices(path=Decimal(0), refetch=Decimal(1))
BY_PATHS = Prices(path=Decimal(1), refetch=Decimal(0))


def test_nothing() -> None:
    """Where nothing changed, nothing is sent."""
    assert cover([], ["/a"]) == Cover(())


def test_nothing_under_caps_of_zero() -> None:
    """No paths are enough for no changes."""
    assert cover([], limits=Limits(0, 0)).paths == ()


def test_one() -> None:
    """One path that can be said is said, whatever a wildcard would cost."""
    assert cover(["/a"], prices=BY_PATHS).members == (Member(Pattern("/a"), 1, 0),)


def test_members() -> None:
    """Members come in the order of their text and say what they match."""
    prices = Prices(refetch=Decimal("0.003"))

    found = cover(["/z", "/b/1", "/b/2", "/a"], ["/b/3", *["/c", "/d", "/e", "/f"]], prices=prices)

    assert found.members == (
        Member(Pattern("/a"), 1, 0),
        Member(Pattern("/b/", wildcard=True), 2, 1),
        Member(Pattern("/z"), 1, 0),
    )
    assert found.paths == ("/a", "/b/*", "/z")
    assert (found.wildcards, found.collateral) == (1, 1)
    assert found.cost(prices) == Decimal("0.018")


def test_price_search_defeated() -> None:
    """The best cover is found where no price on paths leads to it.

    Saving one path costs 15 objects under /b/, while under /a/ ten paths are saved for 100. Any
    price that makes the first worth it makes the second worth more.
    """
    dirty = [f"/a/{name}" for name in "abcdefghijk"] + ["/b/x", "/b/y"]
    live = [f"/a/{name}" for name in range(100)] + [f"/b/{name}" for name in range(15)]

    found = cover(dirty, live, prices=BY_OBJECTS, limits=Limits(paths=12))

    assert (len(found.paths), found.collateral) == (12, 15)
    assert found.gap == 0
    assert found.paths[-1] == "/b/*"


def test_only_choice() -> None:
    """Where one wildcard alone keeps the caps, it is chosen whatever it hits."""
    dirty = ["/a/a", "/aa/b", "/b/a/a/b", "/b/b/b", "/b/bb/a"]

    found = cover(dirty, ["/a", "/b/ba", "/baa"], prices=BY_OBJECTS, limits=Limits(1, 2))

    assert found.paths == ("/*",)
    assert found.collateral == 3
    assert found.gap == 0


def test_fewer_wildcards_first() -> None:
    """Of covers at the same cost, the one with fewer wildcards is taken."""
    assert cover(["/a1", "/a2", "/b1", "/b2"], prices=BY_OBJECTS).wildcards == 0
    assert cover(["/a1", "/a2", "/b1", "/b2"], limits=Limits(paths=2)).paths == ("/*",)


def test_then_fewer_paths() -> None:
    """Of covers with as many wildcards at the same cost, the one with fewer paths is taken."""
    dirty = ["/a1", "/a2", "/b1", "/b2", "/b3"]

    found = cover(dirty, ["/c"], prices=BY_OBJECTS, limits=Limits(1, 4))

    assert found.paths == ("/a1", "/a2", "/b*")


def test_then_less_collateral() -> None:
    """Where refetching is free, a wildcard still hits no more than it has to."""
    found = cover(["/a/1", "/a/2"], ["/a/3", "/b"], prices=BY_PATHS)

    assert (found.paths, found.collateral) == (("/a/*",), 1)


def test_weight() -> None:
    """Collateral counts what the caller says an object weighs."""
    found = cover(
        ["/a1", "/a2", "/b1", "/b2"],
        ["/a3", "/b3", "/b4"],
        prices=BY_OBJECTS,
        limits=Limits(paths=3),
        weight={"/a3": 5, "/b3": 1, "/b4": 1}.__getitem__,
    )

    assert (found.paths, found.collateral) == (("/a1", "/a2", "/b*"), 2)


def test_tilde() -> None:
    """A key with a tilde takes a wildcard that stops before it, and what that hits is counted."""
    found = cover(["/doc/a~1.pdf"], ["/doc/a.pdf", "/doc/b.pdf"])

    assert found.members == (Member(Pattern("/doc/a", wildcard=True), 1, 1),)


def test_tilde_absorbs() -> None:
    """What the wildcard of an odd key covers anyway is not sent again."""
    found = cover(["/a", "/a~", "/ab", "/a/x~", "/b"], ["/c"], prices=BY_OBJECTS)

    assert found.members == (
        Member(Pattern("/a", wildcard=True), 4, 0),
        Member(Pattern("/b"), 1, 0),
    )


def test_tilde_ends_with_its_prefix() -> None:
    """A path beside the wildcard of an odd key is said on its own."""
    assert cover(["/a~", "/b", "/b~"], ["/c"], prices=BY_OBJECTS).paths == ("/a*", "/b*")


def test_long_paths() -> None:
    """Paths of more than 4,000 quoted characters are covered by a wildcard of 4,000."""
    found = cover(["/" + "ü" * 1_000])

    assert [len(path) for path in found.paths] == [1 + 666 * 6 + 1]
    assert found.wildcards == 1


def test_wildcard_between_characters() -> None:
    """A wildcard is never cut inside a character: ü and ö share a byte but no prefix."""
    assert cover(["/mü", "/mö"], prices=BY_PATHS).paths == ("/m*",)


def test_both_caps() -> None:
    """Wildcards and paths bind at once, and the price on each is found."""
    dirty = [f"/{folder}/{name}" for folder in "abcd" for name in range(1, 4)]
    live = [f"/{folder}/{name}" for folder in "abcd" for name in range(4, 7)] + ["/e"] * 2

    found = cover(dirty, live, prices=BY_OBJECTS, limits=Limits(2, 8))

    assert (found.wildcards, len(found.paths), found.collateral) == (2, 8, 6)
    assert found.gap == 0


def test_caps_out_of_reach() -> None:
    """Three wildcards would do, two are allowed: everything is hit instead."""
    dirty = [f"/{folder}/{name}" for folder in "abc" for name in range(1, 4)]

    found = cover(dirty, ["/d"], prices=BY_OBJECTS, limits=Limits(2, 3))

    assert found.paths == ("/*",)


def test_unproven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where proving takes too long, a good cover is found, and what is not proven is said."""
    monkeypatch.setattr(capped, "PROVEN_SIZE", 0)
    monkeypatch.setattr(capped, "MOST_STEPS", 0)
    dirty = [f"/a/{name}" for name in "abcdefghijk"] + ["/b/x", "/b/y"]
    live = [f"/a/{name}" for name in range(100)] + [f"/b/{name}" for name in range(15)]

    found = cover(dirty, live, prices=BY_OBJECTS, limits=Limits(paths=12))

    assert (len(found.paths), found.collateral) == (12, 15)
    assert found.gap == 4


def test_candidates_again() -> None:
    """Candidates are found once and chosen from at several prices."""
    candidates = find_candidates(["/a1", "/a2"], ["/a3"])

    assert choose(candidates, BY_PATHS, Limits()).paths == ("/a*",)
    assert choose(candidates, BY_OBJECTS, Limits()).paths == ("/a1", "/a2")


@pytest.mark.parametrize(
    ("dirty", "live", "paths", "sent"),
    [
        (["/docs/", "/docs/a", "/docs/b"], ["/docs.css"], 2, ("/docs/", "/docs/*")),
        (["/docs/", "/docs/a", "/docs/b"], ["/docs.css"], 1, ("/docs*",)),
        (["/docs/", "/docs/a", "/docs/b"], [], 2, ("/docs*",)),
        (["/docs", "/docs/a", "/docs/b"], ["/docs.css"], 2, ("/docs", "/docs/*")),
        (["/a", "/ab", "/abc"], [], 1, ("/*",)),
        (["/", "/index.html"], [], 1, ("/*",)),
        (["/a", "/a~1", "/a~2"], ["/b"], 2, ("/a", "/a*")),
        (["/a", "/a~1", "/a~2"], ["/b"], 1, ("/*",)),
    ],
)
def test_strict(dirty: list[str], live: list[str], paths: int, sent: tuple[str, ...]) -> None:
    """A path that is all of a wildcard's text is sent as well, or the wildcard stops earlier."""
    candidates = find_candidates(dirty, live, strict=True)

    found = choose(candidates, BY_OBJECTS, Limits(paths=paths))

    assert found.paths == sent


def test_deep() -> None:
    """A thousand nested folders, a file changed in each, are no deeper than any others."""
    folders = ["/" + "f/" * depth for depth in range(1, 1_001)]
    live = [folder + name for folder in folders for name in ("changed", "kept")]

    found = cover([folder + "changed" for folder in folders], live, prices=Prices(Decimal(1)))

    assert found.paths == ("/f/*",)
    assert found.collateral == 1_000


def test_deep_under_both_caps() -> None:
    """A cap on paths is kept in a thousand nested folders too."""
    dirty = ["/" + "f/" * depth + "changed" for depth in range(1, 1_001)]
    live = ["/" + "f/" * depth + "kept" for depth in range(1, 1_001)]

    found = cover(dirty, live, prices=BY_OBJECTS, limits=Limits(paths=10))

    assert (len(found.paths), found.collateral) == (10, 991)
    assert found.gap == 0


def test_long_common_prefix() -> None:
    """Fifty thousand paths that share nine hundred characters are compared by what differs."""
    prefix = "/" + "p" * 900 + "/"
    dirty = [f"{prefix}{number:05d}" for number in range(50_000)]

    assert cover(dirty, [f"{prefix}x"]).paths == (f"{prefix}*",)


@pytest.mark.parametrize(
    ("dirty", "limits", "text"),
    [
        (["/a~b"], Limits(wildcards=0), "'/a~b' needs a wildcard, but at most 0 wildcards"),
        (["/a", "/b"], Limits(paths=0), "2 dirty paths take at least 1, but at most 0 may be used"),
        (["/a", "/b"], Limits(0, 1), "2 dirty paths take at least 2, but at most 1 may be used"),
    ],
)
def test_infeasible(dirty: list[str], limits: Limits, text: str) -> None:
    """Caps that no cover can keep are refused in one line."""
    with pytest.raises(Infeasible, match=text):
        cover(dirty, limits=limits)


@pytest.mark.parametrize("price", [Decimal(-1), Decimal("NaN"), Decimal("Infinity"), 0.5, "1"])
def test_bad_price(price: Decimal) -> None:
    """A price is a decimal of at least 0."""
    with pytest.raises(BadInput, match="The path price must be a decimal of at least 0, not"):
        Prices(path=price)
    with pytest.raises(BadInput, match="The refetch cost must be a decimal of at least 0, not"):
        Prices(refetch=price)


@pytest.mark.parametrize("cap", [-1, 1.5, True, "3"])
def test_bad_cap(cap: int) -> None:
    """A cap is a whole number of at least 0."""
    with pytest.raises(BadInput, match="The most wildcards must be a whole number of at least 0"):
        Limits(wildcards=cap)
    with pytest.raises(BadInput, match="The most paths must be a whole number of at least 0"):
        Limits(paths=cap)


@pytest.mark.parametrize("path", ["", "a", "~a"])
def test_bad_path(path: str) -> None:
    """A dirty path that no viewer could ask for is refused."""
    with pytest.raises(BadInput, match=f"A path must start with /, not '{path}'"):
        cover([path, "/a"])


def test_bad_weight() -> None:
    """A weight below 0 is refused: it would make collateral a gain."""
    with pytest.raises(BadInput, match="A weight must be at least 0, not -1"):
        cover(["/a"], ["/b"], weight=lambda _path: -1)
