"""The `edgesweep` command: parse, call, print."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep import bucket as buckets
from edgesweep.errors import EdgesweepError


class Failure(click.ClickException):
    """One line for the person at the terminal, and an exit code."""

    def __init__(self, error: Exception) -> None:
        super().__init__(" ".join(str(error).split()))
        self.exit_code = getattr(error, "exit_code", 1)  # type: ignore[misc]  # click reads it here


class OneLineErrors(click.Group):
    """A group whose commands fail with one line, never with a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  # as click declares it
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (EdgesweepError, ClientError, BotoCoreError) as error:
            raise Failure(error) from error


def aws_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which AWS account and region are meant."""
    for option in (
        click.option("--profile", help="AWS profile to use.", metavar="NAME"),
        click.option("--region", help="AWS region to use.", metavar="NAME"),
    ):
        command = option(command)
    return command


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="edgesweep")
def main() -> None:
    """Keep a CloudFront edge fresh when S3 objects change."""


@main.command()
@click.argument("bucket")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@aws_options
def attach(bucket: str, *, dry_run: bool, region: str | None, profile: str | None) -> None:
    """Turn on EventBridge delivery of BUCKET, keeping its other notifications.

    \b
    edgesweep attach my-site --dry-run
    edgesweep attach my-site
    """  # noqa: D301  # \b tells click to keep the lines
    _rewire(buckets.attach, "+", _wiring(bucket, region, profile, dry_run=dry_run))


@main.command()
@click.argument("bucket")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@aws_options
def detach(bucket: str, *, dry_run: bool, region: str | None, profile: str | None) -> None:
    """Turn off EventBridge delivery of BUCKET, keeping its other notifications.

    \b
    edgesweep detach my-site
    """  # noqa: D301  # \b tells click to keep the lines
    _rewire(buckets.detach, "-", _wiring(bucket, region, profile, dry_run=dry_run))


def _wiring(
    bucket: str, region: str | None, profile: str | None, *, dry_run: bool
) -> buckets.Wiring:
    session = boto3.Session(profile_name=profile, region_name=region)
    real = buckets.Bucket(session.client("s3"), bucket)
    return buckets.DryRun(real) if dry_run else real


def _rewire(change: Callable[[buckets.Wiring], bool], sign: str, wiring: buckets.Wiring) -> None:
    before = wiring.notifications()
    for name, value in before.items():
        if name != buckets.EVENTBRIDGE:
            click.echo(f"  {name}: {json.dumps(value, default=str)}")
    if change(wiring):
        click.echo(f"{sign} {buckets.EVENTBRIDGE}: {{}}")
    else:
        click.echo("Nothing to change", err=True)
