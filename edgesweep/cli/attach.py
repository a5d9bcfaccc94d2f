"""`edgesweep attach` and `edgesweep detach`: EventBridge delivery of a bucket."""

import json
from collections.abc import Callable

import click

from edgesweep.aws.s3 import Bucket
from edgesweep.cli.deployed import session
from edgesweep.cli.terminal import aws_options
from edgesweep.errors import BadInput
from edgesweep.flush.notifications import EVENTBRIDGE
from edgesweep.operate import attach as operate


def wiring_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of both commands."""
    dry_run = click.option(
        "--dry-run", is_flag=True, help="Show what would change; change nothing."
    )
    return click.argument("bucket")(dry_run(aws_options(command)))


@click.command()
@wiring_options
def attach(bucket: str, *, dry_run: bool, region: str | None, profile: str | None) -> None:
    """Turn on EventBridge delivery of BUCKET, keeping its other notifications.

    \b
    edgesweep attach my-site --dry-run
    edgesweep attach my-site
    """  # noqa: D301  # \b tells click to keep the lines
    chosen = session(region, profile)
    if chosen.region_name:
        for reason in operate.elsewhere(chosen.client("s3"), [bucket]):
            raise BadInput(reason)
    _rewire(operate.attach, "+", _wiring(bucket, region, profile, dry_run=dry_run))


@click.command()
@wiring_options
def detach(bucket: str, *, dry_run: bool, region: str | None, profile: str | None) -> None:
    """Turn off EventBridge delivery of BUCKET, keeping its other notifications.

    \b
    edgesweep detach my-site
    """  # noqa: D301  # \b tells click to keep the lines
    _rewire(operate.detach, "-", _wiring(bucket, region, profile, dry_run=dry_run))


def _wiring(
    bucket: str, region: str | None, profile: str | None, *, dry_run: bool
) -> operate.NotifyingBucket:
    real = Bucket(session(region, profile).client("s3"), bucket)
    return operate.DryRunBucket(real) if dry_run else real


def _rewire(
    change: Callable[[operate.NotifyingBucket], bool], sign: str, wiring: operate.NotifyingBucket
) -> None:
    before = wiring.notifications()
    for name, value in before.items():
        if name != EVENTBRIDGE:
            click.echo(f"  {name}: {json.dumps(value, default=str)}")
    if change(wiring):
        click.echo(f"{sign} {EVENTBRIDGE}: {{}}")
    else:
        click.echo("Nothing to change", err=True)
