"""Which distributions serve an object, under which viewer paths, for configurations people have."""

import pytest

from edgesweep.record.recorder import Fate, Selection
from edgesweep.routes import Behaviour, Distribution, Origin, Routes
from edgesweep.routes import everywhere as served_everywhere
from edgesweep.routes.config import buckets_of, cache_policies_of, read
from edgesweep.routes.patterns import matches, may_match, must_match, readings
from tests.configured import NAMES, behaviour, config, config_of, configuration, shown

# Configuration, bucket, key, and the viewer paths that CloudFront serves the object under.
SERVED = [
    ("oac", "docs-site", "index.html", ["/index.html", "/"]),
    ("oac", "docs-site", "guide/index.html", ["/guide/index.html"]),
    ("oac", "docs-site", "a b+c.html", ["/a b+c.html", "/a*"]),
    ("oac", "docs-site", "/leading", ["//leading"]),
    ("oac", "other-site", "index.html", []),
    ("oai", "old-site", "index.html", ["/index.html", "/"]),
    ("oai", "old-site", "x.css", ["/x.css"]),
    ("website", "blog.example.com", "index.html", ["/index.html", "/"]),
    (
        "website",
        "blog.example.com",
        "2026/fine/index.html",
        ["/2026/fine/index.html", "/2026/fine/"],
    ),
    ("website", "blog.example.com", "myindex.html", ["/myindex.html"]),
    ("origin-path", "releases", "site/v42/app.js", ["/app.js"]),
    ("origin-path", "releases", "site/v42/start/index.html", ["/start/index.html", "/", "/start/"]),
    ("origin-path", "releases", "site/v42/index.html", ["/index.html"]),
    ("origin-path", "releases", "site/v421/app.js", []),
    ("origin-path", "releases", "site/v41/app.js", []),
    ("three-behaviours", "shop-pages", "index.html", ["/index.html", "/"]),
    ("three-behaviours", "shop-pages", "api/spec.json", []),
    ("three-behaviours", "shop-pages", "images/a.png", []),
    ("three-behaviours", "shop-pages", "imagesa.png", ["/imagesa.png"]),
    ("three-behaviours", "shop-pages", "tour.mp4", []),
    ("three-behaviours", "shop-pages", "tour.MP4", ["/tour.MP4"]),
    ("three-behaviours", "shop-media", "images/a.png", ["/images/a.png"]),
    ("three-behaviours", "shop-media", "deep/tour.mp4", ["/deep/tour.mp4"]),
    ("three-behaviours", "shop-media", "api/tour.mp4", []),
    ("three-behaviours", "shop-media", "index.html", []),
    ("origin-group", "assets-east", "a.js", ["/a.js"]),
    ("origin-group", "assets-west", "copy/a.js", ["/a.js"]),
    ("origin-group", "assets-west", "a.js", []),
    ("staging", "docs-site", "next/index.html", ["/index.html", "/"]),
    ("staging", "docs-site", "index.html", []),
    ("question-marks", "downloads", "v1/tool.zip", ["/v1/tool.zip"]),
    ("question-marks", "downloads", "v1/tool.exe", []),
    ("question-marks", "downloads", "v10/tool.exe", ["/v10/tool.exe"]),
    ("question-marks", "downloads", "v10/internal/tool.exe", []),
    ("question-marks", "downloads", "v100/tool.zip", []),
    ("question-marks", "downloads", "vé/tool.zip", ["/vé/tool.zip"]),
    ("cache-policy", "gallery", "a.jpg", ["/a.jpg"]),
    ("cache-policy", "gallery", "thumbs/a.jpg", ["/thumbs/a.jpg", "/thumbs/a.jpg*"]),
    ("forwarded-values", "magazine", "a.html", ["/a.html"]),
    (
        "forwarded-values",
        "magazine",
        "search/index.html",
        ["/search/index.html", "/search/index.html*", "/search/", "/search/?*"],
    ),
    ("forwarded-values", "magazine", "issues/7.html", ["/issues/7.html", "/issues/7.html*"]),
    ("viewer-request", "handbook", "it/index.html", ["/it/index.html", "/it/"]),
    ("viewer-request", "handbook", "raw/index.html", ["/raw/index.html"]),
    ("viewer-request", "handbook", "index.html", ["/index.html", "/"]),
    ("origin-request", "manual", "it/index.html", ["/it/index.html", "/it/"]),
    ("single-page", "console-app", "index.html", ["/index.html", "/*", "/"]),
    ("single-page", "console-app", "404.html", ["/404.html"]),
]


