"""The argument BUCKET: a name that a bucket can have, of a bucket that can be read."""

from typing import TYPE_CHECKING

import click

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


def check_bucket(session: "boto3.Session", name: str) -> None:
    """Check that a bucket exists, is in the session's region and can be read."""
    from edgesweep.operate import buckets  # noqa: PLC0415

    buckets.check(session.client("s3"), name)
