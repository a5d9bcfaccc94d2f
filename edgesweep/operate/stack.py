"""A deployed stack, found by its name, with its settings; and what its removal loses."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from shlex import join
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from edgesweep.aws.sqs import Queue
from edgesweep.errors import EdgesweepError, NoStack

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
    """Return the parameters of CloudFormation that a stack has."""
    return {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])}


def is_released(found: "StackTypeDef") -> bool:
    """Tell whether a stack was deployed without osls, which needs a bucket for its uploads."""
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


def before_removal(
    stack: Stack, lost: str, silent: Collection[str], *, kept: bool
) -> Iterator[str]:
    """Yield what a removal loses, and what it leaves behind; the tables too if they are `kept`.

    `lost` is what `waiting` says; `silent` buckets are not seen to publish their events.
    """
    if lost:
        yield f"{lost} will not be sent; invalidate /* once instead"
    if not stack.environment.get("NOTIFIED_QUEUE"):
        for bucket in stack.outputs["Buckets"].split(","):
            if bucket not in silent:
                detach = join(["edgesweep", "detach", bucket, "--region", stack.region])
                yield f"{bucket} goes on to publish its events; if nobody else needs them: {detach}"
    if kept:
        names = ("DirtyTable", "FlushesTable", "CatalogueTable")
        tables = ", ".join(filter(None, map(stack.outputs.get, names)))
        yield f"The tables stay, with their data: {tables}; see docs/operating.md to delete them"


def waiting(session: boto3.Session, stack: Stack) -> str:
    """Say how many changes wait: those of the first page of the table, and about the others."""
    page = session.client("dynamodb").scan(TableName=stack.outputs["DirtyTable"], Select="COUNT")
    urls = (stack.outputs[name] for name in ("QueueUrl", "DeadLetterQueueUrl"))
    messages = sum(Queue(session.client("sqs"), url).waiting() for url in urls)
    if not page["Count"] and not messages:
        return ""
    more = " or more" if "LastEvaluatedKey" in page else ""
    return f"{page['Count']:,}{more} waiting changes, and about {messages:,} in the queues,"
