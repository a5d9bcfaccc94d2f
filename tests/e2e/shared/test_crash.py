"""A flush that dies, and one that is refused: nothing is lost, and nothing is paid twice."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from edgesweep.flush.sweeping import MARGIN
from infra.local.aws import ROOT
from tests.e2e.conftest import PATIENCE_SECONDS, Stack, await_true

# The deployed handler, in a process that is killed as soon as CloudFront has answered.
DOOMED = """
import os, signal, sys
sys.path.insert(0, ".")
import botocore.handlers
botocore.handlers.BUILTIN_HANDLERS.append((
    "after-call.cloudfront.CreateInvalidation", lambda **_: os.kill(os.getpid(), signal.SIGKILL)
))
import handlers.flush
handlers.flush.handler({}, None)
"""
INVALIDATE = "cloudfront:CreateInvalidation"


@pytest.fixture(scope="module", name="stack")
def _stack(stacks: Mapping[str, Stack]) -> Stack:
    return stacks["notified"]


@pytest.fixture(scope="module", name="function")
def _function(stack: Stack) -> Any:  # noqa: ANN401  # a boto3 answer
    lambdas = stack.aws.client("lambda")
    return lambdas.get_function_configuration(FunctionName=stack.outputs["FlushFunction"])


@pytest.fixture(scope="module", name="role")
def _role(function: Any) -> str:  # noqa: ANN401  # a boto3 answer
    return str(function["Role"].rpartition("/")[2])


@pytest.fixture(scope="module", name="doomed")
def _doomed(stack: Stack, function: Any, role: str) -> Mapping[str, str]:  # noqa: ANN401  # a boto3 answer
    """The environment of the flush function, with the permissions of its role and no more."""
    iam = stack.aws.client("iam")
    iam.create_user(UserName="doomed")
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        iam.put_user_policy(UserName="doomed", PolicyName=name, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="doomed")["AccessKey"]
    return {
        **stack.aws.environment,
        **function["Environment"]["Variables"],
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }


def test_killed(stack: Stack, doomed: Mapping[str, str]) -> None:
    """Killed between sending and deleting: the next tick finishes, and one invalidation is paid."""
    charged = ledger(stack)
    with stack.resting_schedule():
        at = upload(stack, "killed.html")
        # Until the upload has come to rest; a row that is younger may be newer than the flush.
        time.sleep(MARGIN.total_seconds() + 1)

        ended = subprocess.run(
            [sys.executable, "-c", DOOMED], env=doomed, cwd=ROOT, capture_output=True, check=False
        )

        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
        assert len(sent(stack, "killed.html")) == 1
        assert stack.dirty_keys() == {"killed.html"}
        assert unfinished(stack)

    stack.watch.await_sweep({"/killed.html": at}, PATIENCE_SECONDS)
    await_true(lambda: not unfinished(stack))
    assert len(sent(stack, "killed.html")) == 1
    assert ledger(stack) == charged + 1


def test_revoked(stack: Stack, role: str) -> None:
    """Without the right to invalidate nothing is lost, and the alarm's metric says so."""
    charged, began = ledger(stack), datetime.now(UTC)

    with stack.resting_wakes(), revoked(stack, role, INVALIDATE):
        upload(stack, "revoked.html")
        await_true(lambda: measured(stack, "StuckAlarm", began) > 0)
        assert sent(stack, "revoked.html") == []
        assert "revoked.html" in stack.dirty_keys()

    stack.watch.await_sweep({"/revoked.html": began}, PATIENCE_SECONDS)
    await_true(lambda: not unfinished(stack))
    assert len(sent(stack, "revoked.html")) == 1
    assert ledger(stack) == charged + 1


def upload(stack: Stack, key: str) -> datetime:
    """Upload an object; return when, once it is recorded."""
    at = datetime.now(UTC)
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=str(at).encode())
    await_true(lambda: key in stack.dirty_keys())
    return at


def sent(stack: Stack, key: str) -> list[str]:
    """Return the ids of the invalidations that match an object."""
    return [one.identity for one in stack.watch.invalidations() if one.matches(f"/{key}")]


def ledger(stack: Stack) -> int:
    """Return how many paths were charged in all months."""
    dynamodb = stack.aws.client("dynamodb")
    found = dynamodb.query(
        TableName=stack.outputs["FlushesTable"],
        KeyConditionExpression="pk = :ledger",
        ExpressionAttributeValues={":ledger": {"S": "ledger"}},
        ConsistentRead=True,
    )
    return sum(int(item["paths"]["N"]) for item in found["Items"])


def unfinished(stack: Stack) -> bool:
    """Tell whether a flush is neither settled nor rejected."""
    key = {"pk": {"S": f"lease#{stack.outputs['Distribution']}"}, "sk": {"S": "lease"}}
    table = stack.outputs["FlushesTable"]
    found = stack.aws.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
    return "unfinished" in found.get("Item", {})


@contextmanager
def revoked(stack: Stack, role: str, action: str) -> Iterator[None]:
    """Take a right from a role for a while."""
    iam = stack.aws.client("iam")
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    denial = {"Effect": "Deny", "Action": action, "Resource": "*"}
    without = {**policy, "Statement": [*policy["Statement"], denial]}
    place = {"RoleName": role, "PolicyName": name}
    iam.put_role_policy(**place, PolicyDocument=json.dumps(without))
    try:
        yield
    finally:
        iam.put_role_policy(**place, PolicyDocument=json.dumps(policy))


def measured(stack: Stack, alarm: str, since: datetime) -> float:
    """Return the sum of an alarm's metric, as the flush function has logged it since a moment."""
    cloudwatch, logs = stack.aws.client("cloudwatch"), stack.aws.client("logs")
    (watched,) = [
        one
        for page in cloudwatch.get_paginator("describe_alarms").paginate()
        for one in page["MetricAlarms"]
        if alarm in one["AlarmName"] and "test" in one["AlarmName"]
    ]
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{stack.outputs['FlushFunction']}",
        startTime=int(since.timestamp() * 1_000),
    )
    total = 0.0
    for event in (event for page in pages for event in page["events"]):
        if '"_aws"' in event["message"]:
            said = json.loads(event["message"])
            if _concerns(said, watched):
                total += sum(said[watched["MetricName"]])
    return total


def _concerns(said: Mapping[str, Any], watched: Mapping[str, Any]) -> bool:
    """Tell whether a log line in CloudWatch's metric format feeds an alarm."""
    (directive,) = said["_aws"]["CloudWatchMetrics"]
    names = {metric["Name"] for metric in directive["Metrics"]}
    dimensions = {one["Name"]: one["Value"] for one in watched["Dimensions"]}
    return (
        directive["Namespace"] == watched["Namespace"]
        and watched["MetricName"] in names
        and set(dimensions) in map(set, directive["Dimensions"])
        and all(said[name] == value for name, value in dimensions.items())
    )
