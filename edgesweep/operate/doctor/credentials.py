"""Findings about the way to a stack: its credentials and its region."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.operate.doctor.facts import Finding, Place


def sign_in(place: Place, reason: str) -> Finding:
    """Return the finding that the credentials do not work, and how to sign in."""
    command = f"aws sso login --profile {place.profile}" if place.profile else "aws configure"
    return Finding("credentials", reason, command)


def missing(place: Place, regions: Iterable[str]) -> Finding:
    """Return the finding that the region has no stack, and where to look or how to deploy."""
    text = f"There is no stack {place.stack} in {place.region}"
    for region in regions:
        there = Place(place.stack, region, place.profile)
        command = there.edgesweep("doctor", "--stack", place.stack)
        return Finding("region", f"{text}, but there is one in {region}", command)
    return Finding("region", text, place.deploy())


def regions_of(session: boto3.Session, stack: str) -> Iterator[str]:
    """Yield the other regions in which there is a stack of that name."""
    for region in session.get_available_regions("cloudformation"):
        # An error means no stack, or a region that the account has not enabled.
        with suppress(BotoCoreError, ClientError):
            cloudformation = session.client("cloudformation", region_name=region)
            if region != session.region_name and cloudformation.describe_stacks(StackName=stack):
                yield region
