"""The argument BUCKET: a name that a bucket can have, of a bucket that can be read."""

from typing import TYPE_CHECKING

import click

from edgesweep.errors import BadInput

if TYPE_CHECKING:
    import boto3


def bucket_name(_: click.Context, param: click.Parameter, name: str | None) -> str | None:
    """Return a name that a bucket can have, as the callback of a parameter does."""
    if name is None:
        return None
    from edgesweep.settings import PARAMETERS  # noqa: PLC0415  # takes long

    if not PARAMETERS["bucket"].fits(name):
        msg = f"{name!r} is not {PARAMETERS['bucket'].bound}"
        raise click.BadParameter(msg, param=param)
    return name


def check_bucket(session: "boto3.Session", name: str, *, anywhere: bool = False) -> None:
    """Check that a bucket can be read, and unless `anywhere` that it is in the session's region."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    from edgesweep.operate.attach import elsewhere  # noqa: PLC0415

    client = session.client("s3")
    try:
        client.list_objects_v2(Bucket=name, MaxKeys=1)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
        msg = f"There is no bucket {name}"
        raise BadInput(msg) from error
    if session.region_name and not anywhere:
        for reason in elsewhere(client, [name]):
            raise BadInput(reason)
