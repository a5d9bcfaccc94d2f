"""Readers of a distribution of an embedded AWS get what its edge keeps, until it forgets."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.aws import LocalError
from infra.local.edge.server import Served, serving
from infra.local.readers import Reader, Visits, ask, await_taken, visit
from tests.fakes.cloudfront import StrictCloudFront

IDENTITY = "E1EXAMPLE00000"
POLICY = {"MinTTL": 1, "DefaultTTL": 86_400, "MaxTTL": 31_536_000}
CONFIG: Mapping[str, Any] = {
    "Enabled": True,
    "DefaultRootObject": "index.html",
    "Origins": {"Items": [{"Id": "site", "DomainName": "site.s3.us-east-1.amazonaws.com"}]},
    "DefaultCacheBehavior": {"TargetOriginId": "site", "CachePolicyId": "policy"},
}
PATIENCE_SECONDS = 600


class NoSuchKeyError(Exception):
    """There is no such object."""


class S3:
    """A boto3 client of a bucket in memory."""

    exceptions = SimpleNamespace(NoSuchKey=NoSuchKeyError)

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects

    def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]:  # noqa: ARG002, N803  # boto3's names
        """Return an object."""
        if Key not in self.objects:
            raise NoSuchKeyError
        return {"Body": BytesIO(self.objects[Key]), "ContentType": "text/html"}


class CloudFront(StrictCloudFront):
    """A strict CloudFront that also returns the configuration of its distribution.

    Attributes:
        taken: how many invalidations the edge said that it has taken, each time; None at its end.
    """

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401  # as it is called
        super().__init__(*arguments)
        self.taken: list[int | None] = []

    def get_distribution_config(self, *, Id: str) -> Mapping[str, Any]:  # noqa: ARG002, N803  # boto3's names
        """Return the configuration."""
        return {"DistributionConfig": CONFIG}

    def get_cache_policy(self, *, Id: str) -> Mapping[str, Any]:  # noqa: ARG002, N803  # as above
        """Return the cache policy."""
        return {"CachePolicy": {"CachePolicyConfig": POLICY}}

    def get_distribution(self, *, Id: str) -> Mapping[str, Any]:  # noqa: N803  # as above
        """Return the distribution."""
        return {"Distribution": {"ARN": f"arn:aws:cloudfront::1:distribution/{Id}"}}

    def tag_resource(self, *, Resource: str, Tags: Mapping[str, Any]) -> None:  # noqa: N803  # as above
        """Note how many invalidations the edge has taken."""
        assert Resource.endswith(IDENTITY)
        self.taken.append(int(Tags["Items"][0]["Value"]))

    def untag_resource(self, *, Resource: str, TagKeys: Mapping[str, Any]) -> None:  # noqa: N803  # as above
        """Forget that."""
        assert (Resource.endswith(IDENTITY), TagKeys["Items"]) == (True, ["taken"])
        self.taken.append(None)

    def forget(self, *paths: str) -> str:
        """Create an invalidation; return its id."""
        made = self.create_invalidation(
            DistributionId=IDENTITY,
            InvalidationBatch={
                "Paths": {"Quantity": len(paths), "Items": paths},
                "CallerReference": str(len(self.made)),
            },
        )
        return str(made["Invalidation"]["Id"])


@pytest.fixture
def cloudfront() -> CloudFront:
    """Return a CloudFront with one distribution."""
    return CloudFront(lambda: datetime.now(UTC), {IDENTITY})


@contextmanager
def served(s3: S3, cloudfront: CloudFront) -> Iterator[Served]:
    """Serve the distribution."""
    clients = {"s3": s3, "cloudfront": cloudfront}
    with serving(clients, IDENTITY, delay=0, listable=False) as edge:
        yield edge


def test_kept_until_invalidated(cloudfront: CloudFront) -> None:
    """A reader gets old bytes until the edge has taken an invalidation, and then the new ones."""
    s3 = S3(page=b"old")
    with served(s3, cloudfront) as edge:
        reader = Reader(edge.url, "/page")
        with reader.reading():
            s3.objects["page"] = b"new"
            assert ask(edge.url, "/page").body == b"old"
            await_taken(edge.taken, [cloudfront.forget("/page")], PATIENCE_SECONDS)

    assert cloudfront.taken == [0, 1, None]
    assert [one.body for one in reader.seen] == [b"old", b"new"]


def test_visits(cloudfront: CloudFront) -> None:
    """Visits count what the cache answered, and every page is asked for."""
    s3 = S3(a=b"a", b=b"b")
    with served(s3, cloudfront) as edge:
        ask(edge.url, "/a")
        visits = visit(edge.url, {"/a": b"a", "/b": b"b", "/gone": None}, 1, seed=1)

        assert ask(edge.url, "/b").cached
        assert not ask(edge.url, "/gone").cached

    assert visits == Visits(requests=1, hits=1, after_everything=0)


def test_old_bytes(cloudfront: CloudFront) -> None:
    """A reader who gets old bytes after a sweep ends the visits."""
    with (
        served(S3(a=b"old"), cloudfront) as edge,
        pytest.raises(LocalError, match=r"old bytes of /a after the sweep: 200 old"),
    ):
        visit(edge.url, {"/a": b"new"}, 1, seed=1)


def test_never_taken() -> None:
    """An edge that takes no invalidation is not waited for without an end."""
    with pytest.raises(LocalError, match="has not taken I1"):
        await_taken([], ["I1"], 0)
