"""A stack: found by its name, checked before it is deployed, and what its removal loses."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from shlex import join
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.aws.sqs import Queue
from edgesweep.errors import BadInput, EdgesweepError, NoStack
from edgesweep.operate import buckets
from edgesweep.operate.parameters import Remembered, accept
from edgesweep.routes.config import is_for_tenants
from edgesweep.settings import split

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef

SERVICE = "edgesweep"


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack; the environment of its flush function holds its settings."""

    name: str
    region: str
    outputs: Mapping[str, str]
    environment: Mapping[str, str]


def described(session: boto3.Session, name: str) -> "StackTypeDef":
    """Return what CloudFormation says of a stack; `NoStack` if there is none."""
    try:
        return session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise NoStack(name, session.region_name) from error


def parameters_of(found: "StackTypeDef") -> Mapping[str, str]:
    """Return the values of a stack's parameters in CloudFormation."""
    return {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])}


def is_released(found: "StackTypeDef") -> bool:
    """Tell whether a stack was deployed without osls, which adds a bucket for its uploads."""
    return not any(one["OutputKey"].startswith("Serverless") for one in found.get("Outputs", []))


def find_stack(session: boto3.Session, name: str) -> Stack:
    """Return the stack of that name; `NoStack` or, if it is not ours, `EdgesweepError`."""
    region, found = session.region_name, described(session, name)
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    if "FlushFunction" not in outputs:
        place = f"The stack {name} in {region}"
        raise EdgesweepError(f"{place} has no output FlushFunction; is it Edgesweep's?")
    ask = session.client("lambda").get_function_configuration
    function = ask(FunctionName=outputs["FlushFunction"])
    return Stack(name, region, outputs, function.get("Environment", {}).get("Variables", {}))


def acceptable(stack: str, session: boto3.Session, values: Mapping[str, str]) -> Mapping[str, Any]:
    """Return checked parameters for deploying over the stack; its buckets can be swept."""
    before = remembered(stack, session)
    accepted = accept(values, before)
    check_buckets(split(accepted["bucket"]), before.buckets, session)
    check_distributions(split(accepted["distribution"]), session)
    return accepted


def remembered(stack: str, session: boto3.Session) -> Remembered:
    """Return the parameters that a stack remembers; it may not exist."""
    place = f"{stack} in {session.region_name}"
    with _stopping(f"The stack {place} cannot be read"), suppress(NoStack):
        found = described(session, stack)
        # Asked by name, CloudFormation may return the template of a deleted stack.
        client = session.client("cloudformation")
        template = client.get_template(StackName=found["StackId"])["TemplateBody"]
        return Remembered.of(place, template, parameters_of(found))
    return Remembered(place, {})


def check_buckets(names: Collection[str], swept: Collection[str], session: boto3.Session) -> None:
    """Raise BadInput if a bucket cannot be swept from the region; a swept one may be dropped."""
    client = session.client("s3")
    for name in names:
        with _stopping(f"The bucket {name} cannot be checked"):
            try:
                buckets.check(client, name)
            except BadInput as error:
                drop = f"; or give --param drop={name} to stop sweeping it"
                raise BadInput(f"{error}{drop if name in swept else ''}") from error


def check_distributions(names: Collection[str], session: boto3.Session) -> None:
    """Raise BadInput if a named distribution that we may read is for tenants only."""
    client = session.client("cloudfront")
    for name in names:
        its = f"The distribution {name}"
        with _stopping(f"{its} cannot be checked"), suppress(ClientError):
            if is_for_tenants(client.get_distribution_config(Id=name)["DistributionConfig"]):
                raise BadInput(f"{its} accepts invalidations by tenant only; leave it out")


@contextmanager
def _stopping(what: str) -> Iterator[None]:
    """Turn a failure of AWS into an EdgesweepError of one line."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise EdgesweepError(f"{what}, so nothing is deployed: {error}") from error


def before_removal(stack: Stack, lost: str, quiet: Collection[str], *, kept: bool) -> Iterator[str]:
    """Yield lines for all that a removal loses or leaves behind; for the tables if `kept`.

    `lost` is what `waiting` says; `quiet` buckets are not seen to publish their events.
    """
    if lost:
        yield f"{lost} will not be sent; invalidate /* once instead"
    if not stack.environment.get("NOTIFIED_QUEUE"):
        for bucket in stack.outputs["Buckets"].split(","):
            if bucket not in quiet:
                detach = join(["edgesweep", "detach", bucket, "--region", stack.region])
                yield f"{bucket} keeps publishing events; if nothing else needs them, run {detach}"
    if kept:
        names = ("DirtyTable", "FlushesTable", "CatalogueTable")
        tables = ", ".join(filter(None, map(stack.outputs.get, names)))
        yield f"The tables stay, with their data: {tables}; see docs/operating.md to delete them"


def waiting(session: boto3.Session, stack: Stack) -> str:
    """Say how many changes wait: those on the table's first page, and about those in the queues."""
    page = session.client("dynamodb").scan(TableName=stack.outputs["DirtyTable"], Select="COUNT")
    urls = (stack.outputs[name] for name in ("QueueUrl", "DeadLetterQueueUrl"))
    messages = sum(Queue(session.client("sqs"), url).waiting() for url in urls)
    if not page["Count"] and not messages:
        return ""
    more = " or more" if "LastEvaluatedKey" in page else ""
    return f"{page['Count']:,}{more} waiting changes, and about {messages:,} in the queues,"
