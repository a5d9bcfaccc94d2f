"""Which buckets the origins of a configuration lead to, as CloudFront returns them."""

from collections.abc import Sequence

import pytest

from edgesweep.paths import ANY_BUCKET
from edgesweep.routes import Origin, Routes
from edgesweep.routes.config import origin_of, read
from edgesweep.routes.distribution import unread
from edgesweep.routes.variants import parse
from tests.configured import behaviour, config, shown

SITE = Origin("site")
POINT = "web-111122223333.s3-accesspoint.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("domain", "path", "expected"),
    [
        ("site.s3.amazonaws.com", "", SITE),
        ("site.s3.eu-west-1.amazonaws.com", "", SITE),
        ("site.s3-eu-west-1.amazonaws.com", "", SITE),
        ("site.s3-external-1.amazonaws.com", "", SITE),
        ("site.s3.dualstack.us-gov-west-1.amazonaws.com", "", SITE),
        ("site.s3-accelerate.amazonaws.com", "", SITE),
        ("site.s3-accelerate.dualstack.amazonaws.com", "", SITE),
        ("site.s3-fips.us-east-1.amazonaws.com", "", SITE),
        ("site.s3-fips.dualstack.us-gov-east-1.amazonaws.com", "", SITE),
        ("Site.S3.AmazonAWS.com", "", SITE),
        ("site.s3-website-us-east-1.amazonaws.com", "", Origin("site", website=True)),
        ("site.s3-website-us-gov-west-1.amazonaws.com", "", Origin("site", website=True)),
        ("site.s3-website.eu-central-1.amazonaws.com", "/a", Origin("site", "a/", website=True)),
        ("www.site.com.s3.us-east-1.amazonaws.com", "", Origin("www.site.com")),
        ("a.s3.b.s3.amazonaws.com", "", Origin("a.s3.b")),
        ("site.s3.cn-north-1.amazonaws.com.cn", "", SITE),
        ("site.s3-website.cn-northwest-1.amazonaws.com.cn", "", Origin("site", website=True)),
        ("site.s3.amazonaws.com", "/my%20site/v1/", Origin("site", "my site/v1/")),
        ("s3.amazonaws.com", "/site", SITE),
        ("s3.eu-west-1.amazonaws.com", "/site/v1", Origin("site", "v1/")),
        ("s3.dualstack.eu-west-1.amazonaws.com", "/site", SITE),
        ("s3-us-west-2.amazonaws.com", "/site", SITE),
        ("s3.amazonaws.com", "", None),
        ("s3-website.eu-central-1.amazonaws.com", "/site", None),
        (POINT, "", None),
        ("web-1a2b3c4d-s3alias.s3.eu-west-1.amazonaws.com", "", None),
        ("mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com", "", None),
        ("site.s3.amazonaws.com.example.com", "", None),
        ("site.execute-api.us-east-1.amazonaws.com", "", None),
        ("www.example.com", "/site", None),
    ],
)
def test_domain(domain: str, path: str, expected: Origin | None) -> None:
    """A bucket is known by every domain that S3 gives it, and nothing else counts as one."""
    assert origin_of({"DomainName": domain, "OriginPath": path}) == expected


PLACEHOLDER = config(behaviour("web", "origin-request"), {"web": "placeholder.example.com"})
API_BESIDE = config(
    behaviour("site"),
    {"site": "site.s3.amazonaws.com", "api": "api.example.com"},
    {"/api/*": behaviour("api")},
)
SELECTED = config(
    behaviour("web", "viewer-request"),
    {"web": "www.example.com", "site": "site.s3.amazonaws.com"},
    {"/plain/*": behaviour("web")},
)
PARTLY = config(behaviour("point"), {"point": "proxy.example.com"}, {"/a*/b": behaviour("point")})


@pytest.mark.parametrize(
    ("distribution", "named", "expected"),
    [
        (config(behaviour("point"), {"point": POINT}), True, ["/a/index.html"]),
        (config(behaviour("point"), {"point": POINT}), False, []),
        (PLACEHOLDER, True, ["/*"]),
        (PLACEHOLDER, False, []),
        (PARTLY, True, ["/a*", "/*"]),
        (API_BESIDE, True, ["/a/index.html"]),
        (SELECTED, False, ["/a/index.html", "/a/"]),
        (config(behaviour("other"), {"other": "other.s3.amazonaws.com"}), True, []),
    ],
)
def test_unknown(distribution: dict[str, object], named: bool, expected: Sequence[str]) -> None:  # noqa: FBT001  # a parameter
    """Where the user names a distribution, the origins we do not understand may lead anywhere."""
    routes = Routes([read("E1", distribution, ["site"], named=named)])

    assert shown(routes.viewer_paths("E1", "site", "a/index.html")) == expected
    assert bool(routes.serving("site")) is bool(expected)


def test_unknown_in_words() -> None:
    """The user's words say how a distribution serves the bucket that we do not understand."""
    routes = Routes([read("E1", PLACEHOLDER, ["site"], named=True)], parse("E1=only+bare+folders"))

    assert routes.viewer_paths("E1", "site", "a/index.html") == ["/a/index.html", "/a/", "/a"]


def test_unread() -> None:
    """A distribution whose configuration may not be read is swept as a whole."""
    routes = Routes([unread("E1", ["site"])])

    assert shown(routes.viewer_paths("E1", "site", "a")) == ["/*"]
    assert routes.origins("E1") == [SITE]
    assert Routes([unread("E1", [])]).origins("E1") == [Origin(ANY_BUCKET)]


def test_for_tenants() -> None:
    """A distribution for tenants only takes no invalidations, so nothing is sent to it."""
    origins = {"site": "site.s3.amazonaws.com"}
    found = read("E1", config(behaviour("site"), origins, ConnectionMode="tenant-only"), ["site"])

    assert found.for_tenants
    assert not Routes([found]).serving("site")
