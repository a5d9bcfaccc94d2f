"""`edgesweep doctor`: the faults of a stack, and the commands that mend them."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.cli.deployed import Named, naming_options
from edgesweep.cli.failures import failure
from edgesweep.cli.output import json_option, show
from edgesweep.cli.terminal import suggest
from edgesweep.errors import BadInput, NoStack
from edgesweep.operate import doctor as doctors
from edgesweep.operate.doctor import Finding, Place
from edgesweep.operate.doctor.credentials import missing, regions_of, sign_in
from edgesweep.operate.doctor.gather import Gatherer
from edgesweep.operate.stack import find_stack
from edgesweep.settings import Settings


@click.command()
@json_option(list[Finding])
@naming_options
def doctor(named: Named) -> None:
    """List the faults of a stack with the command that mends each; exit with 1 if there are any.

    It only reads: credentials, region, tables, queue, schedule, permissions, alarms, concurrency,
    notifications of the buckets, the distributions, and who else spends the free paths.

    \b
    edgesweep doctor
    edgesweep doctor --stage test --json
    """  # noqa: D301  # \b tells click to keep the lines
    findings = _examine(named)
    show(findings, (f"{finding.check}: {finding.text}\n  {finding.mend}" for finding in findings))
    suggest("" if findings else f"Nothing is wrong with {named.name}")
    sys.exit(bool(findings))


def _examine(named: Named) -> Sequence[Finding]:
    place = Place(named.name, named.session.region_name, named.profile)
    try:
        named.session.client("sts").get_caller_identity()  # fails without valid credentials
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
    return doctors.diagnose(Gatherer(named.session, place, settings).facts(datetime.now(UTC)))
