"""Twelve distributions that people have, and what a reader of each asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Config = Mapping[str, Any]

WEB, PAGES, MEDIA = "viewers-web", "viewers-pages", "viewers-media"
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
# Stands for a cache policy that is made together with the distribution.
QUERIES = "queries"
ARN = "arn:aws:cloudfront::000000000000:function/"
CODE: Mapping[str, str] = {
    f"{ARN}index": """function handler(event) {
        var request = event.request;
        if (request.uri.endsWith('/')) request.uri += 'index.html';
        return request;
    }""",
    f"{ARN}strip": """function handler(event) {
        var request = event.request;
        request.uri = request.uri.replace(/^\\/app/, '');
        return request;
    }""",
}


@dataclass(frozen=True)
class Site:
    """A distribution.

    Attributes:
        config: members of its `DistributionConfig`.
        read: URL -> bucket and key of the object that a reader gets there.
        words: its words of `viewerPaths`.
        uncached: URLs that no edge caches.
    """

    config: Config
    read: Mapping[str, tuple[str, str]]
    words: str = ""
    uncached: Sequence[str] = field(default=())


def listed(*items: Any) -> Config:  # noqa: ANN401  # JSON
    """Return a list in the form of CloudFront's API."""
    return {"Quantity": len(items), "Items": list(items)} if items else {"Quantity": 0}


def rest(bucket: str, path: str = "", **more: Any) -> Config:  # noqa: ANN401  # JSON
    """Return an origin: a bucket's REST endpoint."""
    domain = f"{bucket}.s3.us-east-1.amazonaws.com"
    access = {"S3OriginConfig": {"OriginAccessIdentity": ""}}
    return {"Id": f"{bucket}{path}", "DomainName": domain, "OriginPath": path, **access, **more}


def server(domain: str) -> Config:
    """Return an origin that is a web server to CloudFront."""
    access = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    return {"Id": domain, "DomainName": domain, "OriginPath": "", "CustomOriginConfig": access}


def behaviour(target: Config, **more: Any) -> Config:  # noqa: ANN401  # JSON
    """Return a cache behaviour for an origin or a group."""
    terms = {} if "ForwardedValues" in more else {"CachePolicyId": OPTIMIZED}
    protocol = {"ViewerProtocolPolicy": "redirect-to-https"}
    return {"TargetOriginId": target["Id"], **protocol, **terms, **more}


def function(name: str) -> Config:
    """Return the member of a behaviour that associates a function with viewer requests."""
    one = {"FunctionARN": f"{ARN}{name}", "EventType": "viewer-request"}
    return {"FunctionAssociations": listed(one)}


def config(
    origins: Sequence[Config],
    default: Config,
    *others: Config,
    root: str = "",
    **more: Any,  # noqa: ANN401  # JSON
) -> Config:
    """Return the members of a configuration."""
    return {
        "DefaultRootObject": root,
        "Origins": listed(*origins),
        "DefaultCacheBehavior": default,
        "CacheBehaviors": listed(*others),
        **more,
    }


def plain(path: str, *, root: str = "", errors: Sequence[Config] = (), **more: Any) -> Config:  # noqa: ANN401  # JSON
    """Return a configuration with one behaviour, in front of a folder of the first bucket."""
    origin = rest(WEB, path)
    return config(
        [origin], behaviour(origin, **more), root=root, CustomErrorResponses=listed(*errors)
    )


def fallback(code: int) -> Config:
    """Return the custom error response of a single-page application."""
    shows = {"ResponsePagePath": "/index.html", "ResponseCode": "200"}
    return {"ErrorCode": code, "ErrorCachingMinTTL": 300, **shows}


OAC = rest(WEB, "/v1", OriginAccessControlId="E1EXAMPLEOAC00")
WEBSITE = server(f"{PAGES}.s3-website-us-east-1.amazonaws.com")
WWW = server("www.example.com")
APP = rest(WEB, "/strip")
PRIMARY, SECONDARY = rest(WEB, "/primary"), rest(MEDIA)
GROUP = {
    "Id": "group",
    "FailoverCriteria": {"StatusCodes": listed(403, 404)},
    "Members": listed(*({"OriginId": one["Id"]} for one in (PRIMARY, SECONDARY))),
}
TWO = rest(WEB, "/two")
UNCACHED = rest(WEB, "/uncached")
LEGACY: Config = {
    "ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "none"}},
    "MinTTL": 0,
    "DefaultTTL": 86_400,
    "MaxTTL": 31_536_000,
}

SITES: Mapping[str, Site] = {
    "plain": Site(plain(""), {"/a.html": (WEB, "a.html")}),
    "access control and origin path": Site(
        config([OAC], behaviour(OAC), root="index.html"), {"/": (WEB, "v1/index.html")}
    ),
    "website": Site(config([WEBSITE], behaviour(WEBSITE)), {"/docs/": (PAGES, "docs/index.html")}),
    "single page": Site(
        plain("/page", root="index.html", errors=[fallback(403), fallback(404)]),
        {"/": (WEB, "page/index.html"), "/users/7": (WEB, "page/index.html")},
    ),
    "function that adds index.html": Site(
        plain("/index", **function("index")), {"/docs/": (WEB, "index/docs/index.html")}
    ),
    "function that strips a prefix": Site(
        config(
            [WWW, APP],
            behaviour(WWW),
            behaviour(APP, PathPattern="/app/*", **function("strip")),
        ),
        {"/app/main.js": (WEB, "strip/main.js")},
        words="strip=/app",
    ),
    "query strings": Site(
        plain("/queries", CachePolicyId=QUERIES),
        {"/a.css": (WEB, "queries/a.css"), "/a.css?v=1": (WEB, "queries/a.css")},
    ),
    "origin group": Site(
        config([PRIMARY, SECONDARY], behaviour(GROUP), OriginGroups=listed(GROUP)),
        {"/logo.png": (MEDIA, "logo.png")},
    ),
    "two buckets": Site(
        config([TWO, SECONDARY], behaviour(TWO), behaviour(SECONDARY, PathPattern="/media/*")),
        {"/c.html": (WEB, "two/c.html"), "/media/b.png": (MEDIA, "media/b.png")},
    ),
    "pages that are not cached": Site(
        config(
            [UNCACHED],
            behaviour(UNCACHED),
            behaviour(UNCACHED, PathPattern="*.html", CachePolicyId=DISABLED),
        ),
        {"/d.html": (WEB, "uncached/d.html"), "/d.css": (WEB, "uncached/d.css")},
        uncached=["/d.html"],
    ),
    "legacy cache settings": Site(plain("/legacy", **LEGACY), {"/e.js?v=1": (WEB, "legacy/e.js")}),
    "root in a folder": Site(
        plain("/root", root="start/index.html"), {"/": (WEB, "root/start/index.html")}
    ),
}
