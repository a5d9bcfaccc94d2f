"""Findings about the way to a stack: its credentials, its endpoint and its region."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus

import boto3
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from edgesweep.operate.doctor.facts import DOCTOR, Finding, Harm, Place


def unreached(place: Place, error: Exception, reason: str) -> Finding:
    """Return the finding that AWS does not answer, or else that the credentials do not work."""
    answered = error.response if isinstance(error, ClientError) else {}
    code = answered.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    broken = code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if broken or isinstance(error, NoConnection | HTTPClientError):
        text = f"{reason}; look at the network, and at AWS_ENDPOINT_URL if that is set"
        return Finding("no-connection", Harm.DELAYS, text, place.command(DOCTOR), manual=True)
    command = f"aws sso login --profile {place.profile}" if place.profile else "aws configure"
    return Finding("credentials", Harm.DELAYS, reason, command, manual=True)


def missing(place: Place, regions: Iterable[str]) -> Finding:
    """Return the finding that the region has no stack, and where to look or how to deploy."""
    text = f"There is no stack {place.stack} in {place.region}"
    for region in regions:
        there = replace(place, region=region).command(DOCTOR)
        text = f"{text}, but there is one in {region}"
        return Finding("stack-elsewhere", Harm.DELAYS, text, there, manual=True)
    return Finding("no-stack", Harm.DELAYS, text, place.deploy(bucket="NAME"), manual=True)


def regions_of(session: boto3.Session, stack: str) -> Iterator[str]:
    """Yield the other regions in which there is a stack of that name."""
    for region in session.get_available_regions("cloudformation"):
        # An error means no stack, or a region that the account has not enabled.
        with suppress(BotoCoreError, ClientError):
            cloudformation = session.client("cloudformation", region_name=region)
            if region != session.region_name and cloudformation.describe_stacks(StackName=stack):
                yield region