@pytest.mark.parametrize(("name", "bucket", "key", "expected"), SERVED)
def test_served(name: str, bucket: str, key: str, expected: list[str]) -> None:
    """An object is served under these paths by this configuration, and under no others."""
    routes = Routes([configuration(name)])

    assert shown(routes.viewer_paths(name, bucket, key)) == expected
    assert routes.distributions(bucket, key) == ([name] if expected else [])


def test_all_configurations_tried() -> None:
    """Every configuration that is kept here is tried."""
    tried = {name for name, *_ in SERVED} | {"disabled"}

    assert tried == {*NAMES}


def test_disabled() -> None:
    """A disabled distribution serves nothing, though `routes` knows what it served."""
    routes = Routes([configuration("disabled")])

    assert routes.distributions("docs-site", "index.html") == []
    assert (routes.ids, routes.enabled_count) == (["disabled"], 0)
    assert not routes.serving("docs-site")
    assert routes.viewer_paths("disabled", "docs-site", "index.html") == ["/index.html", "/"]


def test_shared() -> None:
    """A bucket behind several distributions reaches just those that can serve the object."""
    routes = Routes([configuration(name) for name in ("oac", "disabled", "staging", "oai")])

    assert routes.distributions("docs-site", "next/a.html") == ["oac", "staging"]
    assert routes.distributions("docs-site", "a.html") == ["oac"]
    assert routes.serving("docs-site")
    assert not routes.serving("nobody")


def test_unknown_distribution() -> None:
    """Of a distribution that is not known, nothing is said."""
    routes = Routes([configuration("oac")])

    assert routes.viewer_paths("other", "docs-site", "index.html") == []
    assert routes.origins("other") == []
    assert not routes.foreign("other", "/")


def test_swept_buckets_only() -> None:
    """What leads to a bucket that is not swept leads to none that is known."""
    routes = Routes([configuration("three-behaviours", ["shop-media"])])

    assert routes.origins("three-behaviours") == [Origin("shop-media")]
    assert not routes.serving("shop-pages")
    assert (routes.leading, routes.enabled_count) == (["three-behaviours"], 1)


def test_leads_nowhere() -> None:
    """One that leads to no swept bucket any more takes no share of the budget, and no request."""
    routes = Routes([configuration("three-behaviours", ["dropped"]), configuration("oac")])

    assert routes.ids == ["three-behaviours", "oac"]
    assert (routes.leading, routes.enabled_count) == (["oac"], 1)


def test_everywhere() -> None:
    """A distribution of which nothing is known serves every object of every bucket."""
    routes = served_everywhere(["E1", "E2"])

    assert routes.serving("any")
    assert routes.distributions("any", "a") == ["E1", "E2"]
    assert routes.viewer_paths("E2", "any", "index.html") == ["/index.html", "/"]
    assert routes.viewer_paths("E2", "any", "a/index.html") == ["/a/index.html"]


def test_everywhere_of_buckets() -> None:
    """If the buckets are known, it serves those."""
    routes = served_everywhere(["E1"], ["one", "two"])

    assert routes.serving("two")
    assert not routes.serving("any")
    assert routes.origins("E1") == [Origin("one"), Origin("two")]


@pytest.mark.parametrize(
    ("name", "prefix", "expected"),
    [
        ("oac", "/", False),
        ("three-behaviours", "/", True),
        ("three-behaviours", "/a", True),
        ("three-behaviours", "/api/v1", True),
        ("three-behaviours", "/b", False),
        ("three-behaviours", "/images/", False),
        ("question-marks", "/v1/", True),
        ("question-marks", "/v10/", True),
        ("question-marks", "/v10/p", False),
    ],
)
def test_foreign(name: str, prefix: str, expected: bool) -> None:  # noqa: FBT001  # a parameter
    """What a wildcard would hit is foreign if something else than a known bucket may serve it."""
    assert Routes([configuration(name)]).foreign(name, prefix) is expected


def test_foreign_without_default() -> None:
    """Where no behaviour matches, nothing is served and so nothing is foreign."""
    assert not Distribution("E1", (Behaviour("/a/*", (Origin("site"),)),)).foreign("/b")


