"""Errors that an edge keeps for longer than the user accepts."""

from typing import Any

import pytest

from edgesweep.routes import Routes
from edgesweep.routes.config import read
from edgesweep.routes.distribution import unread
from edgesweep.routes.variants import parse
from tests.configured import behaviour, config, configuration, shown

SITE = {"site": "site.s3.amazonaws.com"}
WEBSITE = {"site": "site.s3-website-us-east-1.amazonaws.com"}
DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
MISSING = "/errors/my 404.html"
KEY = "errors/my 404.html"


def error(code: int, page: str, seconds: int | None) -> dict[str, Any]:
    """Return a configuration with one custom error response."""
    response = {"ErrorCode": code, "ResponsePagePath": page, "ResponseCode": "200" if page else ""}
    if seconds is not None:
        response["ErrorCachingMinTTL"] = seconds
    return {"CustomErrorResponses": {"Quantity": 1, "Items": [response]}}


PAGE = "/errors/my%20404.html"
OWN = {"/errors/*": behaviour("site")}
OWN_SHORT = {"/errors/*": behaviour("site", DefaultTTL=10, MaxTTL=10)}
OWN_UNCACHED = {"/errors/*": behaviour("site", DefaultTTL=0, MaxTTL=0)}
STAR = {"*/errors/*": behaviour("site")}
OTHER = {"/img/*": behaviour("site"), "/errors/*": behaviour("site", DefaultTTL=9, MaxTTL=9)}


@pytest.mark.parametrize(
    ("behaviours", "seconds", "accepted", "everything"),
    [
        ({}, 300, 10, True),
        ({}, 300, 299, True),
        ({}, 300, 300, False),
        ({}, 11, 10, True),
        ({}, 10, 10, False),
        ({}, 0, 10, False),
        ({}, None, 10, False),
        (OWN, 10, 10, True),
        (OWN, 10, 86_400, True),
        (OWN, 10, 31_536_000, False),
        (OWN_SHORT, 10, 10, False),
        (OWN_UNCACHED, 300, 10, True),
        (OTHER, 0, 10, False),
        (STAR, 10, 10, True),
    ],
)
def test_error_page(
    behaviours: dict[str, Any],
    seconds: int | None,
    accepted: int,
    everything: bool,  # noqa: FBT001  # a parameter
) -> None:
    """A new error page concerns everything if an old one may stay for longer than accepted."""
    found = read("E1", config(behaviour("site"), SITE, behaviours, **error(404, PAGE, seconds)))
    routes = Routes([found], parse("", spellings=False, error_seconds=accepted))

    paths = shown(routes.viewer_paths("E1", "site", KEY))

    assert ("/*" in paths) is everything
    assert (MISSING in paths) is (behaviours is not OWN_UNCACHED or everything)


@pytest.mark.parametrize(
    ("origins", "differing", "words", "lasting"),
    [
        (SITE, {}, "", False),
        (SITE, error(404, "", 300), "", True),
        (SITE, error(403, "/index.html", 86_400), "", True),
        (SITE, error(500, "", 300), "", False),
        (SITE, error(404, "", 10), "", False),
        (WEBSITE, {}, "", True),
        (WEBSITE, {}, "only", False),
        (WEBSITE, {}, "only+errors", True),
        (WEBSITE, {"DefaultCacheBehavior": behaviour("site", CachePolicyId=DISABLED)}, "", False),
    ],
)
def test_missing(
    origins: dict[str, str],
    differing: dict[str, Any],
    words: str,
    lasting: bool,  # noqa: FBT001  # a parameter
) -> None:
    """The edge may say for long that a new object is missing if a setting or a website allows."""
    configured = config(behaviour("site"), origins, **differing)
    routes = Routes([read("E1", configured, ["site"], {DISABLED: {}})], parse(words))

    assert routes.may_hold_error("site", "new.js") == (["E1"] if lasting else [])
    assert routes.may_hold_error("other", "new.js") == []


def test_missing_behind_function() -> None:
    """Behind a function that may make any path, an error may be cached for any new object."""
    behaviours = {"/app/*": behaviour("site", "origin-request")}
    origins = SITE | {"www": "www.example.com"}
    found = read(
        "E1", config(behaviour("www"), origins, behaviours, **error(404, "", 60)), ["site"]
    )

    assert Routes([found]).may_hold_error("site", "new.js") == ["E1"]


def test_missing_unread() -> None:
    """Of a distribution that may not be read, no error is known to stay."""
    assert Routes([unread("E1", ["site"])]).may_hold_error("site", "new.js") == []


@pytest.mark.parametrize(
    ("terms", "differing", "expected"),
    [
        ({"CachePolicyId": DISABLED}, {}, []),
        ({"CachePolicyId": DISABLED}, error(404, "", 300), []),
        ({"DefaultTTL": 0, "MaxTTL": 0}, {}, []),
        ({"DefaultTTL": 0, "MaxTTL": 0}, error(404, "", 300), ["/a.html"]),
        ({"MinTTL": 1, "DefaultTTL": 1, "MaxTTL": 1}, {}, ["/a.html"]),
    ],
)
def test_uncached(terms: dict[str, Any], differing: dict[str, Any], expected: list[str]) -> None:
    """Where nothing stays in a cache nothing is invalidated, unless an error may stay."""
    configured = config(behaviour("site", **terms), SITE, **differing)
    routes = Routes([read("E1", configured, ["site"], {DISABLED: {"MaxTTL": 0}})])

    assert shown(routes.viewer_paths("E1", "site", "a.html")) == expected


def test_single_page() -> None:
    """A new object takes the place of the fallback of a single-page application."""
    routes = Routes([configuration("single-page")])

    assert routes.may_hold_error("console-app", "assets/new.js") == ["single-page"]
