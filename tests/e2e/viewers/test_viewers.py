"""Twelve distributions in front of three buckets: no reader of any gets old bytes once swept."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from edgesweep.aws.s3 import Bucket
from edgesweep.operate.buckets import deliver
from infra.local.aws import EmbeddedAws, embedded_aws
from infra.local.edge.server import serving
from infra.local.readers import ask
from tests.e2e.conftest import PATIENCE_SECONDS
from tests.e2e.viewers.configurations import CODE, MEDIA, PAGES, QUERIES, SITES, WEB, Config, Site

SPEED = 60

OLD, NEW = b"old bytes of ", b"new bytes of "


@dataclass(frozen=True)
class Read:
    """What the readers of a distribution got, by URL: first, after the change, and in the end."""

    first: Mapping[str, bytes]
    unswept: Mapping[str, bytes]
    swept: Mapping[str, bytes]


@pytest.fixture(scope="module", name="read")
def _read() -> Iterator[Mapping[str, Read]]:
    with embedded_aws(speed=SPEED, name="e2e-viewers") as aws, ExitStack() as served:
        _fill(aws)
        ids = {name: _distribution(aws, name, site.config) for name, site in SITES.items()}
        words = ",".join(f"{ids[name]}={site.words}" for name, site in SITES.items() if site.words)
        aws.deploy("prod", bucket=f"{WEB},{PAGES},{MEDIA}", budgetUsd="100", viewerPaths=words)
        clients = {name: aws.client(name) for name in ("s3", "cloudfront")}
        urls = {
            name: served.enter_context(
                serving(clients, identity, code=CODE if name.startswith("function") else None)
            ).url
            for name, identity in ids.items()
        }
        first = {name: _asked(urls[name], SITES[name]) for name in SITES}
        _put(aws, NEW)
        unswept = {name: _asked(urls[name], SITES[name]) for name in SITES}
        swept = _awaited(urls)
        yield {name: Read(first[name], unswept[name], swept[name]) for name in SITES}


@pytest.mark.parametrize("name", SITES)
def test_fresh(read: Mapping[str, Read], name: str) -> None:
    """The edge answers with old bytes until the sweep, and with new ones after it."""
    site, got = SITES[name], read[name]
    old = {url: OLD + _name(*place) for url, place in site.read.items()}
    new = {url: NEW + _name(*place) for url, place in site.read.items()}

    assert got.first == old
    assert got.unswept == old | {url: new[url] for url in site.uncached}
    assert got.swept == new


def _fill(aws: EmbeddedAws) -> None:
    s3 = aws.client("s3")
    for bucket in (WEB, PAGES, MEDIA):
        s3.create_bucket(Bucket=bucket)
        deliver(Bucket(s3, bucket), on=True)
    website = {"IndexDocument": {"Suffix": "index.html"}}
    s3.put_bucket_website(Bucket=PAGES, WebsiteConfiguration=website)
    _put(aws, OLD)


def _put(aws: EmbeddedAws, text: bytes) -> None:
    for bucket, key in {place for site in SITES.values() for place in site.read.values()}:
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=text + _name(bucket, key))


def _name(bucket: str, key: str) -> bytes:
    return f"{bucket}/{key}".encode()


def _distribution(aws: EmbeddedAws, name: str, config: Config) -> str:
    cloudfront = aws.client("cloudfront")
    default = config["DefaultCacheBehavior"]
    if default.get("CachePolicyId") == QUERIES:
        default = {**default, "CachePolicyId": _policy(aws)}
    common = {"CallerReference": name, "Comment": name, "Enabled": True}
    made = cloudfront.create_distribution(
        DistributionConfig={**config, **common, "DefaultCacheBehavior": default}
    )
    identity: str = made["Distribution"]["Id"]
    return identity


def _policy(aws: EmbeddedAws) -> str:
    """Make a cache policy that puts query strings into the cache key; return its id."""
    made = aws.client("cloudfront").create_cache_policy(
        CachePolicyConfig={
            "Name": QUERIES,
            "MinTTL": 1,
            "ParametersInCacheKeyAndForwardedToOrigin": {
                "EnableAcceptEncodingGzip": True,
                "HeadersConfig": {"HeaderBehavior": "none"},
                "CookiesConfig": {"CookieBehavior": "none"},
                "QueryStringsConfig": {"QueryStringBehavior": "all"},
            },
        }
    )
    identity: str = made["CachePolicy"]["Id"]
    return identity


def _asked(endpoint: str, site: Site) -> Mapping[str, bytes]:
    return {url: ask(endpoint, url).body for url in site.read}


def _awaited(urls: Mapping[str, str]) -> Mapping[str, Mapping[str, bytes]]:
    """Return what readers get once nobody gets old bytes, or patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        got = {name: _asked(urls[name], site) for name, site in SITES.items()}
        stale = any(body.startswith(OLD) for one in got.values() for body in one.values())
        if not stale or time.monotonic() > deadline:
            return got
        time.sleep(1)
