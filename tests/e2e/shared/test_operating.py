"""A person operates a deployed stack with the installed command, and only their own permissions."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from edgesweep.aws.sqs import REDRIVEN, DeadLetterQueue
from edgesweep.flush.redrive import ATTEMPTS, FIRST_WAIT, Redriver
from infra.local.aws import ACCOUNT, REGION
from tests.e2e.conftest import PATIENCE_SECONDS, Stack

EDGESWEEP = Path(sys.executable).with_name("edgesweep")
# The stack of the demo site, which is reported to the queue directly.
STAGE = "test"

LOOKING = (
    "cloudformation:DescribeStacks",
    "cloudfront:GetInvalidation",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "lambda:GetFunctionConfiguration",
    "sqs:GetQueueAttributes",
)
FLUSHING = (
    "cloudfront:CreateInvalidation",
    "cloudfront:GetCachePolicy",
    "cloudfront:GetDistribution",
    "dynamodb:BatchWriteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "events:PutEvents",
    "s3:ListBucket",
)
REDRIVING = (
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
)

Finished = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Person:
    """Somebody at a terminal.

    Attributes:
        environment: theirs, with their keys.
    """

    environment: Mapping[str, str]

    def run(self, *arguments: str, stdout: int = subprocess.PIPE) -> Finished:
        """Run a command about the stack."""
        return subprocess.run(
            [EDGESWEEP, *arguments, "--stage", STAGE],
            env=self.environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    def runs_unread(self, *arguments: str) -> Finished:
        """Run a command whose output nobody reads."""
        ours, theirs = os.pipe()
        os.close(ours)
        try:
            return self.run(*arguments, stdout=theirs)
        finally:
            os.close(theirs)

    def reads(self, *arguments: str) -> Any:  # noqa: ANN401  # JSON
        """Run a command that has nothing to complain of, and return what it prints."""
        result = self.run(*arguments, "--json")
        assert (result.returncode, result.stderr) == (0, "")
        return json.loads(result.stdout)


def person(stack: Stack, name: str, actions: Sequence[str]) -> Person:
    """Return a new user of the account who may do this and nothing else."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return user(stack, name, {"Version": "2012-10-17", "Statement": [statement]})


def user(stack: Stack, name: str, policy: Mapping[str, Any]) -> Person:
    """Return a new user of the account who has one policy."""
    iam = stack.aws.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    return Person({**stack.aws.environment, **keys})


@pytest.fixture(scope="module", name="stack")
def _stack(stacks: Mapping[str, Stack]) -> Stack:
    return stacks["notified"]


@pytest.fixture(scope="module", name="operator")
def _operator(stack: Stack) -> Person:
    return person(stack, "operator", LOOKING + FLUSHING + REDRIVING)


@pytest.fixture(scope="module", name="onlooker")
def _onlooker(stack: Stack) -> Person:
    return person(stack, "onlooker", LOOKING)


def report(stack: Stack, key: str) -> str:
    """Return what S3 reports of a created object."""
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": "2026-11-24T12:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": stack.bucket}, "object": {"key": key}},
    }
    return json.dumps({"Records": [record]})


