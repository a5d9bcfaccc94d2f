"""Each change reaches just the distributions that serve it, though nobody named one."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from edgesweep.aws.s3 import Bucket
from edgesweep.operate.buckets import deliver
from infra.local.aws import EmbeddedAws, embedded_aws
from infra.local.watch import Invalidation, Watch
from tests.e2e.conftest import await_true

SPEED = 60

SHARED, MEDIA, LATE = "shared-bucket", "media-bucket", "late-bucket"

UNCHANGED = {
    SHARED: [*(f"docs/old/{n}.html" for n in range(20)), *(f"blog/x{n}.html" for n in range(20))],
    MEDIA: [*(f"assets/x{n}.png" for n in range(20)), "assetsold.png"],
    LATE: [],
}
CHANGED = {
    SHARED: [
        *(f"docs/p{n}/index.html" for n in range(150)),
        *(f"blog/{n}.html" for n in range(149)),
        "index.html",
    ],
    MEDIA: [*(f"assets/{n}.png" for n in range(100)), *(f"hidden/{n}.png" for n in range(50))],
    LATE: [f"{n}.html" for n in range(50)],
}


def _paths(keys: Iterable[str], prefix: str = "") -> set[str]:
    return {"/" + key.removeprefix(prefix) for key in keys if key.startswith(prefix)}


# By distribution: the viewer paths that it serves from what changed, and others that it serves.
SERVED = {
    "whole": _paths(CHANGED[SHARED]) | {"/"},
    "docs": _paths(CHANGED[SHARED], "docs/"),
    "assets": _paths(key for key in CHANGED[MEDIA] if key.startswith("assets/")),
}
BESIDE = {
    "whole": _paths(UNCHANGED[SHARED]) | {"/p0/index.html"},
    "docs": _paths(UNCHANGED[SHARED], "docs/") | {"/", "/blog/0.html", "/index.html"},
    "assets": _paths(UNCHANGED[MEDIA]) | {"/", "/api/users", "/assets", "/hidden/0.png"},
}


@dataclass(frozen=True, slots=True)
class Site:
    """A stack that was given only its buckets, and distributions that it was not given.

    Attributes:
        aws: where it is deployed.
        outputs: the stack's outputs.
        distributions: ids by what they serve.
    """

    aws: EmbeddedAws
    outputs: Mapping[str, str]
    distributions: Mapping[str, str]

    def sent_to(self, name: str) -> Sequence[Invalidation]:
        """Return the invalidations of a distribution."""
        return self.watch(self.distributions[name]).invalidations()

    def matched(self, name: str, paths: Collection[str]) -> set[str]:
        """Return the viewer paths that an invalidation of a distribution matches."""
        sent = self.sent_to(name)
        return {path for path in paths if any(one.matches(path) for one in sent)}

    def needless(self, name: str, paths: Collection[str]) -> Sequence[str]:
        """Return the paths sent to a distribution that match none of the viewer paths."""
        return [
            path
            for sent in self.sent_to(name)
            for path in sent.paths
            if not any(replace(sent, paths=[path]).matches(viewer_path) for viewer_path in paths)
        ]

    def watch(self, distribution: str) -> Watch:
        """Look at one distribution."""
        return Watch(self.aws, {**self.outputs, "Distribution": distribution})

    def rows(self) -> Mapping[str, int]:
        """Return how many dirty rows each partition holds."""
        scan = self.aws.client("dynamodb").get_paginator("scan")
        held: dict[str, int] = {}
        for page in scan.paginate(TableName=self.outputs["DirtyTable"], ConsistentRead=True):
            for item in page["Items"]:
                held[item["pk"]["S"]] = held.get(item["pk"]["S"], 0) + 1
        return held

    def forget(self) -> None:
        """Let the next tick be a cold start, which looks at the distributions at once."""
        self.aws.client("lambda").update_function_configuration(
            FunctionName=self.outputs["FlushFunction"], MemorySize=1536
        )


@pytest.fixture(scope="module", name="site")
def _site() -> Iterator[Site]:
    with embedded_aws(speed=SPEED, name="e2e-routes") as aws:
        for bucket, keys in UNCHANGED.items():
            aws.client("s3").create_bucket(Bucket=bucket)
            _put(aws, bucket, keys)
            deliver(Bucket(aws.client("s3"), bucket), on=True)
        distributions = {
            "whole": _distribution(aws, _origin(SHARED)),
            "docs": _distribution(aws, _origin(SHARED, "/docs")),
            "assets": _distribution(aws, _server(), {"assets/*": _origin(MEDIA)}),
            "bystander": _distribution(aws, _server()),
        }
        buckets = f"{SHARED},{MEDIA},{LATE}"
        yield Site(aws, aws.deploy("prod", bucket=buckets, budgetUsd="100"), distributions)


@pytest.fixture(scope="module", name="swept")
def _swept(site: Site) -> Site:
    for bucket, keys in CHANGED.items():
        _put(site.aws, bucket, keys)
    await_true(
        lambda: (
            site.rows() == {"unrouted#0": len(CHANGED[LATE])}
            and all(site.matched(name, SERVED[name]) == SERVED[name] for name in SERVED)
        )
    )
    return site


@pytest.mark.parametrize("name", SERVED)
def test_exactly(swept: Site, name: str) -> None:
    """What is invalidated is what the distribution serves and what changed, and nothing else."""
    assert swept.matched(name, SERVED[name] | BESIDE[name]) == SERVED[name]
    assert swept.needless(name, SERVED[name]) == []


def test_bystander(swept: Site) -> None:
    """A distribution that serves none of the buckets is left alone."""
    assert swept.sent_to("bystander") == []


def test_created_afterwards(swept: Site) -> None:
    """A distribution that is created afterwards gets what waited for one, and nobody else does."""
    before = {name: len(swept.sent_to(name)) for name in swept.distributions}
    late = _distribution(swept.aws, _origin(LATE))

    swept.forget()
    await_true(lambda: not swept.rows())

    sent = swept.watch(late).invalidations()
    assert [
        path for path in _paths(CHANGED[LATE], "") if not any(one.matches(path) for one in sent)
    ] == []
    assert {name: len(swept.sent_to(name)) for name in swept.distributions} == before


def _put(aws: EmbeddedAws, bucket: str, keys: Collection[str]) -> None:
    s3 = aws.client("s3")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b"x"), keys))


def _origin(bucket: str, path: str = "") -> dict[str, Any]:
    domain = f"{bucket}.s3.us-east-1.amazonaws.com"
    access = {"S3OriginConfig": {"OriginAccessIdentity": ""}}
    return {"Id": f"{bucket}{path}", "DomainName": domain, "OriginPath": path} | access


def _server() -> dict[str, Any]:
    access = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    return {"Id": "www", "DomainName": "www.example.com", "CustomOriginConfig": access}


def _distribution(
    aws: EmbeddedAws, default: dict[str, Any], others: Mapping[str, dict[str, Any]] | None = None
) -> str:
    others = others or {}
    origins = [default, *others.values()]
    listed = [_behaviour(origin) | {"PathPattern": pattern} for pattern, origin in others.items()]
    reference = f"{time.monotonic_ns()}"
    made = aws.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": reference,
            "Comment": "",
            "Enabled": True,
            "DefaultRootObject": "index.html",
            "Origins": {"Quantity": len(origins), "Items": origins},
            "DefaultCacheBehavior": _behaviour(default),
            "CacheBehaviors": {"Quantity": len(listed), "Items": listed},
        }
    )
    identity: str = made["Distribution"]["Id"]
    return identity


def _behaviour(origin: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "TargetOriginId": origin["Id"],
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    }
