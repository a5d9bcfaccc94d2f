"""Asks AWS what a deployment is about to replace, and whether it can sweep its buckets."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.errors import BadInput, EdgesweepError, NoStack
from edgesweep.operate import buckets
from edgesweep.operate.parameters import Remembered
from edgesweep.operate.stack import described, parameters_of
from edgesweep.routes.config import is_for_tenants


def remembered(stack: str, region: str) -> Remembered:
    """Return the memory of a stack, which may not exist."""
    place = f"{stack} in {region}"
    with _stopping(f"The stack {place} cannot be read"), suppress(NoStack):
        session = boto3.Session(region_name=region)
        found = described(session, stack)
        # By name, a template may be that of a stack that was deleted.
        client = session.client("cloudformation")
        template = client.get_template(StackName=found["StackId"])["TemplateBody"]
        return Remembered.of(place, template, parameters_of(found))
    return Remembered(place, {})


def check_buckets(names: Collection[str], swept: Collection[str], region: str) -> None:
    """Raise BadInput if a bucket cannot be swept from the region; one that was may be dropped."""
    client = boto3.client("s3", region_name=region)
    for name in names:
        with _stopping(f"The bucket {name} cannot be looked at"):
            try:
                buckets.check(client, name)
            except BadInput as error:
                drop = f"; or give --param drop={name} to sweep it no longer"
                raise BadInput(f"{error}{drop if name in swept else ''}") from error


def check_distributions(names: Collection[str], region: str) -> None:
    """Raise BadInput if a named distribution that may be read is for tenants only."""
    client = boto3.client("cloudfront", region_name=region)
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
