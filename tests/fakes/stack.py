"""A deployed stack, as far as CloudFormation and Lambda tell of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from tests.aws import listening

Answered = tuple[object, dict[str, Any]]

OUTPUTS = {
    "DirtyTable": "dirty",
    "FlushesTable": "flushes",
    "FlushFunction": "edgesweep-prod-flush",
    "RecordFunction": "edgesweep-prod-record",
}
ENVIRONMENT = {"DIRTY_TABLE": "dirty", "FLUSHES_TABLE": "flushes"}


class DeployedStack:
    """Answers for one stack, and for its flush function.

    Attributes:
        name: the stack.
        outputs: what it tells of its resources.
        environment: of its flush function.
    """

    def __init__(
        self,
        name: str,
        outputs: Mapping[str, str] = OUTPUTS,
        environment: Mapping[str, str] = ENVIRONMENT,
    ) -> None:
        self.name = name
        self.outputs = dict(outputs)
        self.environment = dict(environment)

    def describe(self, params: dict[str, Any], **_: object) -> Answered:
        """Answer DescribeStacks."""
        asked = params["body"]["StackName"]
        if asked != self.name:
            message = f"Stack with id {asked} does not exist"
            return refusal("ValidationError", message, status=400)
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        return answer({"Stacks": [{"StackName": self.name, "Outputs": outputs}]})

    def function(self, params: dict[str, Any], **_: object) -> Answered:
        """Answer GetFunctionConfiguration."""
        assert self.outputs["FlushFunction"] in params["url_path"]
        return answer({"Environment": {"Variables": self.environment}})


@contextmanager
def deployed(name: str = "edgesweep-prod", **told: Mapping[str, str]) -> Iterator[DeployedStack]:
    """Let there be one stack, and no other, in every region of which clients are made meanwhile."""
    stack = DeployedStack(name, **told)
    with (
        listening("before-call.cloudformation.DescribeStacks", stack.describe),
        listening("before-call.lambda.GetFunctionConfiguration", stack.function),
    ):
        yield stack


def refusal(code: str, message: str, status: int = 403) -> Answered:
    """Return what a listener for `before-call` answers when AWS refuses."""
    error = {"Code": code, "Message": message}
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}}
    return SimpleNamespace(status_code=status), {"Error": error, "ResponseMetadata": metadata}


def answer(parsed: dict[str, Any]) -> Answered:
    """Return what a listener for `before-call` answers when AWS does what it is asked."""
    return SimpleNamespace(status_code=200), parsed
