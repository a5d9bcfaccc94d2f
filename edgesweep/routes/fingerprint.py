"""A short text for what decides which objects an edge may hold: another text, another `/*`.

Only named fields count, and of those only what is set: a field that CloudFront adds one day, or a
default that it begins to tell, is no new configuration. Not named: what is done with viewers alone
(names, certificates, logs, firewalls, prices), and custom headers, since secrets in them rotate.
A published CloudFront function has the same name as before, so that its new code does not show.
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
# Of what has these the order decides: the first that fits, or answers, is taken.
_ORDERED = {"PathPattern", "OriginId"}


def fingerprint(config: Mapping[str, Any], policies: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the fingerprint of a `DistributionConfig` and of the cache policies that it names."""
    return digest([_deciding(config), {name: _deciding(one) for name, one in policies.items()}])


def digest(value: object) -> str:
    """Return a short text that differs where what JSON says of the values differs."""
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
