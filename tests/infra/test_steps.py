"""After a deployment or a removal nobody has to ask what comes next."""

import io
import json
import sys
from collections.abc import Iterator, Mapping

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from moto import mock_aws

from edgesweep.aws.s3 import Bucket
from edgesweep.flush.gaps import EVENTBRIDGE
from edgesweep.operate.stack import Stack, before_removal
from infra import steps
from infra.parameters import respond
from infra.steps import after_deployment
from tests.fakes.wiring import notifications_of

OUTPUTS = {"Buckets": "my-site,shop", "DirtyTable": "dirty", "FlushesTable": "flushes"}
STACK = Stack("edgesweep-prod", "eu-west-1", OUTPUTS, {})
DEMO = Stack("edgesweep-demo", "eu-west-1", OUTPUTS, {"NOTIFIED_QUEUE": "arn:aws:sqs:::q"})
QUESTION = {"stack": "edgesweep-prod", "region": "us-east-1", "kept": True}


def test_attach() -> None:
    """A bucket that is not attached is to be attached, with a command that can be pasted."""
    assert after_deployment(STACK, ["my-site", "shop"]) == (
        "edgesweep-prod is deployed. Next: edgesweep attach my-site --region eu-west-1 && "
        "edgesweep attach shop --region eu-west-1"
    )


def test_upload() -> None:
    """Where every bucket is attached, the next thing is an upload."""
    assert after_deployment(STACK, []) == (
        "edgesweep-prod is deployed. Next: upload something to my-site or shop, then run "
        "edgesweep status --stack edgesweep-prod --region eu-west-1"
    )


def test_removal() -> None:
    """A removal says what it loses and what it leaves behind."""
    waiting, attached, tables = before_removal(STACK, "5 changes", ["my-site"], kept=True)

    assert waiting == "5 changes will not be sent; invalidate /* once instead"
    assert attached.startswith("shop keeps publishing events; if nothing else needs them, run ")
    assert attached.endswith(" run edgesweep detach shop --region eu-west-1")
    assert tables.startswith("The tables stay, with their data: dirty, flushes; ")


@pytest.mark.parametrize(("stack", "silent"), [(STACK, ["my-site", "shop"]), (DEMO, [])])
def test_clean_removal(stack: Stack, silent: list[str]) -> None:
    """Nothing is said where nothing waits, nothing stays and nobody was attached by a person."""
    assert list(before_removal(stack, "", silent, kept=False)) == []


@pytest.fixture(name="outputs")
def _outputs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """The outputs of a stack whose bucket publishes its events."""
    with mock_aws(), notifications_of("my-site"):
        session = boto3.Session(region_name="us-east-1")
        Bucket(session.client("s3"), "my-site").replace({EVENTBRIDGE: {}})
        session.client("dynamodb").create_table(
            TableName="dirty",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        made = {
            name: session.client("sqs").create_queue(QueueName=name)["QueueUrl"]
            for name in ("QueueUrl", "DeadLetterQueueUrl")
        }
        outputs = {"Buckets": "my-site,gone", "DirtyTable": "dirty", **made}
        stack = Stack("edgesweep-prod", "us-east-1", outputs, {})
        monkeypatch.setattr(steps, "find_stack", lambda *_: stack)
        yield outputs


def ask(monkeypatch: pytest.MonkeyPatch, command: str) -> int:
    """Ask what osls asks, and return the exit code."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(QUESTION | {"command": command})))
    return respond(steps.lines, BotoCoreError, ClientError)


@pytest.mark.usefixtures("outputs")
def test_deployed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A bucket that cannot be looked at is to be attached as well."""
    assert ask(monkeypatch, "deploy") == 0

    (line,) = json.loads(capsys.readouterr().out)
    assert line.endswith("Next: edgesweep attach gone --region us-east-1")


def test_removed(
    outputs: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Waiting changes are counted in the table and in both queues."""
    assert ask(monkeypatch, "remove") == 0
    assert "wait" not in capsys.readouterr().out

    boto3.client("dynamodb", "us-east-1").put_item(TableName="dirty", Item={"pk": {"S": "a"}})
    for name in ("QueueUrl", "DeadLetterQueueUrl"):
        boto3.client("sqs", "us-east-1").send_message(QueueUrl=outputs[name], MessageBody="a")
    assert ask(monkeypatch, "remove") == 0

    waiting, attached, _ = json.loads(capsys.readouterr().out)
    assert waiting.startswith("1 waiting changes, and about 2 in the queues, will not be sent")
    assert attached.startswith("my-site keeps publishing")


def test_unreachable(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A failure of AWS is one line."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    assert ask(monkeypatch, "deploy") == 2
    assert capsys.readouterr().err.count("\n") == 1
