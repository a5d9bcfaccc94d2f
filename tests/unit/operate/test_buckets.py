"""A bucket that cannot be swept is refused in one line that names it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from edgesweep.errors import BadInput
from edgesweep.operate.buckets import check
from tests.aws import calls

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

HERE = "us-east-1"


def client() -> "S3Client":
    """Return a client of the stack's region."""
    return boto3.client("s3", region_name=HERE)


def answering(code: str, region: str | None = HERE) -> "S3Client":
    """Return a client that S3 refuses to let list a bucket, and to which it names the region."""
    stubbed = client()
    headers = {} if region is None else {"x-amz-bucket-region": region}
    stubber = Stubber(stubbed)
    stubber.add_client_error("list_objects_v2", code, http_status_code=403)
    stubber.add_client_error(
        "head_bucket", "403", http_status_code=403, response_meta={"HTTPHeaders": headers}
    )
    stubber.activate()
    return stubbed


@pytest.fixture
def buckets() -> Iterator[None]:
    """Make one bucket here, and one in Ireland."""
    with mock_aws():
        client().create_bucket(Bucket="near")
        boto3.client("s3", region_name="eu-west-1").create_bucket(
            Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield


@pytest.mark.usefixtures("buckets")
def test_good() -> None:
    """A bucket of ours in this region is fine, and where it may be anywhere so is any other."""
    with calls() as asked:
        check(client(), "near")
        check(client(), "far", anywhere=True)

    assert asked == ["s3.ListObjectsV2", "s3.HeadBucket", "s3.ListObjectsV2"]


@pytest.mark.usefixtures("buckets")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("gone", "There is no bucket gone; create it, or correct its name"),
        (
            "far",
            (
                "The bucket far is in eu-west-1, not in us-east-1; "
                "a stack with --region eu-west-1 can sweep it"
            ),
        ),
    ],
)
def test_refusal(name: str, line: str) -> None:
    """A bucket that is missing or elsewhere is refused, with what to do."""
    with pytest.raises(BadInput) as refusal:
        check(client(), name)

    assert str(refusal.value) == line


@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken"])
@pytest.mark.parametrize("region", [HERE, None])
def test_denied(code: str, region: str | None) -> None:
    """The refusal to list a bucket passes through, since it names its reason."""
    with pytest.raises(ClientError, match=f"{code}.*ListObjectsV2"):
        check(answering(code, region), "near")


def test_denied_elsewhere() -> None:
    """Another region is the first thing to say, since no permission helps there."""
    with pytest.raises(BadInput, match="is in eu-west-1"):
        check(answering("AccessDenied", "eu-west-1"), "near")


def test_unreachable() -> None:
    """If S3 cannot be asked, nothing is said of the bucket."""
    nowhere = boto3.client("s3", region_name=HERE, endpoint_url="http://127.0.0.1:1")
    with pytest.raises(EndpointConnectionError):
        check(nowhere, "near")
