"""What decides which objects an edge may hold has a fingerprint, and nothing else has."""

from typing import Any

import pytest

from edgesweep.routes.config import fingerprint
from tests.configured import NAMES, POLICIES, config_of, configuration, policy

# Whoever changes one of these lets every running stack sweep every distribution, unless what is
# kept gets the next version as well: see `edgesweep/aws/dynamodb/flushes.py`.
PINNED = {
    "cache-policy": "eb87c58d195d3df9",
    "disabled": "28d0ab96356a0540",
    "forwarded-values": "ad39ee62f5a3ac1f",
    "oac": "28d0ab96356a0540",
    "oai": "9e1a07fbcc876246",
    "origin-group": "ff6c38be8efc6ee5",
    "origin-path": "b833fe5bcdd043ee",
    "origin-request": "ce563abf60214aac",
    "question-marks": "054f0746862fc833",
    "single-page": "7f47458e1ec87748",
    "staging": "b3b3c86ff7c52a36",
    "three-behaviours": "0e342aee546943b5",
    "viewer-request": "ba5e1cc94c35ca66",
    "website": "2489e6217163220c",
}


def changed(name: str, path: str, value: object) -> dict[str, Any]:
    """Return a configuration with another value at a path such as `Origins.Items.0.DomainName`."""
    config = config_of(name)
    *parents, last = path.split(".")
    inner: Any = config
    for parent in parents:
        inner = inner[int(parent)] if isinstance(inner, list) else inner.setdefault(parent, {})
    inner[last] = value
    return config


@pytest.mark.parametrize("name", NAMES)
def test_pinned(name: str) -> None:
    """A release that looks at the same configuration finds what the last one has found."""
    assert configuration(name).fingerprint == PINNED[name]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Origins.Items.0.DomainName", "other.s3.us-west-2.amazonaws.com"),
        ("Origins.Items.0.OriginPath", "/green"),
        ("DefaultCacheBehavior.TargetOriginId", "media"),
        ("DefaultCacheBehavior.CachePolicyId", "3f1c9a52-6a0e-4c3d-9d0a-5a7c1d2e4f60"),
        ("DefaultCacheBehavior.OriginRequestPolicyId", "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"),
        ("DefaultCacheBehavior.Compress", False),
        (
            "DefaultCacheBehavior.FunctionAssociations.Items",
            [{"FunctionARN": "arn:aws:cloudfront::1:function/f", "EventType": "viewer-request"}],
        ),
        (
            "DefaultCacheBehavior.LambdaFunctionAssociations.Items",
            [{"LambdaFunctionARN": "arn:aws:lambda:us-east-1:1:function:f:2", "EventType": "x"}],
        ),
        ("DefaultCacheBehavior.DefaultTTL", 60),
        ("CacheBehaviors.Items.0.PathPattern", "/api/v2/*"),
        ("CacheBehaviors.Items", []),
        ("CustomErrorResponses.Items", [{"ErrorCode": 404, "ErrorCachingMinTTL": 3_600}]),
        ("DefaultRootObject", "start.html"),
    ],
)
def test_other(path: str, value: object) -> None:
    """Everything that decides what an edge may hold makes another fingerprint."""
    assert _of(changed("three-behaviours", path, value)) != _of(config_of("three-behaviours"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Comment", "Moved"),
        ("PriceClass", "PriceClass_All"),
        ("Aliases.Items", ["www.example.com"]),
        ("WebACLId", "arn:aws:wafv2:us-east-1:1:global/webacl/w/1"),
        ("DefaultCacheBehavior.ViewerProtocolPolicy", "https-only"),
        ("DefaultCacheBehavior.SomethingNew", {"Enabled": True}),
        ("DefaultCacheBehavior.ForwardedValues", {"QueryString": False}),
        ("Origins.Items.0.CustomHeaders.Items", [{"HeaderName": "x", "HeaderValue": "secret"}]),
        ("Origins.Items.0.ResponseCompletionTimeout", 60),
        ("Origins.Items", config_of("three-behaviours")["Origins"]["Items"][::-1]),
    ],
)
def test_same(path: str, value: object) -> None:
    """What concerns viewers alone makes none, nor does what CloudFront begins to tell."""
    assert _of(changed("three-behaviours", path, value)) == _of(config_of("three-behaviours"))


def test_order() -> None:
    """The order of cache behaviours and of the members of an origin group decides."""
    behaviours = config_of("three-behaviours")["CacheBehaviors"]["Items"][::-1]
    turned = changed("three-behaviours", "CacheBehaviors.Items", behaviours)
    assert _of(turned) != _of(config_of("three-behaviours"))

    members = config_of("origin-group")["OriginGroups"]["Items"][0]["Members"]["Items"][::-1]
    turned = changed("origin-group", "OriginGroups.Items.0.Members.Items", members)
    assert _of(turned) != _of(config_of("origin-group"))


@pytest.mark.parametrize(("query_strings", "same"), [("none", True), ("all", False)])
def test_policy(query_strings: str, same: bool) -> None:  # noqa: FBT001  # a parameter
    """A cache policy counts by what it says."""
    config = config_of("oac")
    other = {**POLICIES, config["DefaultCacheBehavior"]["CachePolicyId"]: policy(query_strings)}

    assert (fingerprint(config, other) == _of(config)) is same


def _of(config: dict[str, Any]) -> str:
    return fingerprint(config, POLICIES)
