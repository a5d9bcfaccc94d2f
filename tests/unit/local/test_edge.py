"""The caching edge by example: what it serves, what it keeps, and what makes it forget."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.local.edge.config import CACHING_DISABLED, Distribution, read
from infra.local.edge.functions import Node
from infra.local.edge.s3 import Answer, Website
from infra.local.edge.serve import Edge, normalised

OPTIMIZED, QUERIES = "optimized", "queries"
POLICIES: Mapping[str, Mapping[str, Any]] = {
    OPTIMIZED: {"MinTTL": 1, "DefaultTTL": 86_400, "MaxTTL": 31_536_000},
    CACHING_DISABLED: {"MinTTL": 0, "DefaultTTL": 0, "MaxTTL": 0},
    QUERIES: {
        "MinTTL": 0,
        "DefaultTTL": 86_400,
        "MaxTTL": 31_536_000,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "QueryStringsConfig": {
                "QueryStringBehavior": "whitelist",
                "QueryStrings": {"Items": ["v"]},
            }
        },
    },
}
REST = "site.s3.us-east-1.amazonaws.com"
WEBSITE = "site.s3-website-us-east-1.amazonaws.com"
FOLDERS = """function handler(event) {
  var request = event.request;
  if (request.uri.endsWith('/')) request.uri += 'index.html';
  return request;
}"""


@dataclass
class Memory:
    """Buckets in memory: the bucket `site`, and the clock."""

    objects: dict[str, Answer] = field(default_factory=dict)
    site: Website = field(default_factory=Website)
    now: float = 1_000.0

    def put(self, key: str, body: str, **headers: str) -> None:
        """Write an object."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.objects[key] = Answer(200, body.encode(), named)

    def read(self, bucket: str, key: str) -> Answer | None:
        """Return an object."""
        return self.objects.get(key) if bucket == "site" else None

    def website(self, _bucket: str) -> Website:
        """Return the website configuration."""
        return self.site


def configured(domain: str = REST, policy: str = OPTIMIZED, **more: Any) -> Distribution:  # noqa: ANN401  # JSON
    """Return a distribution of one origin, with more of the API's form."""
    path = more.pop("path", "")
    default = {"TargetOriginId": "o", "CachePolicyId": policy, **more.pop("default", {})}
    origins = [{"Id": "o", "DomainName": domain, "OriginPath": path}, *more.pop("origins", [])]
    config = {"Origins": {"Items": origins}, "DefaultCacheBehavior": default, **more}
    return read(config, POLICIES)


def edge_of(memory: Memory, distribution: Distribution, **more: Any) -> Edge:  # noqa: ANN401  # as Edge
    """Return an edge in front of the memory."""
    return Edge(distribution, memory, lambda: memory.now, **more)


@pytest.fixture
def memory() -> Memory:
    """Fill a bucket with a page and a folder."""
    memory = Memory()
    memory.put("a.html", "old")
    memory.put("docs/index.html", "old")
    return memory


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """Start Node."""
    with Node() as node:
        yield node


def test_kept_until_forgotten(memory: Memory) -> None:
    """A page is served as it was first fetched until an invalidation means it."""
    edge = edge_of(memory, configured())
    edge.get("/a.html")
    memory.put("a.html", "new")

    kept = edge.get("/a.html").body
    edge.forget(["/b.html", "/A.html", "/a", "/a.htm*x"])
    still = edge.get("/a.html").body
    edge.forget(["/a.html"])

    assert (kept, still, edge.get("/a.html").body) == (b"old", b"old", b"new")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 86_400),
        ({"cache_control": "max-age=60"}, 60),
        ({"cache_control": "max-age=0"}, 1),
        ({"cache_control": "public, s-maxage=30, max-age=60"}, 30),
        ({"cache_control": "no-cache"}, 1),
        ({"cache_control": "max-age=99999999999"}, 31_536_000),
        ({"expires": "Thu, 01 Jan 1970 00:20:00 GMT"}, 200),
    ],
)
def test_how_long(memory: Memory, headers: Mapping[str, str], seconds: float) -> None:
    """An answer stays as long as the table of the documentation says."""
    memory.put("a.html", "old", **headers)
    edge = edge_of(memory, configured())
    edge.get("/a.html")
    memory.put("a.html", "new")

    memory.now += seconds - 0.5
    before = edge.get("/a.html").body
    memory.now += 1

    assert (before, edge.get("/a.html").body) == (b"old", b"new")


def test_spellings(memory: Memory) -> None:
    """Two spellings of a URL are kept apart, and an invalidation means one of them."""
    memory.put("a+b", "old")
    edge = edge_of(memory, configured())
    edge.get("/a+b")
    edge.get("/a%2Bb")
    memory.put("a+b", "new")
    edge.forget(["/a+b"])

    assert (edge.get("/a+b").body, edge.get("/a%2Bb").body) == (b"new", b"old")