def await_rows(stack: Stack, *keys: str) -> None:
    """Return once objects have dirty rows."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not stack.dirty_keys() >= set(keys):
        assert time.monotonic() < deadline, f"{keys} are not recorded"
        time.sleep(0.2)


def upload(stack: Stack, *keys: str) -> None:
    """Upload objects, and return once they are recorded."""
    for key in keys:
        stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=str(datetime.now(UTC)).encode())
    await_rows(stack, *keys)


def test_flush(stack: Stack, operator: Person) -> None:
    """What status shows to wait is what a dry run names, a flush sends, and flushes lists."""
    with stack.resting_schedule():
        upload(stack, "operated/one page.html", "operated/é.html")
        before = len(stack.watch.invalidations())

        (waiting,) = operator.reads("status")["distributions"]
        dry = operator.reads("flush", "--dry-run")
        assert len(stack.watch.invalidations()) == before
        (sent,) = operator.reads("flush")

        paths = sent["paths"]
        assert [dry[0]["paths"], dry[0]["rows"]] == [paths, sent["rows"]]
        assert waiting["dirty"] == sent["rows"] >= 2
        invalidation = stack.watch.invalidations()[-1]
        assert sorted(invalidation.paths) == sorted(paths)
        assert all(map(invalidation.matches, ["/operated/one page.html", "/operated/é.html"]))
        newest = operator.reads("flushes", "--limit", "1")[0]
        assert newest["state"] == "settled"
        assert newest["invalidations"] == sent["invalidations"] == [invalidation.identity]
        assert operator.reads("flushes", sent["flush"]) == newest
        assert newest["paths"] == paths
        (swept,) = operator.reads("status")["distributions"]
        assert (swept["dirty"], swept["reason"]) == (0, "nothing waits")


def test_redrive(stack: Stack, operator: Person) -> None:
    """A change whose report ended among the dead letters is swept once they are sent back."""
    sqs, url = stack.aws.client("sqs"), stack.outputs["DeadLetterQueueUrl"]
    with stack.resting_schedule():
        sqs.send_message(QueueUrl=url, MessageBody=report(stack, "redriven.html"))

        assert operator.reads("status")["dead_letters"] == 1
        dry = operator.run("redrive", "--dry-run")
        assert dry.stdout == "1 message would go back to the queue\n"
        assert "redriven.html" not in stack.dirty_keys()
        told = operator.run("redrive")

        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout == "1 message went back to the queue\n"
        await_rows(stack, "redriven.html")
        assert operator.reads("status")["dead_letters"] == 0
        changed_at = datetime.now(UTC)
    stack.watch.await_sweep({"/redriven.html": changed_at}, PATIENCE_SECONDS)


def test_redriven_by_itself(stack: Stack) -> None:
    """The flush function's role is enough to send back what is due, and to leave what is not."""
    iam, outputs = stack.aws.client("iam"), stack.outputs
    function = stack.aws.client("lambda").get_function_configuration(
        FunctionName=outputs["FlushFunction"]
    )
    role = {"RoleName": function["Role"].rpartition("/")[2], "PolicyName": "flush"}
    flusher = user(stack, "flusher", iam.get_role_policy(**role)["PolicyDocument"]).environment
    sqs = boto3.client(
        "sqs",
        endpoint_url=stack.aws.endpoint,
        region_name=REGION,
        aws_access_key_id=flusher["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=flusher["AWS_SECRET_ACCESS_KEY"],
    )
    dead = DeadLetterQueue(sqs, outputs["DeadLetterQueueUrl"], outputs["QueueUrl"])
    often = {REDRIVEN: {"DataType": "Number", "StringValue": str(ATTEMPTS)}}
    root = partial(stack.aws.client("sqs").send_message, QueueUrl=outputs["DeadLetterQueueUrl"])
    with stack.resting_schedule():
        root(MessageBody=report(stack, "by-itself.html"))
        root(MessageBody="poison", MessageAttributes=often)

        moved = Redriver(dead, lambda: datetime.now(UTC) + FIRST_WAIT).look()

        await_rows(stack, "by-itself.html")
        visible, hidden = dead.depth()
        stack.aws.client("sqs").purge_queue(QueueUrl=outputs["DeadLetterQueueUrl"])
    assert (moved, visible, hidden) == (1, 0, 1)


def test_closed_pipe(stack: Stack, operator: Person) -> None:
    """When nobody reads what is printed, a command ends in silence, as a signal would end it."""
    url = stack.outputs["DeadLetterQueueUrl"]
    sqs = stack.aws.client("sqs")
    commands = (
        ("status",),
        ("flushes", "--json"),
        ("flush", "--dry-run"),
        ("redrive", "--dry-run"),
        ("doctor", "--json"),
    )
    with stack.resting_schedule():
        upload(stack, "unread.html")
        sqs.send_message(QueueUrl=url, MessageBody="none")
        ended = [operator.runs_unread(*command) for command in commands]
        sqs.purge_queue(QueueUrl=url)

    assert [(one.returncode, one.stderr) for one in ended] == [(141, "")] * len(commands)


@pytest.mark.parametrize(
    ("command", "permission"),
    [
        (("flush",), "dynamodb:UpdateItem"),
        (("redrive",), "sqs:ReceiveMessage"),
    ],
)
def test_onlooker(stack: Stack, onlooker: Person, command: Sequence[str], permission: str) -> None:
    """A person may look with read permissions, and one line names a permission that is missing."""
    url = stack.outputs["DeadLetterQueueUrl"]
    sqs = stack.aws.client("sqs")
    with stack.resting_schedule():
        upload(stack, "looked-at.html")
        sqs.send_message(QueueUrl=url, MessageBody="none")
        try:
            (waiting,) = onlooker.reads("status")["distributions"]
            result = onlooker.run(*command)
        finally:
            sqs.purge_queue(QueueUrl=url)

    assert waiting["dirty"] >= 1
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert f"The permission {permission}" in line
    assert f"you are arn:aws:iam::{ACCOUNT}:user/onlooker" in line


def test_stranger(stack: Stack) -> None:
    """Credentials that nobody gave out are named as such, in one line."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIA" + "X" * 16, "AWS_SECRET_ACCESS_KEY": "none"}
    stranger = Person({**stack.aws.environment, **keys})

    result = stranger.run("status")

    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("edgesweep: ")


@pytest.mark.parametrize("options", [("--stack", "not-there"), ("--region", "eu-central-1")])
def test_elsewhere(operator: Person, options: Sequence[str]) -> None:
    """A stack that is not there, or not in this region, is named in one line."""
    result = operator.run("status", *options)

    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert "There is no stack" in line
