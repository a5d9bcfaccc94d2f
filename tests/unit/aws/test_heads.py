"""What a HEAD request says of an object."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from edgesweep.aws.s3 import HEAD_CONFIG, S3Heads
from edgesweep.record.catalogue import Head, Name
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


def looked(s3: "S3Client", *ignored: str) -> Head:
    """Return the page as a HEAD finds it."""
    seen = S3Heads(s3, ignored=ignored)([PAGE])[PAGE]
    assert seen
    return seen


def test_same(s3: "S3Client") -> None:
    """An upload of the same bytes under the same headers looks the same; its etag has no quotes."""
    looks = []
    for _ in range(2):
        s3.put_object(Bucket="site", Key=PAGE[1], Body=b"hello\n", CacheControl="max-age=60")
        looks.append(looked(s3))

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
    before = looked(s3)
    s3.put_object(Bucket="site", Key=PAGE[1], Body=b"hello\n", **headers)  # type: ignore[arg-type]  # a parameter

    after = looked(s3)

    assert after.etag == before.etag
    assert after.headers != before.headers


@pytest.mark.parametrize(("status", "named"), [("Enabled", True), ("Suspended", False)])
def test_version(s3: "S3Client", status: str, named: bool) -> None:  # noqa: FBT001  # a parameter
    """It says which version is there, if that one has a name that no other version will have."""
    versioned: Any = {"Bucket": "site", "VersioningConfiguration": {"Status": status}}
    s3.put_bucket_versioning(**versioned)
    put = s3.put_object(Bucket="site", Key=PAGE[1], Body=b"")

    seen = looked(s3)

    assert seen.version == (put["VersionId"] if named else None)


def test_missing(s3: "S3Client") -> None:
    """A missing object is distinguished from one that exists."""
    s3.put_object(Bucket="site", Key=PAGE[1], Body=b"")
    seen = S3Heads(s3)([PAGE, ("site", "gone")])

    assert seen.keys() == {PAGE, ("site", "gone")}
    assert seen["site", "gone"] is None


@pytest.mark.parametrize(
    ("failures", "requests", "answered"),
    [
        ([403], 1, False),
        ([503, 500], 3, True),
        ([ReadTimeoutError(endpoint_url=""), 503], 3, True),
        ([503, 503, 503], 3, False),
    ],
)
def test_again(failures: list[int | Exception], requests: int, answered: bool) -> None:  # noqa: FBT001  # a parameter
    """A HEAD without an answer is sent three times; a refusal is an answer that says nothing."""
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        failure = failures[len(sent) - 1] if len(sent) <= len(failures) else 404
        if isinstance(failure, Exception):
            raise failure
        return http_response(request, failure, b"")

    with mock_aws(), listening("before-send.s3.HeadObject", answer):
        seen = S3Heads(boto3.client("s3", config=HEAD_CONFIG), None)([PAGE])

    assert (len(sent), seen) == (requests, {PAGE: None} if answered else {})


@pytest.mark.parametrize(("kind", "checksum"), [("FULL_OBJECT", "c3Vt"), ("COMPOSITE", None)])
def test_checksum(s3: "S3Client", kind: str, checksum: str | None) -> None:
    """Only a checksum of the whole object is one; that of its parts depends on their size."""
    s3.put_object(Bucket="site", Key=PAGE[1], Body=b"")

    def add(parsed: dict[str, Any], **_: object) -> None:
        parsed |= {"ChecksumCRC64NVME": "c3Vt", "ChecksumType": kind}

    s3.meta.events.register("after-call.s3.HeadObject", add)

    assert looked(s3).checksum == checksum


def test_ignored(s3: "S3Client") -> None:
    """Metadata that the user ignores makes no difference."""
    looks = []
    for build in "12":
        s3.put_object(Bucket="site", Key=PAGE[1], Body=b"", Metadata={"Build": build})
        looks.append(looked(s3, "build"))

    assert looks[0].headers[0] == looks[1].headers[0]


def test_times(s3: "S3Client") -> None:
    """It says when the object was written and when S3 answered, in whole seconds."""
    before = datetime.now(UTC).replace(microsecond=0)
    s3.put_object(Bucket="site", Key=PAGE[1], Body=b"")

    seen = looked(s3)

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
        return http_response(request, 403, b"")

    names = Names(("site", str(number)) for number in range(500))
    with mock_aws(), listening("before-send.s3.HeadObject", answer):
        heads = S3Heads(boto3.client("s3", config=HEAD_CONFIG), patience=0)

        assert heads(names) == {}

    assert 0 < len(begun) < len(names)
