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

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

HERE = "us-east-1"


def client() -> "S3Client":
    """Return a client of the stack's region."""
    return boto3.client("s3", region_name=HERE)


def answering(status: int, region: str | None = HERE) -> "S3Client":
    """Return a client to which S3 answers HeadBucket with an error."""
    stubbed = client()
    headers = {} if region is None else {"x-amz-bucket-region": region}
    stubber = Stubber(stubbed)
    stubber.add_client_error(
        "head_bucket",
        str(status),
        http_status_code=status,
        response_meta={"HTTPHeaders": headers},
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
    """A bucket of ours in this region is fine."""
    check(client(), "near")


@pytest.mark.usefixtures("buckets")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("gone", "There is no bucket gone; create it, or correct its name"),
        ("far", "The bucket far is in eu-west-1, not in us-east-1; give --region eu-west-1"),
    ],
)
def test_refusal(name: str, line: str) -> None:
    """A bucket that is missing or elsewhere is refused, with what to do."""
    with pytest.raises(BadInput) as refusal:
        check(client(), name)

    assert str(refusal.value) == line


@pytest.mark.parametrize("name", ["", "s3://near", "My_Site", "near/"])
def test_name(name: str) -> None:
    """A name that no bucket can have is refused without asking S3."""
    with pytest.raises(BadInput, match=f'^The bucket is "{name}"; it must be a bucket name'):
        check(client(), name)


@pytest.mark.parametrize("region", [HERE, None])
def test_denied(region: str | None) -> None:
    """A bucket that may not be listed is refused with the permission that is missing."""
    with pytest.raises(BadInput, match="bucket near may not be read; you need s3:ListBucket"):
        check(answering(403, region), "near")


def test_denied_elsewhere() -> None:
    """Another region is the first thing to say, since no right helps there."""
    with pytest.raises(BadInput, match="is in eu-west-1"):
        check(answering(403, "eu-west-1"), "near")


def test_unclear() -> None:
    """Any other refusal says nothing of the bucket, and stays what it is."""
    with pytest.raises(ClientError):
        check(answering(400), "near")


def test_unreachable() -> None:
    """If S3 cannot be asked, nothing is said of the bucket."""
    nowhere = boto3.client("s3", region_name=HERE, endpoint_url="http://127.0.0.1:1")
    with pytest.raises(EndpointConnectionError):
        check(nowhere, "near")
