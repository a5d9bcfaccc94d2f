"""A short text for the configuration that decides which objects an edge may hold.

A distribution with a new text gets a `/*`. Only the fields below count, and only if they are set:
a field that CloudFront adds, or a default that it begins to report, is no new configuration. Fields
that concern viewers alone do not count (names, certificates, logs, firewalls, prices), nor do
custom headers, since secrets in them rotate. New code of a CloudFront Function keeps its name, so
it does not show here; `edgesweep.routes.kept` compares its versions.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_FIELDS = frozenset(
    """
    DefaultRootObject Origins OriginGroups DefaultCacheBehavior CacheBehaviors CustomErrorResponses
    Items Id DomainName OriginPath S3OriginConfig OriginAccessIdentity OriginAccessControlId
    Members OriginId FailoverCriteria StatusCodes
    PathPattern TargetOriginId CachePolicyId OriginRequestPolicyId MinTTL DefaultTTL MaxTTL Compress
    ForwardedValues QueryString QueryStringCacheKeys Cookies Forward WhitelistedNames Headers
    FunctionAssociations FunctionARN LambdaFunctionAssociations LambdaFunctionARN EventType
    ErrorCode ResponseCode ResponsePagePath ErrorCachingMinTTL
    ParametersInCacheKeyAndForwardedToOrigin EnableAcceptEncodingGzip EnableAcceptEncodingBrotli
    HeadersConfig HeaderBehavior CookiesConfig CookieBehavior
    QueryStringsConfig QueryStringBehavior QueryStrings
    """.split()  # noqa: SIM905  # a table
)
# Lists whose order matters, since CloudFront takes the first match.
_ORDERED = {"PathPattern", "OriginId"}


def fingerprint(config: Mapping[str, Any], policies: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the fingerprint of a `DistributionConfig` and of the cache policies that it names."""
    return digest([_deciding(config), {name: _deciding(one) for name, one in policies.items()}])


def digest(value: object) -> str:
    """Return a short text that differs where the JSON of the values differs."""
    return hashlib.sha256(_text(value).encode()).hexdigest()[:16]


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _deciding(value: Any) -> Any:  # noqa: ANN401  # as boto3 returns it
    if isinstance(value, Mapping):
        members = {name: _deciding(value[name]) for name in value.keys() & _FIELDS}
        return {name: member for name, member in members.items() if member}
    if isinstance(value, list):
        items = list(map(_deciding, value))
        ordered = any(isinstance(item, dict) and item.keys() & _ORDERED for item in items)
        return items if ordered else sorted(items, key=_text)
    return value
