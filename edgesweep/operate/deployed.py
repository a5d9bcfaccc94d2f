"""Asks AWS what a deployment is about to replace, and whether it can sweep its buckets."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.errors import BadInput, EdgesweepError, NoStack
from edgesweep.operate import buckets
from edgesweep.operate.parameters import Remembered, accept
from edgesweep.operate.stack import described, parameters_of
from edgesweep.routes.config import is_for_tenants
from edgesweep.settings import split


def acceptable(stack: str, session: boto3.Session, values: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the parameters of a deployment over what is there, whose buckets can be swept."""
    before = remembered(stack, session)
    accepted = accept(values, before)
    check_buckets(split(accepted["bucket"]), before.buckets, session)
    check_distributions(split(accepted["distribution"]), session)
    return accepted


def remembered(stack: str, session: boto3.Session) -> Remembered:
    """Return the memory of a stack, which may not exist."""
    place = f"{stack} in {session.region_name}"
    with _stopping(f"The stack {place} cannot be read"), suppress(NoStack):
        found = described(session, stack)
        # By name, a template may be that of a stack that was deleted.
        client = session.client("cloudformation")
        template = client.get_template(StackName=found["StackId"])["TemplateBody"]
        return Remembered.of(place, template, parameters_of(found))
    return Remembered(place, {})


def check_buckets(names: Collection[str], swept: Collection[str], session: boto3.Session) -> None:
    """Raise BadInput if a bucket cannot be swept from the region; one that was may be dropped."""
    client = session.client("s3")
    for name in names:
        with _stopping(f"The bucket {name} cannot be looked at"):
            try:
                buckets.check(client, name)
            except BadInput as error:
                drop = f"; or give --param drop={name} to sweep it no longer"
                raise BadInput(f"{error}{drop if name in swept else ''}") from error


def check_distributions(names: Collection[str], session: boto3.Session) -> None:
    """Raise BadInput if a named distribution that may be read is for tenants only."""
    client = session.client("cloudfront")
    for name in names:
        its = f"The distribution {name}"
        with _stopping(f"{its} cannot be looked at"), suppress(ClientError):
            if is_for_tenants(client.get_distribution_config(Id=name)["DistributionConfig"]):
                raise BadInput(f"{its} takes invalidations by tenant only; leave it out")


@contextmanager
def _stopping(what: str) -> Iterator[None]:
    """Turn a failure of AWS into an EdgesweepError of one line."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise EdgesweepError(f"{what}, so nothing is deployed: {error}") from error
