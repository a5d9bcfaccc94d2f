"""`edgesweep deploy` and `edgesweep remove`: a stack without Node and without a clone."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, TypedDict

import click

from edgesweep.aws.s3 import Bucket
from edgesweep.cli.bucket import BEGINS, learn_all
from edgesweep.cli.deployed import Deployed, stack_command
from edgesweep.cli.output import show
from edgesweep.cli.terminal import agree, check_terminal, say, suggest
from edgesweep.errors import Unsettled
from edgesweep.operate.buckets import deliver, listeners
from edgesweep.operate.parameters import values_of
from edgesweep.operate.release import RETAIN, Deployer, Release
from edgesweep.operate.stack import acceptable, before_removal, waiting
from edgesweep.settings import split


class Deployment(TypedDict):
    stack: str
    parameters: Annotated[Mapping[str, str], "the parameters that are not the default"]
    changes: Annotated[Mapping[str, str], "by resource: Add, Modify, Remove, or Retain its data"]


def _assigned(texts: Iterable[str]) -> Mapping[str, str]:
    values: dict[str, str] = {}
    for name, _, value in (text.partition("=") for text in texts):
        if not value or name in values:
            raise click.UsageError(f"Give the parameter {name} as NAME=VALUE, and only once")
        values[name] = value
    return values


@stack_command(Deployment)
@click.option("--bucket", multiple=True, help="Existing buckets, comma-separated.", metavar="NAMES")
@click.option(
    "--param", multiple=True, metavar="NAME=VALUE", help="Deploy parameter; the stack remembers it."
)
@click.option(
    "--code-bucket", default="", metavar="NAME", show_default=False,
    help="Your bucket for the zip (default: edgesweep-releases-ACCOUNT-REGION, made if missing).",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show the change set; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask to confirm the cost of learning.")
def deploy(
    deployed: Deployed,
    bucket: Sequence[str],
    param: Sequence[str],
    code_bucket: str,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Deploy the release that this installation carries, then attach and learn the buckets.

    Another run changes only what differs. The stack remembers its parameters.

    \b
    edgesweep deploy --bucket my-site --dry-run
    edgesweep deploy --bucket my-site
    edgesweep deploy --param budgetUsd=5
    """
    values = _assigned([*(f"bucket={one}" for one in bucket), *param])
    if not (yes or dry_run):
        check_terminal()
    release, session, name = Release.carried(), deployed.session, deployed.name
    accepted = acceptable(name, session, values)
    deployer = Deployer(session, name)
    code_bucket = code_bucket or deployer.code_bucket()
    of_zip = {"ParameterKey": "CodeBucket", "ParameterValue": code_bucket}
    with deployer.change_set(release, [*values_of(accepted), of_zip]) as (identity, changes):
        lines = [f"{action:<7} {resource}" for resource, action in changes.items()]
        show(Deployment(stack=name, parameters=accepted["given"], changes=changes), lines)
        for resource in [one for one, action in changes.items() if action == RETAIN]:
            say(f"{resource} leaves the stack, but stays with its data; see docs/operating.md")
        if dry_run:
            suggest("A dry run changed nothing; `edgesweep deploy` without --dry-run does it")
            return
        if changes:
            release.upload(session, code_bucket)
            say("Updating the stack, which takes CloudFormation a minute or two")
            deployer.execute(identity)
    attach_all(deployed, split(accepted["bucket"]), yes=yes)
    suggest(f"{name} is deployed; upload something, and `edgesweep status` shows what waits")


def attach_all(deployed: Deployed, buckets: Sequence[str], *, yes: bool) -> None:
    """Let buckets publish their events, and learn what they hold."""
    s3 = deployed.session.client("s3")
    for bucket in buckets:
        if deliver(Bucket(s3, bucket), on=True)[0]:
            say(f"{bucket} publishes its events; its other notifications stay. {BEGINS}")
        if deployed.settings.catalogue_table:
            try:
                learnt = learn_all(deployed, bucket, yes=yes)
                say(f"{bucket}: {learnt['known']:,} of {learnt['objects']:,} objects are known")
            except Unsettled as error:
                say(str(error))


@stack_command()
@click.option("--yes", is_flag=True, help="Do not ask to confirm.")
def remove(deployed: Deployed, *, yes: bool) -> None:
    """Remove a stack that `edgesweep deploy` made.

    Its buckets stop publishing events, unless another rule needs them. The tables stay.

    \b
    edgesweep remove
    """
    session, stack = deployed.session, deployed.stack
    buckets = () if stack.environment.get("NOTIFIED_QUEUE") else split(stack.outputs["Buckets"])
    for line in before_removal(stack, waiting(session, stack), buckets, kept=True):
        say(line)
    agree(f"Remove {stack.name}?", yes=yes)
    Deployer(session, stack.name).remove()
    s3, events = session.client("s3"), session.client("events")
    for bucket in buckets:
        if others := listeners(events, bucket):
            say(f"{bucket} still publishes its events, for {', '.join(others)}")
        else:
            with suppress(s3.exceptions.NoSuchBucket):
                deliver(Bucket(s3, bucket), on=False)
    suggest(f"{stack.name} is removed")
