"""What a HEAD request says of an object."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto import mock_aws

from edgesweep.aws.s3 import HEAD_CONFIG, S3Heads
from edgesweep.record.unchanged import Name
from tests.aws import dated_heads, http_response, listening

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PAGE = ("site", "a b.html")


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    """Return a client of an S3 in memory that holds one bucket."""
    with mock_aws(), dated_heads():
        client = boto3.client("s3", config=HEAD_CONFIG)
        client.create_bucket(Bucket="site")
        yield client


def test_same(s3: "S3Client") -> None:
    """An upload of the same bytes under the same headers looks the same; its etag has no quotes."""
    looks = []
    for _ in range(2):
        s3.put_object(Bucket="site", Key=PAGE[1], Body=b"hello\n", CacheControl="max-age=60")
        looks.append(S3Heads(s3).look([PAGE])[PAGE])

    assert looks[0].etag == looks[1].etag == "b1946ac92492d2347c6235b4d2611184"
    assert looks[0].headers == looks[1].headers


@pytest.mark.parametrize(
    "headers",
    [
        {"CacheControl": "no-store"},
        {"ContentType": "text/plain"},
        {"ContentEncoding": "gzip"},
        {"ContentDisposition": "attachment"},
        {"ContentLanguage": "de"},
        {"Metadata": {"author": "me"}},
        {"WebsiteRedirectLocation": "/elsewhere"},
    ],
)
def test_headers(s3: "S3Client", headers: dict[str, str]) -> None:
    """Each header that viewers see makes a difference."""
    s3.put_object(Bucket="site", Key=PAGE[1], Body=b"hello\n")
    before = S3Heads(s3).look([PAGE])[PAGE]
    s3.put_object(Bucket="site", Key=PAGE[1], Body=b"hello\n", **headers)  # type: ignore[arg-type]  # a parameter

    after = S3Heads(s3).look([PAGE])[PAGE]

    assert after.etag == before.etag
    assert after.headers != before.headers


@pytest.mark.parametrize(("status", "named"), [("Enabled", True), ("Suspended", False)])
def test_version(s3: "S3Client", status: str, named: bool) -> None:  # noqa: FBT001  # a parameter
    """It says which version is there, if that one has a name that no other version will have."""
    versioned: Any = {"Bucket": "site", "VersioningConfiguration": {"Status": status}}
    s3.put_bucket_versioning(**versioned)
    put = s3.put_object(Bucket="site", Key=PAGE[1], Body=b"")

    seen = S3Heads(s3).look([PAGE])[PAGE]

    assert seen.version == (put["VersionId"] if named else None)


def test_missing(s3: "S3Client") -> None:
    """What is not there, or not to be read, is left out."""
    s3.put_object(Bucket="site", Key=PAGE[1], Body=b"")

    assert S3Heads(s3).look([PAGE, ("site", "gone"), ("nowhere", "a")]).keys() == {PAGE}


def test_times(s3: "S3Client") -> None:
    """It says when the object was written and when S3 answered, in whole seconds."""
    before = datetime.now(UTC).replace(microsecond=0)
    s3.put_object(Bucket="site", Key=PAGE[1], Body=b"")

    seen = S3Heads(s3).look([PAGE])[PAGE]

    assert before <= seen.modified_at <= seen.seen_at <= datetime.now(UTC)


def test_patience() -> None:
    """What was not begun in time is left out, and nobody waits for it."""
    all_asked_for = threading.Event()
    begun = []

    class Names(list[Name]):
        def __iter__(self) -> Iterator[Name]:
            yield from super().__iter__()
            all_asked_for.set()

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        begun.append(request)
        all_asked_for.wait(30)
        return http_response(request, 404, b"")

    names = Names(("site", str(number)) for number in range(500))
    with mock_aws(), listening("before-send.s3.HeadObject", answer):
        heads = S3Heads(boto3.client("s3", config=HEAD_CONFIG), patience=0)

        assert heads.look(names) == {}

    assert 0 < len(begun) < len(names)
