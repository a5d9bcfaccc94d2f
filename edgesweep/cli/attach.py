"""`edgesweep attach` and `edgesweep detach`: EventBridge delivery of a bucket."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, TypedDict

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.aws.s3 import Bucket, region_of
from edgesweep.cli.deployed import session
from edgesweep.cli.failures import failure
from edgesweep.cli.output import json_option, show
from edgesweep.cli.terminal import aws_options, bucket_name, say, suggest
from edgesweep.flush.gaps import EVENTBRIDGE
from edgesweep.operate.buckets import check, deliver, listeners


class Delivery(TypedDict):
    """The notifications of a bucket."""

    bucket: str
    changed: Annotated[bool, "whether EventBridge delivery had to be turned on or off"]
    kept: Annotated[Mapping[str, object], "the other notifications, as S3 returns them"]


def wiring_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of both commands."""
    bucket = click.argument("bucket", callback=bucket_name)
    dry_run = click.option("--dry-run", is_flag=True, help="Show the change; change nothing.")
    return bucket(dry_run(json_option(Delivery)(aws_options(command))))


@click.command()
@wiring_options
def attach(bucket: str, *, dry_run: bool, **where: str | None) -> None:
    """Turn on EventBridge delivery of BUCKET, keeping its other notifications.

    \b
    edgesweep attach my-site --dry-run
    edgesweep attach my-site
    """  # noqa: D301  # \b tells click to keep the lines
    chosen = session(**where)
    check(chosen.client("s3"), bucket, anywhere=not chosen.region_name)
    free = f"`edgesweep learn {bucket}` makes even the first re-upload of unchanged files free"
    _rewire(chosen, bucket, f"{bucket} publishes its events; {free}", on=True, dry_run=dry_run)


@click.command()
@wiring_options
def detach(bucket: str, *, dry_run: bool, **where: str | None) -> None:
    """Turn off EventBridge delivery of BUCKET, keeping its other notifications.

    It first names the EventBridge rules that may use the delivery.

    \b
    edgesweep detach my-site --dry-run
    edgesweep detach my-site
    """  # noqa: D301  # \b tells click to keep the lines
    chosen = session(**where)
    check(chosen.client("s3"), bucket, anywhere=True)
    say(_users(chosen, bucket))
    then = f"{bucket} publishes no events; `edgesweep attach {bucket}` turns them on again"
    _rewire(chosen, bucket, then, on=False, dry_run=dry_run)


def _users(chosen: boto3.Session, bucket: str) -> str:
    """Return a line about the rules that get no events any more, if there are any."""
    region = region_of(chosen.client("s3"), bucket) or chosen.region_name
    try:
        names = listeners(chosen.client("events", region_name=region), bucket)
    except (BotoCoreError, ClientError) as error:
        return f"The users of the delivery are unknown: {failure(error)}"
    return f"These EventBridge rules may use the delivery: {', '.join(names)}" if names else ""


def _rewire(chosen: boto3.Session, bucket: str, then: str, *, on: bool, dry_run: bool) -> None:
    changed, kept = deliver(Bucket(chosen.client("s3"), bucket), on=on, dry_run=dry_run)
    lines = [f"  {name}: {json.dumps(value, default=str)}" for name, value in kept.items()]
    lines += [f"{'+' if on else '-'} {EVENTBRIDGE}: {{}}"] * changed
    show(Delivery(bucket=bucket, changed=changed, kept=kept), lines)
    if dry_run and changed:
        command = "attach" if on else "detach"
        then = f"A dry run changed nothing; `edgesweep {command} {bucket}` does it"
    suggest(then if changed else f"Nothing to change: {then}")
