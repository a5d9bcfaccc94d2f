"""A pipeline waits for the edge, and a program asks for paths with no right but the stack's."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random

import boto3
import pytest

from infra.local.aws import REGION
from tests.e2e.conftest import PATIENCE_SECONDS, Stack
from tests.e2e.shared.test_operating import LOOKING, person

ROUNDS = 3
FILES = [f"waited/{number}.html" for number in range(20)]
WAITING = ("dynamodb:BatchGetItem", "s3:GetObject", "s3:ListBucket")


@pytest.fixture(scope="module", name="stack")
def _stack(stacks: Mapping[str, Stack]) -> Stack:
    return stacks["notified"]


def test_sync_and_wait(stack: Stack, tmp_path: Path) -> None:
    """After each upload it returns once all that changed is sent, and then finds nothing."""
    waiter, random = person(stack, "waiter", LOOKING + WAITING), Random(0)  # noqa: S311  # repeatable
    arguments = ("wait", "--completed", "--timeout", str(PATIENCE_SECONDS), "--json", "--after")
    for number in range(ROUNDS):
        changed = random.sample(FILES, 5) if number else FILES
        for name in changed:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(f"round {number}\n")
        before = len(stack.watch.invalidations())
        stack.cli("s3", "sync", str(tmp_path), f"s3://{stack.bucket}", "--only-show-errors")

        ended = waiter.run(*arguments, str(tmp_path))

        assert ended.returncode == 0, ended.stderr
        sent = stack.watch.invalidations()[before:]
        assert [one for one in changed if not any(made.matches(f"/{one}") for made in sent)] == []
    again = json.loads(waiter.run(*arguments, str(tmp_path)).stdout)
    assert (again["changed"], again["completed"], again["skipped"]) == (False, True, {})


def test_request(stack: Stack) -> None:
    """The managed policy lets a program send its message; the flush says by whom."""
    iam, policy = stack.aws.client("iam"), stack.outputs["RequestPolicy"]
    iam.create_user(UserName="cms")
    iam.attach_user_policy(UserName="cms", PolicyArn=policy)
    key = iam.create_access_key(UserName="cms")["AccessKey"]
    sqs = boto3.client(
        "sqs",
        endpoint_url=stack.aws.endpoint,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    message = {"edgesweep": "invalidate", "paths": ["/asked%2ffor.html", "#asked"], "by": "a CMS"}

    sqs.send_message(QueueUrl=stack.outputs["QueueUrl"], MessageBody=json.dumps(message))

    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := [one for one in stack.watch.invalidations() if "#asked" in one.paths]):
        assert time.monotonic() < deadline, "The request is not sent"
        time.sleep(0.5)
    assert "/asked%2ffor.html" in found[0].paths
    onlooker = person(stack, "reader", LOOKING)
    assert onlooker.reads("flushes", found[0].identity)["by"] == {"a CMS": 2}
