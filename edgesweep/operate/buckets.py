"""Whether a bucket can be swept from a region: it exists, is there, and may be listed."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from edgesweep.errors import BadInput
from edgesweep.settings import PARAMETERS

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


def check(client: "S3Client", name: str) -> None:
    """Check a bucket, with a client of the region where it has to be.

    Raises:
        BadInput: it is missing, elsewhere or not to be read; the text names it, and what to do.
        ClientError: S3 refuses for another reason.
        BotoCoreError: S3 cannot be asked.
    """
    bucket = PARAMETERS["bucket"]
    if not bucket.fits(name):
        msg = f'The bucket is "{name}"; it must be {bucket.bound}'
        raise BadInput(msg)
    refusal = None
    answer: Mapping[str, Any]
    try:
        answer = client.head_bucket(Bucket=name)["ResponseMetadata"]
    except ClientError as error:
        refusal, answer = error, error.response["ResponseMetadata"]
    here = client.meta.region_name
    region = answer["HTTPHeaders"].get("x-amz-bucket-region", here)
    if wrong := _wrong(name, HTTPStatus(answer["HTTPStatusCode"]), region, here):
        raise BadInput(wrong) from refusal
    if refusal:
        raise refusal


def _wrong(name: str, status: HTTPStatus, region: str, here: str) -> str | None:
    """Return what is wrong with a bucket, by the answer to HeadBucket.

    S3 says where the bucket is, whatever the permissions:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    """
    if status is HTTPStatus.NOT_FOUND:
        return f"There is no bucket {name}; create it, or correct its name"
    if region != here:
        return f"The bucket {name} is in {region}, not in {here}; give --region {region}"
    if status is HTTPStatus.FORBIDDEN:
        return (
            f"The bucket {name} may not be read; you need s3:ListBucket on it, and it must belong "
            "to your account"
        )
    return None
