"""The words of `viewerPaths`: under which viewer paths they find an object, and what they cost."""

import pytest

from edgesweep.errors import BadInput
from edgesweep.paths import Mount
from edgesweep.routes import Behaviour, Distribution, Origin, Routes, Variants
from edgesweep.routes.config import read
from edgesweep.routes.distribution import Function
from edgesweep.routes.variants import ALL_OTHERS, parse
from tests.configured import behaviour, config, configuration, shown


@pytest.mark.parametrize(
    ("words", "name", "key", "expected"),
    [
        ("none", "website", "a/index.html", ["/a/index.html"]),
        ("none", "oac", "index.html", ["/index.html", "/"]),
        ("none", "single-page", "index.html", ["/index.html", "/"]),
        ("only", "cache-policy", "thumbs/a.jpg", ["/thumbs/a.jpg"]),
        ("only+queries", "cache-policy", "thumbs/a.jpg", ["/thumbs/a.jpg", "/thumbs/a.jpg*"]),
        ("queries", "cache-policy", "thumbs/a.jpg", ["/thumbs/a.jpg", "/thumbs/a.jpg*"]),
        ("queries", "cache-policy", "a.jpg", ["/a.jpg"]),
        ("folders", "cache-policy", "thumbs/a.jpg", ["/thumbs/a.jpg", "/thumbs/a.jpg*"]),
        ("folders", "oac", "a/index.html", ["/a/index.html", "/a/"]),
        ("only+folders", "website", "a/index.html", ["/a/index.html", "/a/"]),
        ("folders+bare", "oac", "a/index.html", ["/a/index.html", "/a/", "/a"]),
        ("folders+bare", "oac", "index.html", ["/index.html", "/"]),
        ("bare", "website", "a/index.html", ["/a/index.html", "/a/", "/a"]),
        ("bare", "oac", "a/index.html", ["/a/index.html", "/a"]),
        ("only+bare", "website", "a/index.html", ["/a/index.html", "/a"]),
        ("index=default.htm", "oac", "a/default.htm", ["/a/default.htm", "/a/"]),
        ("index=default.htm", "website", "a/index.html", ["/a/index.html", "/a/"]),
        ("index=a.htm+bare", "oac", "a/a.htm", ["/a/a.htm", "/a/", "/a"]),
        ("html", "oac", "a/b.html", ["/a/b.html", "/a/b"]),
        ("html", "oac", "a/b.htm", ["/a/b.htm"]),
        ("errors", "single-page", "index.html", ["/index.html", "/*", "/"]),
        ("only+errors", "single-page", "index.html", ["/index.html", "/*", "/"]),
        ("errors=404.html", "website", "404.html", ["/404.html", "/*"]),
        ("everything", "oac", "a.css", ["/a.css", "/*"]),
        ("strip=/app", "oac", "a/index.html", ["/a/index.html", "/app/a/index.html"]),
        (
            "strip=/app+folders+bare",
            "oac",
            "index.html",
            ["/index.html", "/", "/app/index.html", "/app/", "/app"],
        ),
        ("/images/{key}*", "oac", "a.png", ["/a.png", "/images/a.png*"]),
        (
            "/thumbs/{key}",
            "cache-policy",
            "a.jpg",
            ["/a.jpg", "/thumbs/a.jpg", "/thumbs/a.jpg?*"],
        ),
        ("/{key}/w=200", "oac", "a.png", ["/a.png", "/a.png/w=200"]),
        ("/300x300/{key}+/x/*", "oac", "a.png", ["/a.png", "/300x300/a.png", "/x/*"]),
        ("stems", "single-page", "index.html", ["/index.html", "/*", "/"]),
        ("stems", "viewer-request", "a/index.html", ["/a/index.html", "/a/"]),
    ],
)
def test_word(words: str, name: str, key: str, expected: list[str]) -> None:
    """Words add viewer paths to those of the configuration, and `only` takes these away."""
    routes = Routes([configuration(name)], parse(words))
    (origin, *_) = routes.origins(name)

    found = shown(dict.fromkeys(routes.viewer_paths(name, origin.bucket, key)))

    assert found == expected


def test_queries_of_folders() -> None:
    """A folder's copies with a query string are said without what the folder holds."""
    routes = Routes([configuration("forwarded-values")], parse("bare"))

    assert shown(routes.viewer_paths("forwarded-values", "magazine", "search/a/index.html")) == [
        *("/search/a/index.html", "/search/a/index.html*"),
        *("/search/a/", "/search/a/?*"),
        *("/search/a", "/search/a?*"),
    ]


def test_words_of_one() -> None:
    """One distribution may have words of its own, and the others those of all."""
    parsed = parse(" none , oac=folders + bare,, E1=index=a.htm+/x=y/{key}")

    assert parsed["oac"] == Variants(("bare", "folders"))
    assert parsed[ALL_OTHERS] == Variants(("none",))
    assert parsed["E1"] == Variants(("/x=y/{key}", "index=a.htm"))
    assert parse("") == {}


def test_terms() -> None:
    """What is said for all distributions holds with and without words."""
    parsed = parse("E1=bare", spellings=False, error_seconds=60)

    assert parsed["E1"] == Variants(("bare",), spellings=False, error_seconds=60)
    assert parsed[ALL_OTHERS] == Variants(spellings=False, error_seconds=60)


