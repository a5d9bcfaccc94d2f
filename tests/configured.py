"""Configurations that people have, as CloudFront returns them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgesweep.paths import REST
from edgesweep.routes import Distribution
from edgesweep.routes.config import read

FOLDER = Path(__file__).parent / "distributions"
NAMES = sorted(file.stem for file in FOLDER.iterdir())


def policy(query_strings: str) -> dict[str, Any]:
    """Return a `CachePolicyConfig` with some behaviour of query strings."""
    return {
        "Name": "policy",
        "MinTTL": 1,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": True,
            "HeadersConfig": {"HeaderBehavior": "none"},
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": {"QueryStringBehavior": query_strings},
        },
    }


# The cache policies that the configurations refer to: only one lets query strings into the key.
POLICIES: Mapping[str, dict[str, Any]] = {
    "658327ea-f89d-4fab-a63d-7e88639e58f6": policy("none"),
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": policy("none"),
    "3f1c9a52-6a0e-4c3d-9d0a-5a7c1d2e4f60": policy("whitelist"),
}


def config_of(name: str) -> dict[str, Any]:
    """Return the `DistributionConfig` that is kept under a name."""
    answer: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())["DistributionConfig"]
    return answer


def configuration(name: str, buckets: Sequence[str] = ()) -> Distribution:
    """Return what matters of it."""
    return read(name, config_of(name), buckets, POLICIES)


def behaviour(target: str, *events: str, **differing: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a cache behaviour with functions on some events, as CloudFront returns it."""
    functions = [{"EventType": event, "IncludeBody": False} for event in events]
    listed = {"LambdaFunctionAssociations": {"Quantity": len(events), "Items": functions}}
    terms = {"MinTTL": 0, "DefaultTTL": 86_400, "MaxTTL": 31_536_000}
    forwarded = {"QueryString": False, "Cookies": {"Forward": "none"}}
    return {"TargetOriginId": target, "ForwardedValues": forwarded} | terms | listed | differing


def config(
    default: Mapping[str, Any],
    origins: Mapping[str, str],
    behaviours: Mapping[str, Mapping[str, Any]] | None = None,
    **differing: Any,  # noqa: ANN401  # members of the configuration
) -> dict[str, Any]:
    """Return a `DistributionConfig` of origins (id -> domain) and behaviours (pattern -> one)."""
    listed = [{"PathPattern": name} | dict(one) for name, one in (behaviours or {}).items()]
    domains = [
        {"Id": name, "DomainName": domain, "OriginPath": ""} for name, domain in origins.items()
    ]
    return {
        "Enabled": True,
        "DefaultRootObject": "",
        "Origins": {"Quantity": len(domains), "Items": domains},
        "OriginGroups": {"Quantity": 0},
        "DefaultCacheBehavior": dict(default),
        "CacheBehaviors": {"Quantity": len(listed), "Items": listed},
        "CustomErrorResponses": {"Quantity": 0},
        "ConnectionMode": "direct",
    } | differing


def shown(paths: Iterable[str]) -> list[str]:
    """Return viewer paths with a star for all that begin with the text before it."""
    return [path.replace(REST, "*") for path in paths]
