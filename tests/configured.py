"""Configurations that people have, as CloudFront returns them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