def test_stems() -> None:
    """Wildcards are trusted with their own text, unless the user has heard otherwise."""
    routes = Routes((), parse("E1=folders+stems"))

    assert routes.strict("E1")
    assert not routes.strict("E2")
    assert not Routes().strict("E1")
    assert Routes((), parse("stems")).strict("E2")


@pytest.mark.parametrize(
    ("words", "folders"),
    [
        ("", []),
        ("strip=/app", ["/app"]),
        ("strip=/app+/thumbs/{key}", ["/thumbs", "/app"]),
        ("/thumbs/{key}*", ["/thumbs"]),
        ("/thumbs/{key}/small+/all/*", []),
    ],
)
def test_mounts(words: str, folders: list[str]) -> None:
    """A survey lists the keys that words show in another folder, and no other made-up paths."""
    routes = Routes([configuration("oac")], parse(words))
    (origin,) = routes.origins("oac")

    assert {*routes.mounts("oac")} == {Mount(origin.bucket, folder=one) for one in ("", *folders)}


@pytest.mark.parametrize(
    ("prefix", "foreign"), [("/thumbs/a", True), ("/", True), ("/thumbs/", True), ("/a", False)]
)
def test_unlisted(prefix: str, *, foreign: bool) -> None:
    """Paths that words make of keys, and that no listing shows, may hold anything."""
    routes = Routes([configuration("oac")], parse("/thumbs/{key}/small"))

    assert routes.foreign("oac", prefix) is foreign


def test_learnt_folder() -> None:
    """A folder that a function was seen to strip is listed as well."""
    stripping = Function("rewrite", "/app/", "1", ("strip=/app",))
    behaviour = Behaviour("/app/*", (Origin("site"),), functions=(stripping,))

    mounts = Routes([Distribution("E1", (behaviour, Behaviour()))]).mounts("E1")

    assert mounts == [Mount("site"), Mount("site", folder="/app")]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("E1=folder", "folder"),
        ("strip=app", "strip=app"),
        ("strip=/app/", "strip=/app/"),
        ("index=", "index="),
        ("index=a/b.html", "index=a/b.html"),
        ("bare+/a*/{key}", "/a*/{key}"),
        ("prefix=*", "*"),
    ],
)
def test_wrong_word(text: str, word: str) -> None:
    """An unknown word is named, with the words that there are."""
    with pytest.raises(BadInput) as refused:
        parse(text)

    assert str(refused.value).startswith(
        f"{word!r} is no word of viewerPaths; the words are everything, html, "
    )
    assert str(refused.value).endswith("strip=/app, errors=NAME, /images/{key}*")


SITE = {"site": "site.s3.amazonaws.com", "www": "www.example.com"}
STRIPPED = {"/app/*": behaviour("site", "origin-request")}
ASKED = {"/app/*": behaviour("site", "viewer-request")}
ANSWERED = {"app/*": behaviour("site", "origin-response")}
SEEN = {"/app/*": behaviour("site", "viewer-response")}
UNCACHED = {"/app/*": behaviour("site", "origin-request", DefaultTTL=0, MaxTTL=0)}
TWO = {"/a?/*": behaviour("site", "origin-request"), "*.js": behaviour("site", "origin-response")}


@pytest.mark.parametrize(
    ("behaviours", "words", "key", "expected"),
    [
        (STRIPPED, "", "static/js/main.js", ["/app/*"]),
        (ANSWERED, "", "static/js/main.js", ["/app/*"]),
        (ASKED, "", "static/js/main.js", ["/app/*", "/static/js/main.js"]),
        (SEEN, "", "static/js/main.js", []),
        (UNCACHED, "", "static/js/main.js", []),
        (TWO, "", "static/main.css", ["/a*", "/*"]),
        (STRIPPED, "stems", "static/js/main.js", ["/app/*", "/app/"]),
        (STRIPPED, "folders+bare", "static/js/main.js", ["/app/*"]),
        (STRIPPED, "", "app/main.js", ["/app/main.js"]),
        (STRIPPED, "", "app/index.html", ["/app/index.html", "/app/"]),
        (STRIPPED, "strip=/app", "static/js/main.js", ["/app/static/js/main.js"]),
        (STRIPPED, "strip=/app+bare", "index.html", ["/app/index.html", "/app/"]),
        (STRIPPED, "none", "static/js/main.js", []),
        (STRIPPED, "/app/{key}", "main.js", ["/app/main.js"]),
    ],
)
def test_function(
    behaviours: dict[str, dict[str, object]], words: str, key: str, expected: list[str]
) -> None:
    """A function may make any path of its pattern from a key that has no path of its own."""
    found = read("E1", config(behaviour("www"), SITE, behaviours), ["site"])
    routes = Routes([found], parse(words))

    assert shown(routes.viewer_paths("E1", "site", key)) == expected
    assert routes.distributions("site", key) == (["E1"] if expected else [])


def test_function_of_another() -> None:
    """A function makes no path from the objects of a bucket that its behaviour does not lead to."""
    routes = Routes([read("E1", config(behaviour("www"), SITE, STRIPPED), ["site", "other"])])

    assert routes.distributions("other", "static/js/main.js") == []
