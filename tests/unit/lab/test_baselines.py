"""What each of the other tools sends, by example."""

from collections.abc import Iterable

import pytest

from edgesweep.lab import (
    BASELINES,
    all_or_nothing,
    each_path,
    everything,
    exact_folders,
    level_collapse,
)
from edgesweep.paths import Pattern

SITE = sorted(["/index.html", "/feed.xml", "/docs/v1/a.html", "/docs/v1/b.html", "/docs/v2/a.html"])


def quoted(patterns: Iterable[Pattern]) -> list[str]:
    """Return the patterns as CreateInvalidation takes them."""
    return [pattern.quoted() for pattern in patterns]


def test_registry() -> None:
    """The strategies go by the names that users give."""
    assert list(BASELINES) == [
        "each-path",
        "everything",
        "all-or-nothing",
        "level-collapse",
        "exact-folders",
    ]


@pytest.mark.parametrize("name", BASELINES)
def test_nothing(name: str) -> None:
    """Where nothing changed, nothing is sent."""
    assert BASELINES[name]([], SITE) == ()


@pytest.mark.parametrize("name", BASELINES)
def test_one_path(name: str) -> None:
    """One change of a site is one path."""
    assert quoted(BASELINES[name](["/docs/v2/a.html"], sorted([*SITE, "/docs/v2/b.html"]))) == (
        ["/*"] if name == "everything" else ["/docs/v2/a.html"]
    )


def test_each_path() -> None:
    """Every change is one path, duplicates aside; what cannot be said gets a narrow wildcard."""
    dirty = ["/b c.html", "/a.html", "/a.html", "/x/~one", "/x/~two", "/y*.html"]

    assert quoted(each_path(dirty, SITE)) == ["/b%20c.html", "/a.html", "/x/*", "/y*"]


def test_everything() -> None:
    """One change is enough to send `/*`."""
    assert quoted(everything(["/a.html"], SITE)) == ["/*"]


def test_all_or_nothing() -> None:
    """Fifty changes are sent one by one, fifty-one are everything; duplicates do not count."""
    dirty = [f"/{n:02}.html" for n in range(51)]

    assert quoted(all_or_nothing(dirty[:50] + dirty[:50], SITE)) == dirty[:50]
    assert quoted(all_or_nothing(dirty, SITE)) == ["/*"]


@pytest.mark.parametrize(
    ("threshold", "dirty", "sent"),
    [
        (8, [f"/a/b/{n}.css" for n in range(9)], ["/a/*"]),  # never /a/b/*
        (8, [f"/{n}.css" for n in range(9)], ["/*"]),
        (8, [f"/{n}.css" for n in range(8)], [f"/{n}.css" for n in range(8)]),
        (5, ["/index.html", "/styles.css"], ["/index.html", "/styles.css"]),
        (
            5,
            ["/index.html", "/styles.css", *(f"/css/file{n}.css" for n in range(20))],
            ["/css/*", "/index.html", "/styles.css"],
        ),
        (5, ["/index.html", "/styles.css", *(f"/css{n}/file.css" for n in range(20))], ["/*"]),
        (
            5,
            [
                "/index.html",
                "/styles.css",
                *(f"/{section}/post{n}/index.html" for section in ("about", "blog") for n in "123"),
            ],
            ["/about/*", "/blog/*", "/index.html", "/styles.css"],
        ),
        (3, ["/a/b1/a.css", "/a/b2/b.css"], ["/a/b1/a.css", "/a/b2/b.css"]),
        (1, ["/a/b1/a.css", "/a/b2/b.css"], ["/a/*"]),
        (3, [f"/hugoscss/{n}.css" for n in range(6)], ["/hugoscss/*"]),
        # a covered path is kept
        (3, ["/a/b/1.css", "/a/b/2.css", "/a/b/3.css", "/a/x.css"], ["/a/*", "/a/x.css"]),
        (
            8,
            [*(f"/blog/2024/05/p{n}/index.html" for n in range(9)), "/docs/v1/api/x.json"],
            ["/blog/2024/05/*", "/docs/v1/api/x.json"],
        ),
        (1, ["/a/", "/a/b"], ["/a/*"]),
        (1, ["//a", "//b"], ["//*"]),
        (8, ["/a/~1", "/a/~2"], ["/a/*"]),
        (8, ["/*", "/a"], ["/*"]),  # a literal asterisk at the root widens to all
    ],
)
def test_level_collapse(threshold: int, dirty: list[str], sent: list[str]) -> None:
    """Levels collapse from the deepest, skip the immediate folder, and end in `/*`."""
    assert quoted(level_collapse(dirty, (), threshold)) == sent


@pytest.mark.parametrize(
    ("dirty", "live", "sent"),
    [
        (SITE, SITE, ["/*"]),
        (["/docs/v1/a.html", "/docs/v1/b.html"], SITE, ["/docs/v1/*"]),
        (["/docs/v1/a.html"], SITE, ["/docs/v1/a.html"]),
        (SITE[:3], SITE, ["/docs/*"]),
        (["/docs/v2/a.html", "/index.html"], SITE, ["/docs/v2/*", "/index.html"]),
        (["/old/a.html", "/old/deep/b.html"], SITE, ["/old/*"]),  # all of it was deleted
        (["/gone.html"], (), ["/*"]),
        (["/docs/v1.html", "/docs/v10"], ["/docs/v1/a.html"], ["/docs/v1.html", "/docs/v10"]),
        (["/i/~1", "/i/~2"], ["/i/a"], ["/i/*"]),
    ],
)
def test_exact_folders(dirty: list[str], live: list[str], sent: list[str]) -> None:
    """The highest folder that holds no unchanged object is sent; other changes go by themselves."""
    assert quoted(exact_folders(dirty, live)) == sent
