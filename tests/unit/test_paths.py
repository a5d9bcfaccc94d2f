"""How single keys are quoted, and which of them no exact path can say."""

import pytest

from edgesweep.paths import (
    REST,
    Pattern,
    coarser,
    exact_stop,
    matcher,
    quote,
    unquoted,
    viewer_path,
)
from tests.keys import HARD_KEYS

LONGEST = 4_000


@pytest.mark.parametrize(
    ("key", "quoted"),
    [
        ("plain.html", "/plain.html"),
        ("red flower.jpg", "/red%20flower.jpg"),
        ("a+b.html", "/a+b.html"),
        ("100%.html", "/100%25.html"),
        ("a%2Fb.html", "/a%252Fb.html"),
        ("c#.html", "/c%23.html"),
        ("this&that=1.html", "/this&that=1.html"),
        ("it's.html", "/it's.html"),
        ('"hi".html', "/%22hi%22.html"),
        ("<b>.html", "/%3Cb%3E.html"),
        ("[slug]{id}.html", "/%5Bslug%5D%7Bid%7D.html"),
        ("`a|b\\c^d", "/%60a%7Cb%5Cc%5Ed"),
        ("/rooted.html", "//rooted.html"),
        ("//rooted.html", "///rooted.html"),
        ("a//b/", "/a//b/"),
        ("café.html", "/caf%C3%A9.html"),
        ("cafe\u0301.html", "/cafe%CC%81.html"),
        ("🌵.html", "/%F0%9F%8C%B5.html"),
        ("a\nb\x00c\x7f", "/a%0Ab%00c%7F"),
        ("$!(),-.:;@_", "/$!(),-.:;@_"),
    ],
)
def test_quoted(key: str, quoted: str) -> None:
    """Non-ASCII and RFC 1738 unsafe characters are encoded, nothing else is."""
    assert Pattern(viewer_path(key)).quoted() == quoted


@pytest.mark.parametrize(
    ("key", "quoted"),
    [
        ("~user/index.html", "/*"),
        ("notes~.html", "/notes*"),
        ("docs/a b~.html", "/docs/a%20b*"),
        ("a*b.html", "/a*"),
        ("star*", "/star*"),
        ("*", "/*"),
        ("why?.html", "/why*"),
        ("a?b~c*d", "/a*"),
        ("é/~", "/%C3%A9/*"),
    ],
)
def test_inexact(key: str, quoted: str) -> None:
    """A key with a tilde, a star or a question mark needs a wildcard that stops just before it."""
    path = viewer_path(key)

    stop = exact_stop(path)

    assert stop is not None
    assert Pattern(path[:stop], wildcard=True).matches(path)
    assert Pattern(path[:stop], wildcard=True).quoted() == quoted


@pytest.mark.parametrize("key", HARD_KEYS)
def test_every_key(key: str) -> None:
    """Every key has a path that matches it and that CloudFront takes."""
    path = viewer_path(key)
    stop = exact_stop(path)
    pattern = Pattern(path) if stop is None else Pattern(path[:stop], wildcard=True)

    assert pattern.matches(path)
    assert pattern.quoted().startswith("/")
    assert len(pattern.quoted()) <= LONGEST
    assert "*" not in pattern.quoted()[:-1]
    assert (stop is None) == (not set(key) & set("~*?"))


@pytest.mark.parametrize(
    ("path", "stop"),
    [
        ("/" + "a" * 3_998, None),
        ("/" + "a" * 3_999, None),
        ("/" + "a" * 400 + "~b", 401),
        ("/" + "a" * 4_000, 3_999),
        ("/" + "é" * 666, None),  # 1 + 666 * 6 = 3,997 quoted characters
        ("/" + "é" * 667, 667),
        ("/" + "🌵" * 333, None),  # 1 + 333 * 12 = 3,997
        ("/" + "🌵" * 334, 334),
        ("/" + "🌵" * 334 + "~", 334),
        ("/a~" + "🌵" * 400, 2),
        ("/" + "a" * 400 + "~", 401),
    ],
)
def test_long_path(path: str, stop: int | None) -> None:
    """A path above 4,000 quoted characters keeps what fits before a star, and no half character."""
    assert exact_stop(path) == stop