def test_plus_sign(memory: Memory) -> None:
    """A plus sign means the object of that name, else the one with a space in its place."""
    edge = edge_of(memory, configured())
    memory.put("a+b", "plus")
    memory.put("a b", "space")
    memory.put("c d", "space")

    answers = [edge.get(url).body for url in ("/a+b", "/a%2Bb", "/a%20b", "/c+d")]

    assert answers == [b"plus", b"plus", b"space", b"space"]
    assert edge.get("/c%2Bd").status == 404


def test_tilde(memory: Memory) -> None:
    """No path with a tilde forgets anything; a wildcard before it does."""
    memory.put("a~b", "old")
    edge = edge_of(memory, configured())
    edge.get("/a~b")
    memory.put("a~b", "new")

    edge.forget(["/a~b", "/a%7Eb", "/a~*"])
    kept = edge.get("/a~b").body
    edge.forget(["/a*"])

    assert (kept, edge.get("/a~b").body) == (b"old", b"new")


def test_query_strings(memory: Memory) -> None:
    """Parameters in the cache key make copies of their own; others do not."""
    edge = edge_of(memory, configured(policy=QUERIES))
    edge.get("/a.html?v=1")
    edge.get("/a.html?w=1")
    memory.put("a.html", "new")
    edge.forget(["/a.html"])

    assert (edge.get("/a.html?v=1").body, edge.get("/a.html?w=2").body) == (b"old", b"new")
    edge.forget(["/a.html?*"])
    assert edge.get("/a.html?v=1").body == b"new"


@pytest.mark.parametrize("paths", [["/"], ["/index.html"]])
def test_root(memory: Memory, paths: list[str]) -> None:
    """The root may be kept under either of its names, so that it takes both to forget it."""
    memory.put("index.html", "old")
    edge = edge_of(memory, configured(DefaultRootObject="index.html"))
    edge.get("/")
    memory.put("index.html", "new")

    edge.forget(paths)
    kept = edge.get("/").body
    edge.forget(["/", "/index.html"])

    assert (kept, edge.get("/").body) == (b"old", b"new")


def test_first_behaviour(memory: Memory) -> None:
    """The first behaviour whose pattern matches the normalised path decides."""
    behaviours = [
        {"PathPattern": "*.html", "TargetOriginId": "none", "CachePolicyId": OPTIMIZED},
        {"PathPattern": "docs/*", "TargetOriginId": "o", "CachePolicyId": OPTIMIZED},
    ]
    origins = [{"Id": "none", "DomainName": "other.example.com"}]
    edge = edge_of(memory, configured(CacheBehaviors={"Items": behaviours}, origins=origins))

    assert edge.get("/docs/index.html").status == 502
    assert edge.get("/docs//x").status == 404


def test_origin_path(memory: Memory) -> None:
    """The origin path stands before the path that is asked for."""
    edge = edge_of(memory, configured(path="/docs"))

    assert edge.get("/index.html").body == b"old"


def test_group(memory: Memory) -> None:
    """The second origin of a group answers where the first one fails."""
    origins = [{"Id": "p", "DomainName": REST.upper(), "OriginPath": "/docs"}]
    members = {"Items": [{"OriginId": "p"}, {"OriginId": "o"}]}
    group = {"Id": "g", "Members": members, "FailoverCriteria": {"StatusCodes": {"Items": [404]}}}
    distribution = configured(
        origins=origins, OriginGroups={"Items": [group]}, default={"TargetOriginId": "g"}
    )
    edge = edge_of(memory, distribution)

    assert (edge.get("/index.html").body, edge.get("/a.html").body) == (b"old", b"old")


def test_website(memory: Memory) -> None:
    """A website serves the index of a folder, sends to it, redirects, and has an error page."""
    memory.site = Website(error="404.html")
    memory.put("404.html", "gone")
    memory.put("moved", "", x_amz_website_redirect_location="/a.html")
    edge = edge_of(memory, configured(WEBSITE))

    assert edge.get("/docs/").body == b"old"
    assert edge.get("/docs").headers == {"location": "/docs/"}
    assert (edge.get("/moved").status, edge.get("/moved").headers) == (301, {"location": "/a.html"})
    assert (edge.get("/none").status, edge.get("/none").body) == (404, b"gone")


def test_error_page(memory: Memory) -> None:
    """An error page stays under the path that failed, for its error caching minimum TTL."""
    memory.put("404.html", "gone")
    errors = [{"ErrorCode": 404, "ResponsePagePath": "/404.html", "ResponseCode": "200",
               "ErrorCachingMinTTL": 60}]  # fmt: skip
    edge = edge_of(memory, configured(CustomErrorResponses={"Items": errors}))
    first = edge.get("/new.html")
    memory.put("new.html", "new")

    kept = edge.get("/new.html").body
    memory.now += 61

    assert (first.status, first.body, kept) == (200, b"gone", b"gone")
    assert edge.get("/new.html").body == b"new"


def test_error_page_of_a_behaviour(memory: Memory) -> None:
    """An error page under a behaviour of its own stays as long as that behaviour says."""
    memory.put("errors/404.html", "gone")
    errors = [{"ErrorCode": 404, "ResponsePagePath": "/errors/404.html", "ErrorCachingMinTTL": 5}]
    behaviours = [{"PathPattern": "/errors/*", "TargetOriginId": "o", "CachePolicyId": OPTIMIZED}]
    edge = edge_of(
        memory,
        configured(CustomErrorResponses={"Items": errors}, CacheBehaviors={"Items": behaviours}),
    )
    edge.get("/new.html")
    memory.put("new.html", "new")
    memory.now += 3_600

    assert edge.get("/new.html").body == b"gone"


