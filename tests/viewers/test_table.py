"""What a configuration cannot say: each kind that was seen in the field stays fresh."""

from collections.abc import Mapping

import pytest

from edgesweep.record.recorder import Selection
from infra.local.edge.config import CACHING_DISABLED
from infra.local.edge.functions import Node
from infra.local.edge.s3 import Website
from tests.configured import behaviour, config
from tests.viewers.configurations import edge_lambda, function
from tests.viewers.table import (
    DAY,
    HOST,
    POINTS,
    PROXY,
    RESIZER,
    WEBSITE,
    Row,
    beside,
    errors,
    happens,
    shown,
    site,
    story,
)
from tests.viewers.world import SITE, Change, World

CACHED = {"cache-control": "max-age=86400"}
STRIPPED = beside("/app/*", **edge_lambda("lambda-strip", "origin-request"))
FALLBACK = beside("/app/*", **edge_lambda("lambda-fallback", "origin-response"))
QUERIES = {"CachePolicyId": "all-queries"}
IMMUTABLE = {"selection": Selection(immutable=("assets/*",))}


def row(config: object, key: str, url: str, *sent: str, **more: object) -> Row:
    """Return a row; without other words its object is the only one, and is read as it is."""
    plain = {"before": f"1 site/{key}", "after": f"2 site/{key}"}
    return Row(config, key, url, sent, **{**plain, **more})  # type: ignore[arg-type]  # as they are