def test_half_surrogate() -> None:
    """Text that no URL can carry is refused, not mangled."""
    with pytest.raises(UnicodeEncodeError):
        quote("/\ud83d")


def test_matches() -> None:
    """An exact path matches itself alone; a wildcard matches whatever starts with it."""
    assert Pattern("/docs").matches("/docs")
    assert not Pattern("/docs").matches("/docs/")
    assert not Pattern("/docs").matches("/DOCS")
    assert Pattern("/docs", wildcard=True).matches("/docs")
    assert Pattern("/docs", wildcard=True).matches("/docs-old/a.html")
    assert not Pattern("/docs/", wildcard=True).matches("/docs")
    assert Pattern("/", wildcard=True).matches("//")


def test_order() -> None:
    """Patterns sort by text, an exact path before the wildcard that is cut at the same place."""
    patterns = [Pattern("/b"), Pattern("/a", wildcard=True), Pattern("/a")]

    assert sorted(patterns) == [Pattern("/a"), Pattern("/a", wildcard=True), Pattern("/b")]


@pytest.mark.parametrize(
    ("paths", "wider"),
    [
        (["/a.html", "/it's.html"], ("/a.html", "/it*")),
        (["/a%20b.html", "/a.html"], ("/a*",)),
        (["/a.html", "/docs/a%20b/*", "/img/*"], ("/a.html", "/docs/a*", "/img/*")),
        (["/docs/caf%C3%A9.html", "/docs/c"], ("/docs/c", "/docs/caf*")),
        (["/docs/", "/docs/%20", "/docs/a"], ("/docs/", "/docs/*")),
        (["/", "/%20"], ("/*",)),
        (["/a%20", "/ab*", "/a/c"], ("/a*",)),
        (["/a.html"], ("/*",)),
        (["/%20"], ("/*",)),
        ([f"/{n}%20" for n in range(100, 113)], tuple(f"/{n}*" for n in range(100, 113))),
        ([f"/{n}%20" for n in range(100, 114)], ("/*",)),
    ],
)
def test_coarser(paths: list[str], wider: tuple[str, ...]) -> None:
    """Paths are cut before what CloudFront may refuse; when that is not enough, all is one."""
    assert coarser(paths, 13) == wider


def test_matcher() -> None:
    """Quoted paths match decoded viewer paths, exactly or by how they start."""
    matches = matcher(["/caf%C3%A9.html", "/docs/*"])

    assert matches("/café.html")
    assert matches("/docs/")
    assert matches("/docs/a b~.html")
    assert not matches("/caf%C3%A9.html")
    assert not matches("/docs")
    assert not matcher([])("/")


@pytest.mark.parametrize("strict", [False, True])
def test_query_matcher(strict: bool) -> None:  # noqa: FBT001  # a parameter
    """A wildcard of query strings matches no key that has a `?` itself."""
    matches = matcher(["/docs/?*"], strict=strict)

    assert matches(f"/docs/?{REST}")
    assert matches(unquoted("/docs/?a=1"))
    assert not matches("/docs/?a=1")


def test_strict_matcher() -> None:
    """Where no wildcard is trusted with its own text, that has to be matched by another path."""
    paths = ["/docs/*", "/img*", "/img/*", "/a", "/a*"]
    matches = matcher(paths, strict=True)

    assert not matches("/docs/")
    assert matches("/docs/a")
    assert matches("/img/")
    assert not matches("/img")
    assert matches("/a")
    assert matcher(["/*"], strict=True)("/")
    assert not matcher(["/a"], strict=True)("/")
