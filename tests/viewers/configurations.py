"""Random distributions, in the form that CloudFront's API returns."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from infra.local.edge.config import CACHING_DISABLED
from infra.local.edge.s3 import Buckets, Website
from infra.local.edge.serve import Lambda
from tests.viewers.choices import Choices

Config = Mapping[str, Any]


def _policy(least: int = 1, most: int = 31_536_000, **strings: Any) -> Config:
    names = strings.get("names", [])
    parameters: dict[str, Any] = {
        "EnableAcceptEncodingGzip": True,
        "HeadersConfig": {"HeaderBehavior": "none"},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {
            "QueryStringBehavior": strings.get("query", "none"),
            **({"QueryStrings": {"Quantity": len(names), "Items": names}} if names else {}),
        },
    }
    if headers := strings.get("headers"):
        listed = {"Quantity": len(headers), "Items": headers}
        parameters["HeadersConfig"] = {"HeaderBehavior": "whitelist", "Headers": listed}
    return {
        "Name": "policy",
        "MinTTL": least,
        "DefaultTTL": min(86_400, most),
        "MaxTTL": most,
        "ParametersInCacheKeyAndForwardedToOrigin": parameters,
    }


POLICIES: Mapping[str, Config] = {
    "optimized": _policy(),
    "all-queries": _policy(query="all"),
    "some-queries": _policy(query="whitelist", names=["v"]),
    "other-queries": _policy(query="allExcept", names=["w"]),
    "languages": _policy(headers=["Accept-Language"]),
    "longer": _policy(least=600),
    "short": _policy(least=0, most=30),
    CACHING_DISABLED: _policy(least=0, most=0),
}
_LEGACY_TTL = {"MinTTL": 0, "DefaultTTL": 86_400, "MaxTTL": 31_536_000}
_CACHING: Sequence[Config] = (
    *({"CachePolicyId": name} for name in ("optimized", "optimized", "all-queries", *POLICIES)),
    {"ForwardedValues": {"QueryString": False}, **_LEGACY_TTL},
    {"ForwardedValues": {"QueryString": True}, **_LEGACY_TTL},
    {
        "ForwardedValues": {
            "QueryString": True,
            "QueryStringCacheKeys": {"Quantity": 1, "Items": ["v"]},
        },
        **_LEGACY_TTL,
    },
)


def _code(*statements: str) -> str:
    body = " ".join(["var request = event.request;", *statements, "return request;"])
    return f"function handler(event) {{ {body} }}"


_NO_FILE = "if (!request.uri.split('/').pop().includes('.'))"
_FOLDER = "if (request.uri.endsWith('/')) request.uri += 'index.html';"
_LANGUAGE = "(request.headers['accept-language'] || {value: ''}).value"
# CloudFront Functions by ARN.
CODE: Mapping[str, str] = {
    "index": _code(_FOLDER),
    "bare": _code(_FOLDER, _NO_FILE, "request.uri += '/index.html';"),
    "moved": _code(
        "if (request.uri === '/moved')",
        "return {statusCode: 301, headers: {location: {value: '/index.html'}}};",
    ),
    "html": _code(_NO_FILE, "request.uri += '.html';"),
    "single-page": _code(_NO_FILE, "request.uri = '/index.html';"),
    "strip": _code("request.uri = request.uri.replace(/^\\/app/, '') || '/';"),
    "fold": _code("request.uri = request.uri.toLowerCase();"),
    "language": _code(f"if ({_LANGUAGE} === 'de') request.uri = '/docs' + request.uri;"),
}


# The words that the documentation names for a function, by its ARN.
WORDS: Mapping[str, str] = {
    "bare": "bare",
    "html": "html",
    "single-page": "errors=index.html",
    "strip": "strip=/app+bare",
    "fold": "everything",
    "language": "everything",
    "lambda-bare": "bare",
    "lambda-strip": "strip=/app",
    "lambda-fallback": "errors=index.html",
}
# Functions whose answers to probes say as much, while the user's words say nothing else.
PROBED = frozenset(("index", "bare", "moved", "html", "single-page", "fold", "language"))


def words(config: Config, website: Website) -> str:
    """Return the words that a distribution needs, from a user who reads the documentation."""
    behaviours = (config["DefaultCacheBehavior"], *config["CacheBehaviors"].get("Items", ()))
    found = {arn: word for arn, word in WORDS.items() if f"'{arn}'" in str(behaviours)}
    said = [] if found.keys() <= PROBED else [*found.values()]
    asked = {one["TargetOriginId"] for one in behaviours}
    asked |= {"drawn"} & {name.replace("group", "drawn") for name in asked}
    hosts = (one["DomainName"] for one in config["Origins"]["Items"] if one["Id"] in asked)
    if any("s3-website" in host for host in hosts):
        said += ["bare", *([f"errors={website.error}"] if website.error else [])]
    return "+".join(said)


def _index(event: Config) -> Config:
    uri = event["uri"]
    return {**event, "uri": uri + "index.html" if uri.endswith("/") else uri}


def _bare(event: Config) -> Config:
    uri = _index(event)["uri"]
    return {**event, "uri": uri if "." in uri.rpartition("/")[2] else uri + "/index.html"}


def _strip(event: Config) -> Config:
    return {**event, "uri": event["uri"].removeprefix("/app") or "/"}


def _select(event: Config) -> Config:
    return {**event, "origin": {"s3": {"domainName": "site.s3.amazonaws.com", "path": ""}}}


def _fallback(buckets: Buckets, request: Config, response: Config) -> Config:
    page = buckets.read(request["bucket"], "index.html")
    failed = response["status"] in ("403", "404")
    return {"status": "200", "body": page.body} if failed and page else response


def lambdas(buckets: Buckets) -> Mapping[str, Lambda]:
    """Return the Lambda@Edge functions by ARN, for some buckets that they may read."""
    return {
        "lambda-index": _index,
        "lambda-bare": _bare,
        "lambda-strip": _strip,
        "lambda-select": _select,
        "lambda-fallback": partial(_fallback, buckets),
    }


def function(name: str) -> Config:
    """Return the member of a behaviour that associates a CloudFront Function."""
    one = {"FunctionARN": name, "EventType": "viewer-request"}
    return {"FunctionAssociations": {"Quantity": 1, "Items": [one]}}


def edge_lambda(name: str, event: str) -> Config:
    """Return the member of a behaviour that associates a Lambda@Edge function."""
    one = {"LambdaFunctionARN": name, "EventType": event, "IncludeBody": False}
    return {"LambdaFunctionAssociations": {"Quantity": 1, "Items": [one]}}


_FUNCTIONS: Sequence[Config] = (
    {},
    {},
    {},
    {},
    function("index"),
    function("bare"),
    function("moved"),
    edge_lambda("lambda-index", "viewer-request"),
    edge_lambda("lambda-index", "origin-request"),
    edge_lambda("lambda-bare", "origin-request"),
    function("html"),
    function("single-page"),
    function("strip"),
    function("fold"),
    function("language"),
    edge_lambda("lambda-strip", "origin-request"),
    edge_lambda("lambda-fallback", "origin-response"),
)

_PATTERNS = ("/docs/*", "*.html", "docs/?.html", "/docs", "*", "/errors/*", "/app/*", "*/a.html")
# Host and origin path of the origin that is drawn.
_HOSTS: Sequence[tuple[str, str]] = (
    ("site.s3.us-east-1.amazonaws.com", ""),
    ("site.s3.us-east-1.amazonaws.com", "/v1"),
    ("site.s3.dualstack.us-east-1.amazonaws.com", ""),
    ("site.s3.amazonaws.com", "/v1"),
    ("site.s3-website-us-east-1.amazonaws.com", ""),
    ("site.s3-website.eu-central-1.amazonaws.com", "/v1"),
    ("SITE.S3.us-east-1.amazonaws.com", ""),
    ("s3.us-east-1.amazonaws.com", "/site"),
    ("site.s3-external-1.amazonaws.com", ""),
    ("site.s3.us-east-1.amazonaws.com", "/%761"),
)
_TARGETS = ("drawn", "drawn", "drawn", "old", "api", "group", "website")
_OLD = "old.s3.us-east-1.amazonaws.com"
_WEBSITE = "site.s3-website-us-east-1.amazonaws.com"

_ROOTS = ("", "", "index.html", "docs/index.html")


def _error(code: int, page: str, shown: str, seconds: int) -> Config:
    shows = {"ResponsePagePath": page, "ResponseCode": shown} if page else {}
    return {"ErrorCode": code, "ErrorCachingMinTTL": seconds, **shows}


_DAY = 86_400
_ERRORS: Sequence[Sequence[Config]] = (
    [],
    [],
    [_error(404, "/oops", "404", 10)],
    [_error(404, "/oops", "404", _DAY), _error(403, "/oops", "404", _DAY)],
    [_error(403, "/index.html", "200", _DAY), _error(404, "/index.html", "200", _DAY)],
    [_error(404, "/errors/oops", "404", _DAY)],
    [_error(404, "", "", _DAY)],
    [_error(404, "", "", 0)],
    [_error(404, "/errors/oops", "404", 10)],
    [_error(404, "/oops", "404", 300)],
)


def configuration(choices: Choices) -> Config:
    """Return a distribution with up to two behaviours beside the default one."""
    host, path = choices.one(_HOSTS)
    root = choices.one(_ROOTS)
    default, *others = [_behaviour(choices) for _ in range(choices.number(1, 3))]
    return {
        "CallerReference": "story",
        "Enabled": True,
        "DefaultRootObject": root,
        "Origins": _listed(
            [
                {"Id": "drawn", "DomainName": host, "OriginPath": path},
                {"Id": "old", "DomainName": _OLD, "OriginPath": ""},
                {"Id": "website", "DomainName": _WEBSITE, "OriginPath": ""},
                {"Id": "api", "DomainName": "api.example.com", "OriginPath": ""},
            ]
        ),
        "OriginGroups": _listed([_group("group", ["drawn", "old"])]),
        "DefaultCacheBehavior": default,
        "CacheBehaviors": _listed(
            [{"PathPattern": choices.one(_PATTERNS), **one} for one in others]
        ),
        "CustomErrorResponses": _listed(choices.one(_ERRORS)),
    }


def _behaviour(choices: Choices) -> Config:
    return {
        "TargetOriginId": choices.one(_TARGETS),
        **choices.one(_CACHING),
        **choices.one(_FUNCTIONS),
    }


def _group(name: str, members: Iterable[str]) -> Config:
    return {
        "Id": name,
        "Members": _listed([{"OriginId": member} for member in members]),
        "FailoverCriteria": {"StatusCodes": _listed([403, 404])},
    }


def _listed(items: Sequence[Any]) -> Config:
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}