def test_bare_cache_policy() -> None:
    """A cache policy of the members that CloudFront requires alone keeps query strings out."""
    configured = config(behaviour("site", CachePolicyId="short"), {"site": "s.s3.amazonaws.com"})
    found = read("E1", configured, policies={"short": {"Name": "short", "MinTTL": 1}})

    assert not found.behaviours[0].query_strings


def test_references() -> None:
    """A configuration contains its buckets and its cache policies."""
    config = config_of("three-behaviours")

    assert buckets_of(config) == {"shop-pages", "shop-media"}
    assert cache_policies_of(config) == {
        "658327ea-f89d-4fab-a63d-7e88639e58f6",
        "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
    }


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*", "/", True),
        ("*", "/a\nb", True),
        ("images/*.jpg", "/images/a.jpg", True),
        ("/images/*.jpg", "/images/b/a.jpg", True),
        ("images/*.jpg", "/images/a.jpg.txt", False),
        ("images/*.jpg", "/old/images/a.jpg", False),
        ("a??.jpg", "/ant.jpg", True),
        ("a??.jpg", "/an.jpg", False),
        ("*.doc*", "/x/a.docx", True),
        ("*.JPG", "/a.jpg", False),
        ("/*product.jpg", "/a/product.jpg", True),
        ("a.b", "/aab", False),
        ("*a*b", "/ab", True),
        ("*ab*ab", "/aab", False),
        ("/", "/", True),
        ("/", "/a", False),
    ],
)
def test_pattern(pattern: str, path: str, expected: bool) -> None:  # noqa: FBT001  # a parameter
    """Path patterns match as CloudFront's documentation says."""
    assert matches(pattern, path) is expected


def test_patient_pattern() -> None:
    """No pattern takes for ever."""
    assert not matches("*a" * 20 + "b", "/" + "a" * 1_000)


@pytest.mark.parametrize(
    ("pattern", "prefix", "may", "must"),
    [
        ("*", "/", True, True),
        ("*", "/any", True, True),
        ("/api/*", "/", True, False),
        ("/api/*", "/api", True, False),
        ("/api/*", "/api/", True, True),
        ("/api/*", "/api/x", True, True),
        ("/api/*", "/b", False, False),
        ("*.jpg", "/a", True, False),
        ("*.jpg", "/a.jpg", True, False),
        ("*.jpg*", "/a.jpg", True, True),
        ("/v?/*", "/v1", True, False),
        ("/v?/*", "/v1/", True, True),
        ("/a", "/a", True, False),
        ("/a", "/ab", False, False),
        ("**", "/", True, True),
    ],
)
def test_prefix(pattern: str, prefix: str, may: bool, must: bool) -> None:  # noqa: FBT001  # parameters
    """A pattern matches some, or all, of what starts with a prefix."""
    assert (may_match(pattern, prefix), must_match(pattern, prefix)) == (may, must)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/b.html", ["/a/b.html"]),
        ("/a//b", ["/a//b", "/a/b"]),
        ("/a/../b/./c", ["/a/../b/./c", "/b/c"]),
        ("/a/..", ["/a/..", "/"]),
        ("/a/.", ["/a/.", "/a/"]),
        ("/../a", ["/../a", "/a"]),
        ("/.well-known/x", ["/.well-known/x"]),
        ("/é//", ["/é//", "/é/", "/%C3%A9//", "/%C3%A9/"]),
    ],
)
def test_readings(path: str, expected: list[str]) -> None:
    """A path is held against patterns as it is, normalised and quoted."""
    assert list(readings(path)) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("site/a.html", Fate.SWEPT),
        ("/site/a.html", Fate.EXCLUDED),
        ("logs/a.html", Fate.EXCLUDED),
        ("site/.git/config", Fate.EXCLUDED),
        ("site/assets/app-3f9a.js", Fate.IMMUTABLE),
        ("site/assets/.git/app.js", Fate.EXCLUDED),
    ],
)
def test_selection(key: str, expected: Fate) -> None:
    """A key is swept if it is included, not excluded, and may get other bytes."""
    selection = Selection(["site/*", "/more/*"], ["*/.git/*"], ["site/assets/*"])

    assert selection.fate(key) == expected


def test_no_selection() -> None:
    """Without patterns every key is swept."""
    assert Selection().fate("logs/a") == Fate.SWEPT
