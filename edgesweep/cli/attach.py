"""`edgesweep attach` and `edgesweep detach`: EventBridge delivery of a bucket."""

import json
from collections.abc import Callable

import click

from edgesweep.aws import s3 as buckets
from edgesweep.cli.terminal import aws_options, session
from edgesweep.errors import BadInput
from edgesweep.flush.notifications import EVENTBRIDGE


def wiring_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of both commands."""
    dry_run = click.option(
        "--dry-run", is_flag=True, help="Show what would change; change nothing."
    )
    return click.argument("bucket")(dry_run(aws_options(command)))


@click.command(short_help="Turn on EventBridge delivery of a bucket.")
@wiring_options
def attach(bucket: str, *, dry_run: bool, region: str | None, profile: str | None) -> None:
    """Turn on EventBridge delivery of BUCKET, keeping its other notifications.

    \b
    edgesweep attach my-site --dry-run
    edgesweep attach my-site
    """  # noqa: D301  # \b tells click to keep the lines
    chosen = session(region, profile)
    if chosen.region_name:
        for reason in buckets.elsewhere(chosen.client("s3"), [bucket]):
            raise BadInput(reason)
    _rewire(buckets.attach, "+", _wiring(bucket, region, profile, dry_run=dry_run))


@click.command(short_help="Turn off EventBridge delivery of a bucket.")
@wiring_options
def detach(bucket: str, *, dry_run: bool, region: str | None, profile: str | None) -> None:
    """Turn off EventBridge delivery of BUCKET, keeping its other notifications.

    \b
    edgesweep detach my-site
    """  # noqa: D301  # \b tells click to keep the lines
    _rewire(buckets.detach, "-", _wiring(bucket, region, profile, dry_run=dry_run))


def _wiring(
    bucket: str, region: str | None, profile: str | None, *, dry_run: bool
) -> buckets.Wiring:
    real = buckets.Bucket(session(region, profile).client("s3"), bucket)
    return buckets.DryRunWiring(real) if dry_run else real


def _rewire(change: Callable[[buckets.Wiring], bool], sign: str, wiring: buckets.Wiring) -> None:
    before = wiring.notifications()
    for name, value in before.items():
        if name != EVENTBRIDGE:
            click.echo(f"  {name}: {json.dumps(value, default=str)}")
    if change(wiring):
        click.echo(f"{sign} {EVENTBRIDGE}: {{}}")
    else:
        click.echo("Nothing to change", err=True)
