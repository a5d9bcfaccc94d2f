"""Reads a configuration, as CloudFront's API returns it, into routes.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from edgesweep.routes import Behaviour, Distribution, Origin
from edgesweep.routes.fingerprint import fingerprint

# A member of a configuration, as boto3 returns it.
Config = Mapping[str, Any]

# Seconds after which a cached error response counts as lasting.
LASTING = 300

# https://docs.aws.amazon.com/general/latest/gr/s3.html, beside the older forms with a dash before
# the region. A bucket's name may hold dots, so what follows it is matched from the end.
_S3_DOMAIN = re.compile(
    r"(?P<bucket>.+)\.s3(?P<website>-website)?(-accelerate|-fips)?([.-]dualstack)?"
    r"([.-][a-z]{2}(-[a-z]+)+-\d+)?\.amazonaws\.com(\.cn)?",
    re.IGNORECASE,
)

# "viewer-request" functions change the requested path, "origin-request" functions the fetched one.
_REWRITING = ("viewer-request", "origin-request")


def bucket_of(domain: str) -> tuple[str, bool] | None:
    """Return the bucket behind an origin domain and whether it is the website endpoint.

    >>> bucket_of("docs.example.com.s3-website.eu-central-1.amazonaws.com")
    ('docs.example.com', True)
    """
    found = _S3_DOMAIN.fullmatch(domain)
    return found and (found["bucket"], found["website"] is not None)


def buckets_of(config: Config) -> Collection[str]:
    """Return the buckets that a distribution's configuration, or its summary, leads to."""
    found = (bucket_of(origin["DomainName"]) for origin in _items(config, "Origins"))
    return {bucket for bucket, _ in filter(None, found)}


def cache_policies_of(config: Config) -> Collection[str]:
    """Return the ids of the cache policies that a configuration refers to."""
    behaviours = (config["DefaultCacheBehavior"], *_items(config, "CacheBehaviors"))
    return {behaviour.get("CachePolicyId", "") for behaviour in behaviours} - {""}


def has_query_strings(policy: Config) -> bool:
    """Tell whether a cache policy's configuration makes query strings part of the cache key."""
    parameters = policy.get("ParametersInCacheKeyAndForwardedToOrigin", {})
    strings = parameters.get("QueryStringsConfig", {})
    return bool(strings.get("QueryStringBehavior", "none") != "none")


def read(
    identity: str,
    config: Config,
    buckets: Collection[str] = (),
    policies: Mapping[str, Config] | None = None,
) -> Distribution:
    """Return the relevant part of a distribution's configuration.

    Args:
        identity: the distribution's id.
        config: its `DistributionConfig`.
        buckets: the swept buckets; all if empty.
        policies: id of each cache policy that it refers to -> its `CachePolicyConfig`.
    """
    policies = {name: (policies or {})[name] for name in cache_policies_of(config)}
    origins = dict(_origins(config, buckets))
    behaviours = [
        Behaviour(
            pattern=behaviour.get("PathPattern", "*"),
            origins=tuple(origins.get(behaviour["TargetOriginId"], ())),
            query_strings=_keyed_by_query(behaviour, policies),
            rewritten=_rewritten(behaviour),
        )
        for behaviour in (*_items(config, "CacheBehaviors"), config["DefaultCacheBehavior"])
    ]
    return Distribution(
        id=identity,
        behaviours=tuple(behaviours),
        root=config.get("DefaultRootObject", ""),
        error_pages=tuple(_lasting_error_pages(config)),
        enabled=config["Enabled"],
        fingerprint=fingerprint(config, policies),
    )


def _origins(config: Config, buckets: Collection[str]) -> Iterator[tuple[str, Sequence[Origin]]]:
    """Yield the id of each origin and origin group with the swept buckets that it leads to."""
    single: dict[str, Sequence[Origin]] = {}
    for origin in _items(config, "Origins"):
        found = bucket_of(origin["DomainName"])
        if found and (not buckets or found[0] in buckets):
            path = origin.get("OriginPath", "").strip("/")
            single[origin["Id"]] = [Origin(found[0], path and path + "/", website=found[1])]
    yield from single.items()
    for group in _items(config, "OriginGroups"):
        # The second member answers when the first one fails, so either may be cached.
        members = [member["OriginId"] for member in _items(group, "Members")]
        yield group["Id"], [origin for member in members for origin in single.get(member, ())]


def _keyed_by_query(behaviour: Config, policies: Mapping[str, Config]) -> bool:
    if policy := behaviour.get("CachePolicyId"):
        return has_query_strings(policies[policy])
    return bool(behaviour.get("ForwardedValues", {}).get("QueryString"))


def _rewritten(behaviour: Config) -> bool:
    kinds = ("FunctionAssociations", "LambdaFunctionAssociations")
    functions = (function for kind in kinds for function in _items(behaviour, kind))
    return any(function["EventType"] in _REWRITING for function in functions)


def _lasting_error_pages(config: Config) -> Iterator[str]:
    for response in _items(config, "CustomErrorResponses"):
        page = response.get("ResponsePagePath")
        # CloudFront keeps an error for 10 seconds by default.
        if page and response.get("ErrorCachingMinTTL", 0) > LASTING:
            yield page


def _items(config: Config, name: str) -> Sequence[Config]:
    items: Sequence[Config] = config.get(name, {}).get("Items", [])
    return items
