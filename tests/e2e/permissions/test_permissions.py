"""Without one of its permissions a function fails or continues as documented, and loses nothing.

Lambda itself does the work that *stops*. The embedded AWS does it without asking IAM, so for those
permissions the test shows only that work resumes.
"""

import json
import re
import secrets
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.aws import ROOT, EmbeddedAws, embedded_aws
from infra.local.watch import uncovered
from tests.e2e.conftest import EXISTING, RESTING, Stack, make_distribution

CONFIG = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
CODE = b"function handler(event) { return event.request; }"
ROW = re.compile(r"^\| (record|flush) \| `(\S+)` \| (fails|continues|stops) \|", re.MULTILINE)
DOCUMENTED = ROW.findall((ROOT / "docs" / "operating.md").read_text())


@dataclass(frozen=True, slots=True)
class Functions:
    """Both functions of a stack whose schedule and queue rest: they run when they are called.

    Rows wake nothing: a wake may do less than a flush, and its work waits for that.
    """

    stack: Stack

    def record(self, key: str) -> bool:
        """Hand the record function a change; return whether it took it."""
        body = json.dumps({"Records": [_event(self.stack.bucket, key)]})
        answer = self._call("RecordFunction", {"Records": [{"messageId": "1", "body": body}]})
        return answer is not None and answer["batchItemFailures"] == []

    def flush(self) -> bool:
        """Call the flush function; return whether it ended well."""
        return self._call("FlushFunction", {}) is not None

    def waits(self, key: str) -> bool:
        """Tell whether a change has a row."""
        return key in self.stack.dirty_keys()

    def fresh(self, key: str, since: datetime) -> bool:
        """Tell whether a key was invalidated since a moment."""
        return not uncovered({f"/{key}": since}, self.stack.watch.invalidations())

    def routes(self) -> str:
        """Return the JSON of the routes that are kept, with the refusals that were met."""
        item = self.stack.aws.client("dynamodb").get_item(
            TableName=self.stack.outputs["FlushesTable"],
            Key={"pk": {"S": "routes"}, "sk": {"S": "3"}},
        )["Item"]
        return zlib.decompress(item["kept"]["B"]).decode()

    def restart(self, role: str) -> None:
        """Let the next call of a function be a cold start, which looks at everything again."""
        self.stack.aws.client("lambda").update_function_configuration(
            FunctionName=self.stack.outputs[f"{role.capitalize()}Function"],
            MemorySize=1024 + secrets.randbelow(1024),
        )

    @contextmanager
    def without(self, role: str, action: str) -> Iterator[None]:
        """Take a permission away during the block."""
        iam, name = self.stack.aws.client("iam"), self._role(role)
        before = {
            policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        }
        for policy, document in before.items():
            self._put(name, policy, _without(document, action))
        try:
            yield
        finally:
            for policy, document in before.items():
                self._put(name, policy, document)

    def _put(self, role: str, policy: str, document: Any) -> None:  # noqa: ANN401  # IAM
        self.stack.aws.client("iam").put_role_policy(
            RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document)
        )

    def _role(self, function: str) -> str:
        found = self.stack.aws.client("cloudformation").describe_stack_resource(
            StackName="edgesweep-dev", LogicalResourceId=f"{function.capitalize()}Role"
        )
        name: str = found["StackResourceDetail"]["PhysicalResourceId"]
        return name

    def _call(self, output: str, event: object) -> Any:  # noqa: ANN401  # what handlers return
        """Return what a function returns, None if it fails."""
        answer = self.stack.aws.client("lambda").invoke(
            FunctionName=self.stack.outputs[output], Payload=json.dumps(event)
        )
        body = json.loads(answer["Payload"].read() or "null")
        return None if "FunctionError" in answer else body or {}


@pytest.fixture(scope="module", name="functions")
def _functions() -> Iterator[Functions]:
    with embedded_aws(speed=RESTING, name="e2e-permissions") as aws:
        aws.client("s3").create_bucket(Bucket=EXISTING)
        rewrite(aws, make_distribution(aws, EXISTING))
        waits = {"quietSeconds": "0", "maxWaitSeconds": "1", "wake": "false"}
        outputs = aws.deploy("dev", bucket=EXISTING, **waits)
        (distribution,) = aws.client("cloudfront").list_distributions()["DistributionList"]["Items"]
        stack = Stack(aws, {**outputs, "Distribution": distribution["Id"]}, EXISTING)
        functions = Functions(stack)
        assert functions.flush()  # which finds the distribution
        yield functions


@pytest.mark.parametrize(("role", "action", "effect"), DOCUMENTED)
def test_without(functions: Functions, role: str, action: str, effect: str) -> None:
    """A change that comes while a permission is missing is swept once it is back."""
    key, before = f"{role}/{action}/{secrets.token_hex(4)}", datetime.now(UTC)
    functions.stack.s3.put_object(Bucket=EXISTING, Key=key, Body=b"")
    if action.startswith("sqs:") and role == "flush":
        _dead_letter(functions, key)
    functions.restart(role)
    if action == "cloudfront:TestFunction":
        publish(functions.stack.aws)

    with functions.without(role, action):
        taken = functions.record(key)
        went_on = functions.flush() if role == "flush" else taken

    assert (action in functions.routes()) is action.endswith("Function")
    assert went_on is (effect != "fails")
    assert taken or role == "record"
    assert functions.waits(key) or functions.fresh(key, before) or not taken
    assert taken or functions.record(key)
    assert functions.flush()
    assert functions.fresh(key, before)
    assert functions.flush()
    assert not functions.waits(key)


def rewrite(aws: EmbeddedAws, distribution: str) -> None:
    """Let a function see the requests of a distribution."""
    cloudfront = aws.client("cloudfront")
    made = cloudfront.create_function(Name="index", FunctionConfig=CONFIG, FunctionCode=CODE)
    cloudfront.publish_function(Name="index", IfMatch=made["ETag"])
    read = cloudfront.get_distribution_config(Id=distribution)
    arn = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    seen = {"FunctionARN": arn, "EventType": "viewer-request"}
    read["DistributionConfig"]["DefaultCacheBehavior"]["FunctionAssociations"] = {
        "Quantity": 1,
        "Items": [seen],
    }
    cloudfront.update_distribution(
        Id=distribution, IfMatch=read["ETag"], DistributionConfig=read["DistributionConfig"]
    )


def publish(aws: EmbeddedAws) -> None:
    """Publish the function's code once more, so that it has to be asked again."""
    cloudfront = aws.client("cloudfront")
    draft = cloudfront.describe_function(Name="index", Stage="DEVELOPMENT")["ETag"]
    cloudfront.publish_function(Name="index", IfMatch=draft)


def _dead_letter(functions: Functions, key: str) -> None:
    body = json.dumps({"Records": [_event(EXISTING, f"{key}/dead")]})
    functions.stack.aws.client("sqs").send_message(
        QueueUrl=functions.stack.outputs["DeadLetterQueueUrl"], MessageBody=body
    )


def _without(value: Any, action: str) -> Any:  # noqa: ANN401  # IAM
    """Return a policy without an action; a statement that allows nothing else goes."""
    statements: Sequence[Any] = value["Statement"]
    left = [{**one, "Action": [a for a in one["Action"] if a != action]} for one in statements]
    return {**value, "Statement": [one for one in left if one["Action"]]}


def _event(bucket: str, key: str) -> dict[str, Any]:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1, "eTag": "e"}},
    }