UNCACHED = config(
    behaviour("site", CachePolicyId=CACHING_DISABLED),
    {"site": HOST},
    {"/app/*": behaviour("site", **edge_lambda("lambda-strip", "origin-request"))},
)
DOUBTFUL = config(
    behaviour("api"),
    {"api": "api.example.com", "site": HOST},
    {
        "/app/*": behaviour("site", **edge_lambda("lambda-strip", "origin-request")),
        "*/static/*": behaviour("site"),
    },
)
FUNCTIONS: Mapping[str, Row] = {
    "a function strips /app": row(
        STRIPPED, "static/js/main.js", "/app/static/js/main.js", "/app/*"
    ),
    "a function strips /app, in words": row(
        *(STRIPPED, "static/js/main.js", "/app/static/js/main.js", "/app/static/js/main.js"),
        words="strip=/app",
    ),
    "a function strips /app in front of the root": row(
        *({**beside("/app/*", **function("strip")), "DefaultRootObject": "index.html"},),
        *("index.html", "/app/", "/", "/app/", "/app/index.html", "/index.html"),
        words="strip=/app",
    ),
    "a function strips /app, and no cache keeps the object's own path": row(
        *(UNCACHED, "static/js/main.js", "/app/static/js/main.js", "/app/*"),
    ),
    "a function strips /app, and another pattern may match the object's own path": row(
        *(DOUBTFUL, "static/js/main.js", "/app/static/js/main.js", "/app/*", "/static/js/main.js")
    ),
    "an answer is replaced": row(FALLBACK, "index.html", "/app/users", "/app/*"),
    "an answer is replaced, in words": row(
        *(site(**edge_lambda("lambda-fallback", "origin-response")), "index.html", "/users", "/*"),
        words="errors=index.html",
    ),
    "routes are one page": row(
        *(site(**function("single-page")), "index.html", "/users/1", "/*"),
        words="errors=index.html",
    ),
    ".html is appended": row(
        *(site(**function("html")), "about.html", "/about", "/about", "/about.html"), words="html"
    ),
    "case is folded": row(
        site(**function("fold")), "about.html", "/ABOUT.html", "/*", words="everything"
    ),
    "a language picks the folder": row(
        *(site(**function("language")), "docs/a.html", "/a.html", "/*"),
        words="everything",
        language="de",
    ),
    "a folder in a word": row(
        *(site(**function("language")), "docs/a.html", "/a.html", "/a.html", "/docs/a.html"),
        words="only+/a.html",
        language="de",
    ),
}
ABOUT = ("/about/", "/about/index.html")
WORDS: Mapping[str, Row] = {
    "folders by themselves": row(site(**function("index")), "about/index.html", "/about/", *ABOUT),
    "bare adds": row(
        site(**function("bare")), "about/index.html", "/about", "/about", *ABOUT, words="bare"
    ),
    "bare takes nothing away": row(
        site(**function("bare")), "about/index.html", "/about/", "/about", *ABOUT, words="bare"
    ),
    "only takes away": row(
        *(site(**function("bare")), "about/index.html", "/about/index.html", "/about/index.html"),
        words="only",
    ),
}
SELECTED = config(
    behaviour("web", **edge_lambda("lambda-select", "origin-request")),
    {"web": "placeholder.example.com", "site": HOST},
)
PLACEHOLDER = config(
    behaviour("web", **edge_lambda("lambda-select", "origin-request")),
    {"web": "placeholder.example.com"},
)
ESCAPED = site(path="/my%20site")
ORIGINS: Mapping[str, Row] = {
    "a function selects the bucket": row(SELECTED, "a.html", "/a.html", "/a.html"),
    "a pattern begins with a star and a slash": row(
        *(beside("*/static/*"), "static/a.js", "/static/a.js", "/static/a.js")
    ),
    "a placeholder": row(PLACEHOLDER, "a.html", "/a.html", "/*", named="named"),
    **{
        f"an access point: {host}": row(
            site(host=host), "a.html", "/a.html", "/a.html", named="named"
        )
        for host in POINTS
    },
    **{
        f"a host of S3's: {host}": row(site(host=host), "a.html", "/a.html", "/a.html")
        for host in (
            "site.s3-external-1.amazonaws.com",
            "site.s3.dualstack.us-east-1.amazonaws.com",
            "SITE.S3.US-EAST-1.amazonaws.com",
            "site.s3.us-gov-west-1.amazonaws.com",
            "site.s3.cn-north-1.amazonaws.com.cn",
        )
    },
    "path style": row(
        site(host="s3.us-east-1.amazonaws.com", path="/site"), "a.html", "/a.html", "/a.html"
    ),
    "an origin path with an escape": row(ESCAPED, "my site/a.html", "/a.html", "/a.html"),
    "a proxy": row(
        *(config(behaviour("proxy"), {"proxy": PROXY}), "a.html", "/a.html", "/*"), named="named"
    ),
    "a proxy for a part": row(
        config(
            behaviour("api"),
            {"api": "other.s3.amazonaws.com", "proxy": PROXY},
            {"/media/*": behaviour("proxy")},
        ),
        *("media/a.png", "/media/a.png", "/media/*"),
        named="named",
    ),
    "it may not be read": row(site(path="/v1"), "v1/a.html", "/a.html", "/*", named="closed"),
}
OWN_PAGE = config(behaviour("site"), {"site": HOST}, {"/errors/*": behaviour("site", MinTTL=DAY)})
ERRORS: Mapping[str, Row] = {
    "the page has a behaviour": row(
        errors(OWN_PAGE, "/errors/404.html", 10), "errors/404.html", "/missing", "/*"
    ),
    "exactly 300 s": row(errors(site(), "/404.html", 300), "404.html", "/missing", "/*"),
    "a website's error document": row(
        *(site(host=WEBSITE), "404.html", "/missing", "/*"),
        words="errors=404.html",
        headers=CACHED,
        more={"website": Website(error="404.html")},
    ),
    "a website's error document, which no origin path moves": row(
        *(site(host=WEBSITE, path="/v1"), "404.html", "/missing", "/*"),
        words="errors=404.html",
        headers=CACHED,
        more={"website": Website(error="404.html")},
    ),
    "a new object behind a website": row(
        *(site(host=WEBSITE), "new.html", "/new.html", "/new.html"),
        new=True,
        others=["404.html"],
        before="1 site/404.html",
        after="2 site/new.html",
        headers=CACHED,
        more={"website": Website(error="404.html")},
    ),
    "a new immutable object behind a website": row(
        *(site(host=WEBSITE), "assets/new.js", "/assets/new.js", "/assets/new.js"),
        new=True,
        others=["404.html"],
        before="1 site/404.html",
        after="2 site/assets/new.js",
        headers=CACHED,
        more={"website": Website(error="404.html"), **IMMUTABLE},
    ),
    "a new object after a lasting error": row(
        *(errors(site(), "", DAY), "new.html", "/new.html", "/new.html"),
        new=True,
        before="404",
        after="1 site/new.html",
    ),
    "a new immutable object where a single page answered": row(
        *(errors(site(), "/index.html", DAY, "200"), "assets/new.js", "/assets/new.js"),
        "/assets/new.js",
        new=True,
        others=["index.html"],
        before="1 site/index.html",
        after="2 site/assets/new.js",
        more=IMMUTABLE,
    ),
}
SPELLINGS: Mapping[str, Row] = {
    "a space as a plus sign": row(site(), "a b.txt", "/a+b.txt", "/a%20b.txt", "/a+b.txt"),
    "a plus sign, escaped": row(site(), "c++/index.html", "/c%2B%2B/index.html", "/c*"),
    "a plus sign as it is": row(site(), "c++/index.html", "/c++/index.html", "/c*"),
    "a colon, escaped": row(site(), "a:b.txt", "/a%3ab.txt", "/a*"),
    "no such character": row(site(), "a-b.txt", "/a-b.txt", "/a-b.txt"),
}
QUERY_STRINGS: Mapping[str, Row] = {
    "the root": row(
        *(site(root="index.html", **QUERIES), "index.html", "/?v=1", "/", "/?*", "/index.html*")
    ),
    "a folder": row(
        site(host=WEBSITE, **QUERIES),
        *("docs/index.html", "/docs/?v=1", "/docs/", "/docs/?*", "/docs/index.html*"),
    ),
    "a file": row(site(**QUERIES), "a.css", "/a.css?v=1", "/a.css*"),
    "no cache": row(*(site(CachePolicyId=CACHING_DISABLED), "a.html", "/a.html"), kept=False),
}
RESIZED = config(
    behaviour("site"),
    {"site": HOST, "resizer": RESIZER},
    {"/300x300/*": behaviour("resizer"), "*/w=200": behaviour("resizer")},
)
SMALL = {"before": "small 1 site/a.png", "after": "small 2 site/a.png"}
DERIVED: Mapping[str, Row] = {
    "below a folder": row(
        *(RESIZED, "a.png", "/300x300/a.png", "/300x300/a.png", "/a.png"),
        words="/300x300/{key}",
        **SMALL,
    ),
    "below the image": row(
        *(RESIZED, "a.png", "/a.png/w=200", "/a.png", "/a.png/w=*"), words="/{key}/w=*", **SMALL
    ),
    "by another origin alone": row(
        config(behaviour("resizer"), {"resizer": RESIZER}),
        *("a.png", "/300x300/a.png", "/300x300/a.png", "/a.png"),
        words="/300x300/{key}",
        named="named",
        **SMALL,
    ),
}
ROWS = {
    **FUNCTIONS,
    **WORDS,
    **ORIGINS,
    **ERRORS,
    **SPELLINGS,
    **QUERY_STRINGS,
    **DERIVED,
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_row(node: Node, row: Row) -> None:
    """The reader gets the old bytes until the sweep, and the new ones after it."""
    happened = happens(row, node)

    assert happened.first == row.before
    assert happened.unswept == (row.before if row.kept else row.after)
    assert happened.swept == row.after
    assert happened.sent == ([sorted(row.sent)] if row.sent else [])


def test_enabled_again(node: Node) -> None:
    """What changed while a distribution was disabled is fresh once it is enabled."""
    url, name = "/a.html", (SITE, "a.html")
    world = World(story(row(site(), "a.html", url)), node)
    world.begin()
    world.configure({**site(), "Enabled": False})
    world.change([Change("put", name)])
    assert world.sweep()
    assert world.sent == []
    assert shown(world.edge.get(url)) == "1 site/a.html"

    world.configure(site())
    assert world.sweep()

    assert [tuple(paths) for paths in world.sent].count(("/*",)) == 1
    assert shown(world.edge.get(url)) == "2 site/a.html"
