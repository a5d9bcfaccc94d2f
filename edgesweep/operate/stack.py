"""A deployed stack, found by its name: its resources and its settings."""

from collections.abc import Mapping
from dataclasses import dataclass

import boto3
from botocore.exceptions import ClientError

from edgesweep.errors import EdgesweepError, NoStack

SERVICE = "edgesweep"


@dataclass(frozen=True, slots=True)
class Stack:
    """The resources of a deployment.

    Attributes:
        name: the CloudFormation stack.
        region: where it is.
        outputs: names of its resources, as the stack's outputs.
        environment: the environment of its flush function, which holds its settings.
    """

    name: str
    region: str
    outputs: Mapping[str, str]
    environment: Mapping[str, str]


def find_stack(session: boto3.Session, name: str) -> Stack:
    """Return the stack of that name in the session's account and region.

    Raises:
        NoStack: there is none.
        EdgesweepError: it is not one of ours.
    """
    region = session.region_name
    try:
        found = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise NoStack(name, region) from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    if "FlushFunction" not in outputs:
        msg = f"The stack {name} in {region} has no output FlushFunction; is it Edgesweep's?"
        raise EdgesweepError(msg)
    function = session.client("lambda").get_function_configuration(
        FunctionName=outputs["FlushFunction"]
    )
    environment = function.get("Environment", {}).get("Variables", {})
    return Stack(name, region, outputs, environment)
