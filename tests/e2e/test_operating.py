"""A person operates a deployed stack with the installed command, and no rights but their own."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.aws import ACCOUNT
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
    "cloudfront:GetDistributionConfig",
    "dynamodb:BatchWriteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
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

    def run(self, *arguments: str) -> Finished:
        """Run a command about the stack."""
        return subprocess.run(
            [EDGESWEEP, *arguments, "--stage", STAGE],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def reads(self, *arguments: str) -> Any:  # noqa: ANN401  # JSON
        """Run a command that has nothing to complain of, and return what it prints."""
        result = self.run(*arguments, "--json")
        assert (result.returncode, result.stderr) == (0, "")
        return json.loads(result.stdout)


def person(stack: Stack, name: str, actions: Sequence[str]) -> Person:
    """Return a new user of the account who may do this and nothing else."""
    iam = stack.aws.client("iam")
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=policy)
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
        rehearsed = operator.reads("flush", "--dry-run")
        assert len(stack.watch.invalidations()) == before
        (sent,) = operator.reads("flush")

        (paths,) = sent["invalidations"]
        assert [rehearsed[0]["invalidations"], rehearsed[0]["rows"]] == [[paths], sent["rows"]]
        assert waiting["dirty"] == sent["rows"] >= 2
        invalidation = stack.watch.invalidations()[-1]
        assert sorted(invalidation.paths) == sorted(paths)
        assert all(map(invalidation.matches, ["/operated/one page.html", "/operated/é.html"]))
        newest = operator.reads("flushes", "--limit", "1")[0]
        assert newest["state"] == "settled"
        assert newest["invalidations"] == [invalidation.identity]
        full = operator.reads("flushes", sent["flush"])
        assert full == newest | {"quoted_paths": paths}
        (swept,) = operator.reads("status")["distributions"]
        assert (swept["dirty"], swept["reason"]) == (0, "nothing waits")


def test_redrive(stack: Stack, operator: Person) -> None:
    """A change whose report ended among the dead letters is swept once they are sent back."""
    report = {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventTime": "2026-11-24T12:00:00.000Z",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": stack.bucket}, "object": {"key": "redriven.html"}},
            }
        ]
    }
    sqs, url = stack.aws.client("sqs"), stack.outputs["DeadLetterQueueUrl"]
    with stack.resting_schedule():
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(report))

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


@pytest.mark.parametrize(
    ("command", "permission"),
    [
        (("flush",), "dynamodb:UpdateItem"),
        (("redrive",), "sqs:ReceiveMessage"),
    ],
)
def test_onlooker(stack: Stack, onlooker: Person, command: Sequence[str], permission: str) -> None:
    """Who may only look reads what there is, and is told in one line what else it takes."""
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
    """Keys that nobody gave out are told as such, in one line."""
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