def test_errors_without_a_page(memory: Memory) -> None:
    """A 404 stays for ten seconds, a 403 without Cache-Control not at all."""
    listable, unlistable = (
        edge_of(memory, configured(), listable=listable) for listable in (True, False)
    )
    assert (listable.get("/new").status, unlistable.get("/new").status) == (404, 403)
    memory.put("new", "new")

    assert (listable.get("/new").status, unlistable.get("/new").status) == (404, 200)
    memory.now += 11
    assert listable.get("/new").status == 200


def test_caching_disabled(memory: Memory) -> None:
    """Nothing stays where caching is disabled, errors included."""
    edge = edge_of(memory, configured(policy=CACHING_DISABLED))
    edge.get("/a.html")
    edge.get("/new")
    memory.put("a.html", "new")
    memory.put("new", "new")

    assert (edge.get("/a.html").body, edge.get("/new").body) == (b"new", b"new")


def test_function(memory: Memory, node: Node) -> None:
    """A function's own JavaScript rewrites the path, and it takes both paths to forget."""
    association = {"EventType": "viewer-request", "FunctionARN": "f"}
    distribution = configured(default={"FunctionAssociations": {"Items": [association]}})
    edge = edge_of(memory, distribution, node=node, code={"f": FOLDERS})
    edge.get("/docs/")
    memory.put("docs/index.html", "new")

    edge.forget(["/docs/index.html"])
    kept = edge.get("/docs/").body
    edge.forget(["/docs/", "/docs/index.html"])

    assert (kept, edge.get("/docs/").body) == (b"old", b"new")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("function handler(event) { throw new Error('x') }", 503),
        ("function handler(event) { return {statusCode: 301, headers: {}} }", 301),
        ("async function handler(event) { return event.request }", 200),
    ],
)
def test_function_answers(memory: Memory, node: Node, code: str, status: int) -> None:
    """A function may answer by itself, fail, or be asynchronous."""
    association = {"EventType": "viewer-request", "FunctionARN": "f"}
    distribution = configured(default={"FunctionAssociations": {"Items": [association]}})

    assert (
        edge_of(memory, distribution, node=node, code={"f": code}).get("/a.html").status == status
    )


def test_lambda_at_edge(memory: Memory) -> None:
    """An origin-request function changes what is fetched, and not what it is kept under."""
    association = {"EventType": "origin-request", "LambdaFunctionARN": "l"}
    distribution = configured(default={"LambdaFunctionAssociations": {"Items": [association]}})

    def strip(request: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**request, "uri": request["uri"].removeprefix("/app")}

    edge = edge_of(memory, distribution, lambdas={"l": strip})
    edge.get("/app/a.html")
    memory.put("a.html", "new")

    edge.forget(["/a.html"])
    kept = edge.get("/app/a.html").body
    edge.forget(["/app/*"])
    assert (kept, edge.get("/app/a.html").body) == (b"old", b"new")


@pytest.mark.parametrize(
    ("host", "status"),
    [(REST, 200), ("other.s3.amazonaws.com", 404), ("site-1a2b-s3alias.s3.amazonaws.com", 502)],
)
def test_chosen_origin(memory: Memory, host: str, status: int) -> None:
    """A function on origin-request may ask another origin, which need not be configured."""
    association = {"EventType": "origin-request", "LambdaFunctionARN": "l"}
    associated = {"LambdaFunctionAssociations": {"Items": [association]}}
    distribution = configured("placeholder.example.com", default=associated)
    chosen = {"s3": {"domainName": host, "path": "/docs"}}
    edge = edge_of(memory, distribution, lambdas={"l": lambda event: {**event, "origin": chosen}})

    assert edge.get("/index.html").status == status


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/a/./b", "/a/b"), ("/a/../b", "/b"), ("//a", "/a"), ("/a/..", "/"), ("/a/", "/a/")],
)
def test_normalised(path: str, expected: str) -> None:
    """Behaviours are matched with the path of RFC 3986, with single slashes."""
    assert normalised(path) == expected


FORMS = sorted((Path(__file__).parents[2] / "distributions").glob("*.json"))


@pytest.mark.parametrize(
    "file", [one for one in FORMS if one.stem != "cache-policy"], ids=lambda one: one.stem
)
def test_real_forms(file: Path) -> None:
    """Configurations as the API returns them are read."""
    config = json.loads(file.read_text())["DistributionConfig"]
    behaviours = [
        config["DefaultCacheBehavior"],
        *(config.get("CacheBehaviors") or {}).get("Items", []),
    ]
    policies = {
        one["CachePolicyId"]: POLICIES[OPTIMIZED] for one in behaviours if "CachePolicyId" in one
    }

    assert [one.pattern for one in read(config, policies).behaviours][-1] == "*"
