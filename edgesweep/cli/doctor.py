"""`edgesweep doctor`: what is wrong with a stack, and the command that mends it."""

import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from edgesweep.aws.cloudfront import DISCOVERY_CONFIG, Distributions
from edgesweep.aws.dynamodb.history import History
from edgesweep.aws.s3 import Bucket, region_of
from edgesweep.cli.deployed import Named, naming_options
from edgesweep.cli.failures import failure
from edgesweep.cli.terminal import say
from edgesweep.errors import BadInput
from edgesweep.operate import doctor as doctors
from edgesweep.operate.doctor import Finding, Place, Told
from edgesweep.operate.doctor.credentials import missing, regions_of, sign_in, signed_in
from edgesweep.operate.doctor.gather import Looking, Surroundings
from edgesweep.operate.stack import NoStack, find_stack
from edgesweep.routes import Distribution
from edgesweep.settings import Settings

# Of each distribution; those that are older, or not known, are asked for one by one.
_FLUSHES_KNOWN = 1_000


@click.command(short_help="Say what is wrong with a stack, and what mends it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
@naming_options
def doctor(named: Named, *, as_json: bool) -> None:
    """Say what is wrong with a stack, and the command that mends it; exit with 1 if anything is.

    It only reads: credentials, region, tables, queue, schedule, permissions, concurrency, what the
    buckets tell, what the distributions serve, and who else spends the free paths.

    \b
    edgesweep doctor
    edgesweep doctor --stage test --json
    """  # noqa: D301  # \b tells click to keep the lines
    findings = _examine(named)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{finding.check}: {finding.text}\n  {finding.mend}")
        say("" if findings else f"Nothing is wrong with {named.name}")
    sys.exit(bool(findings))


def _examine(named: Named) -> Sequence[Finding]:
    place = Place(named.name, named.session.region_name, named.profile)
    try:
        signed_in(named.session)
    except (BotoCoreError, ClientError) as error:
        return [sign_in(place, failure(error) or str(error))]
    try:
        stack = find_stack(named.session, named.name)
    except NoStack:
        return [missing(place, regions_of(named.session, named.name))]
    try:
        settings = Settings.from_mapping(stack.environment)
    except BadInput as error:
        return [Finding("settings", str(error), place.configure("flush"))]
    told = Told(
        buckets=settings.buckets,
        distributions=settings.distributions,
        free_paths=settings.budget.free_paths,
        variants=settings.variants,
    )
    looking = Looking(named.session, place, told, _surroundings(named.session, settings))
    return doctors.diagnose(looking.facts(datetime.now(UTC)))


def _surroundings(session: boto3.Session, settings: Settings) -> Surroundings:
    s3, cloudfront = session.client("s3"), session.client("cloudfront", config=DISCOVERY_CONFIG)
    history = History(settings.flushes_table)
    only = settings.distributions

    def ours(distribution: str) -> Collection[str]:
        try:
            flushes = list(history.newest(distribution, _FLUSHES_KNOWN))
        except PynamoDBException:
            return ()  # without a journal none is known, and each is asked for
        return {request.id for flush in flushes for request in flush.accepted}

    def configured(*only: str) -> Sequence[Distribution]:
        found = Distributions(cloudfront, settings.buckets, only).find()
        return [one.distribution for one in found]

    return Surroundings(
        leading=configured,
        named=partial(configured, *only) if only else tuple,
        ours=ours,
        notifications=lambda bucket: Bucket(s3, bucket).notifications(),
        region=lambda bucket: region_of(s3, bucket),
    )
