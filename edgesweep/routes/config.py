"""Reads a configuration, as CloudFront's API returns it, into routes.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from edgesweep.paths import Origin
from edgesweep.routes.distribution import Behaviour, Distribution, Function, somewhere
from edgesweep.routes.patterns import matches, matches_slash
from edgesweep.routes.variants import ERROR_SECONDS, YEAR

Config = Mapping[str, Any]  # a member of a configuration, as boto3 returns it

# https://docs.aws.amazon.com/general/latest/gr/s3.html, beside the older forms with a dash before
# the region. A bucket's name may hold dots, so what follows it is matched from the end. In path
# style, the bucket is the first part of the path.
_S3_DOMAIN = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?P<website>-website)?(-accelerate|-fips|-external-1)?"
    r"([.-]dualstack)?([.-][a-z]{2}(-[a-z]+)+-\d+)?\.amazonaws\.com(\.cn)?"
)
# Access points for one bucket, for several regions and for functions, and their aliases. They serve
# the keys of a bucket that their names do not tell.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
_ACCESS_POINT = re.compile(
    r".+(\.s3-accesspoint|\.s3-object-lambda|\.accesspoint\.s3-global)\b.*\.amazonaws\.com(\.cn)?"
    r"|[^.]+(-s3alias|--ol-s3)\.s3\..*amazonaws\.com(\.cn)?"
)

_CHANGE_PATHS = ("viewer-request", "origin-request", "origin-response")
_CHANGE_ORIGINS = ("viewer-request", "origin-request")

# Objects and errors of a behaviour with this policy of AWS's stay in no cache.
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
# Seconds without a setting of the user's; objects stay for the greatest of them at most.
_TTLS = {"MinTTL": 0, "DefaultTTL": 86_400, "MaxTTL": YEAR}
_MISSING = (403, 404)  # S3 answers with one of these for an object that is missing

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


def origin_of(origin: Config) -> Origin | None:
    """Return the bucket behind an origin, None if its domain is not S3's for a bucket.

    >>> origin_of({"DomainName": "docs.example.com.s3-website.eu-central-1.amazonaws.com"})
    Origin(bucket='docs.example.com', prefix='', website=True)
    """
    domain = origin["DomainName"].lower()
    found = _S3_DOMAIN.fullmatch(domain)
    if not found or _ACCESS_POINT.fullmatch(domain):
        return None
    prefix, website = _prefix(origin), found["website"] is not None
    if found["bucket"]:
        return Origin(found["bucket"], prefix, website)
    bucket, _, prefix = prefix.partition("/")
    return Origin(bucket, prefix) if bucket and not website else None


def buckets_of(config: Config) -> Collection[str]:
    """Return the buckets that a distribution's configuration, or its summary, leads to."""
    return {one.bucket for one in map(origin_of, _items(config, "Origins")) if one}


def is_for_tenants(config: Config) -> bool:
    """Tell whether its distribution is for tenants only, which is invalidated by tenant."""
    return bool(config.get("ConnectionMode") == "tenant-only")


def cache_policies_of(config: Config) -> Collection[str]:
    """Return the ids of the cache policies that a configuration refers to."""
    return {behaviour.get("CachePolicyId", "") for behaviour in _behaviours(config)} - {""}


def read(
    identity: str,
    config: Config,
    buckets: Collection[str] = (),
    policies: Mapping[str, Config] | None = None,
    *,
    named: bool = False,
) -> Distribution:
    """Return the relevant part of a `DistributionConfig`, with the swept buckets; all if empty.

    Each cache policy that it refers to is among the `policies`: id -> `CachePolicyConfig`. If the
    user has `named` the distribution, origins that we do not understand may lead to the buckets.
    """
    policies = {name: (policies or {})[name] for name in cache_policies_of(config)}
    origins = _Origins(config, buckets, named=named)
    behaviours = tuple(_behaviour(one, origins, policies) for one in _behaviours(config))
    errors = list(_errors(config, policies))
    lasting = [stays for code, _, stays in errors if code in _MISSING]
    return Distribution(
        id=identity,
        behaviours=behaviours,
        root=(config.get("DefaultRootObject") or "").strip(),
        error_pages=tuple((page, stays) for _, page, stays in errors if page),
        error_seconds=max(lasting, default=ERROR_SECONDS),
        enabled=config["Enabled"] and not is_for_tenants(config),
        for_tenants=is_for_tenants(config),
        fingerprint=fingerprint(config, policies),
    )


def fingerprint(config: Config, policies: Mapping[str, Config]) -> str:
    """Return the fingerprint of a `DistributionConfig` and of the cache policies that it names.

    A distribution with a new one gets a `/*`. Only `_FIELDS` count, and only if they are set: a
    field that CloudFront adds, or a default that it begins to report, is no new configuration.
    Fields that concern viewers alone do not count (names, certificates, logs, firewalls, prices),
    nor do custom headers, since secrets in them rotate. New code of a CloudFront Function keeps its
    name, so it does not show here; `edgesweep.routes.kept` compares its versions.
    """
    return digest([_deciding(config), {name: _deciding(one) for name, one in policies.items()}])


