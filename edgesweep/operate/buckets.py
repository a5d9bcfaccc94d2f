"""Whether a bucket can be swept from a region: it exists, is there, and may be listed."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from edgesweep.aws.s3 import region_of
from edgesweep.errors import BadInput

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


def check(client: "S3Client", name: str, *, anywhere: bool = False) -> None:
    """Check a bucket, which has to be in the client's region unless it may be `anywhere`.

    We list it, because S3 then says why it refuses. To HeadBucket it answers 403 without a reason,
    whether the credentials have expired or a permission is missing.

    Raises:
        BadInput: it is missing or elsewhere; the text names it, and what to do.
        ClientError: S3 refuses for another reason.
        BotoCoreError: S3 cannot be asked.
    """
    refusal = None
    try:
        client.list_objects_v2(Bucket=name, MaxKeys=1)
    except ClientError as error:
        refusal = error
        if error.response["Error"]["Code"] == "NoSuchBucket":
            raise BadInput(f"There is no bucket {name}; create it, or correct its name") from error
    here = client.meta.region_name
    region = None if anywhere else region_of(client, name)
    if region not in (here, None):
        raise BadInput(
            f"The bucket {name} is in {region}, not in {here}; "
            f"a stack with --region {region} can sweep it"
        ) from refusal
    if refusal:
        raise refusal