def digest(value: object) -> str:
    """Return a short text that differs where the JSON of the values differs."""
    return hashlib.sha256(_text(value).encode()).hexdigest()[:16]


class _Origins:
    """The origins of a configuration that lead, or may lead, to the swept buckets."""

    def __init__(self, config: Config, buckets: Collection[str], *, named: bool) -> None:
        every = _items(config, "Origins")
        self._found = {one["Id"]: tuple(_leading(one, buckets, named=named)) for one in every}
        # Whether the user says that they lead to the buckets, and we do not understand how.
        self.unknown = named and not any(self._found.values())
        if self.unknown:
            unclear = (one["Id"] for one in every if origin_of(one) is None)
            self._found = dict.fromkeys(unclear, somewhere(buckets))
        used = {behaviour["TargetOriginId"] for behaviour in _behaviours(config)}
        own = dict(self._found)
        for group in _items(config, "OriginGroups"):
            # The second member answers when the first one fails, so either may be cached.
            members = [member["OriginId"] for member in _items(group, "Members")]
            self._found[group["Id"]] = tuple(one for name in members for one in self.of(name))
            used.update(members if group["Id"] in used else ())
        # The origins that no behaviour names, so only a function can choose them.
        self.unused = tuple(one for name, found in own.items() if name not in used for one in found)

    def of(self, identity: str) -> tuple[Origin, ...]:
        return self._found.get(identity, ())


def _leading(origin: Config, buckets: Collection[str], *, named: bool) -> Iterator[Origin]:
    found = origin_of(origin)
    if found and (not buckets or found.bucket in buckets):
        yield found
    elif named and _ACCESS_POINT.fullmatch(origin["DomainName"].lower()):
        yield from somewhere(buckets, _prefix(origin))


def _behaviour(behaviour: Config, origins: _Origins, policies: Mapping[str, Config]) -> Behaviour:
    kinds = ("FunctionAssociations", "LambdaFunctionAssociations")
    functions = [one for kind in kinds for one in _items(behaviour, kind)]
    events = {one["EventType"] for one in functions}
    chosen = origins.unused if events.intersection(_CHANGE_ORIGINS) else ()
    keeps_errors = behaviour.get("CachePolicyId") != CACHING_DISABLED
    pattern = behaviour.get("PathPattern", "*")
    found = origins.of(behaviour["TargetOriginId"]) + chosen
    return Behaviour(
        pattern=pattern,
        origins=found,
        query_strings=_keyed_by_query(behaviour, policies),
        rewritten=bool(events.intersection(_CHANGE_PATHS)),
        rekeyed="viewer-request" in events,
        caches=keeps_errors and _longest(behaviour, policies) > 0,
        keeps_errors=keeps_errors,
        unknown=origins.unknown and bool(found),
        functions=tuple(
            Function(one.get("FunctionARN", "").rpartition("/")[2], Behaviour(pattern).folder)
            for one in functions
            if found and one["EventType"] in _CHANGE_PATHS
        ),
    )


def _longest(behaviour: Config, policies: Mapping[str, Config]) -> int:
    """Return the most seconds that an object can stay in the cache."""
    terms = policies.get(behaviour.get("CachePolicyId", ""), behaviour)
    return max(int(terms.get(name, default)) for name, default in _TTLS.items())


def _keyed_by_query(behaviour: Config, policies: Mapping[str, Config]) -> bool:
    if not (policy := behaviour.get("CachePolicyId")):
        return bool(behaviour.get("ForwardedValues", {}).get("QueryString"))
    parameters = policies[policy].get("ParametersInCacheKeyAndForwardedToOrigin", {})
    strings = parameters.get("QueryStringsConfig", {})
    return bool(strings.get("QueryStringBehavior", "none") != "none")


def _errors(config: Config, policies: Mapping[str, Config]) -> Iterator[tuple[int, str, int]]:
    """Yield error codes, the viewer path of each error page, and the most seconds that it stays."""
    # "If you also configured a cache behavior for the same custom error page, CloudFront uses the
    # cache behavior TTL instead."
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
    for response in _items(config, "CustomErrorResponses"):
        page = unquote(response.get("ResponsePagePath") or "")
        stays = [int(response.get("ErrorCachingMinTTL", ERROR_SECONDS))]
        for behaviour in _items(config, "CacheBehaviors") if page else ():
            sure = matches(pattern := behaviour["PathPattern"], page)
            if sure or matches_slash(pattern, page):
                stays.append(_longest(behaviour, policies))
            if sure:
                break
        yield int(response["ErrorCode"]), page, max(stays)


def _behaviours(config: Config) -> Sequence[Config]:
    return (*_items(config, "CacheBehaviors"), config["DefaultCacheBehavior"])


def _prefix(origin: Config) -> str:
    """Return what the origin path puts before keys; CloudFront sends it as it is written."""
    path = unquote(origin.get("OriginPath", "")).strip("/")
    return path and path + "/"


def _items(config: Config, name: str) -> Sequence[Config]:
    items: Sequence[Config] = config.get(name, {}).get("Items", [])
    return items


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
