"""A pipeline waits for the edge, and a program asks for paths with no right but the stack's."""

import json
import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from random import Random

import boto3
import pytest

from infra.local.aws import REGION
from infra.local.edge.server import serving
from infra.local.rounds import play
from tests.e2e.conftest import PATIENCE_SECONDS, Stack
from tests.e2e.shared.test_operating import LOOKING, await_rows, person

ROUNDS = 3
# Seconds until the edge has taken an invalidation: who does not wait for that gets old bytes.
DELAY = 5.0
FILES = [f"waited/{number}.html" for number in range(20)]
WAITING = ("dynamodb:BatchGetItem", "s3:GetObject", "s3:ListBucket")


@pytest.fixture(scope="module", name="stack")
def _stack(stacks: Mapping[str, Stack]) -> Stack:
    return stacks["notified"]


def test_sync_and_wait(stack: Stack, tmp_path: Path) -> None:
    """After each upload it returns once no reader gets old bytes, and then finds nothing."""
    waiter = person(stack, "waiter", LOOKING + WAITING)
    arguments = ("wait", "--completed", "--timeout", str(PATIENCE_SECONDS), "--json", "--after")

    def pipeline(folder: Path) -> None:
        stack.cli("s3", "sync", str(folder), f"s3://{stack.bucket}", "--only-show-errors")
        ended = waiter.run(*arguments, str(folder))
        assert ended.returncode == 0, ended.stderr

    clients = {name: stack.aws.client(name) for name in ("s3", "cloudfront")}
    with serving(clients, stack.outputs["Distribution"], listable=False, delay=DELAY) as edge:
        rounds = islice(play(tmp_path, FILES, edge.url, pipeline, Random(0)), ROUNDS)  # noqa: S311  # repeatable
        assert [one.stale for one in rounds] == [[]] * ROUNDS
        again = json.loads(waiter.run(*arguments, str(tmp_path)).stdout)
    assert (again["changed"], again["completed"], again["skipped"]) == (False, True, {})


def test_now(stack: Stack, tmp_path: Path) -> None:
    """If nothing flushes, it ends at its timeout with the reason; --now asks for a flush.

    A person who may not ask learns at once which right is missing.
    """
    waiter = person(stack, "patient", LOOKING + WAITING)
    hasty = person(stack, "hasty", (*LOOKING, *WAITING, "lambda:InvokeFunction"))
    (tmp_path / "now.html").write_text("now\n")
    after, distribution = ("--after", str(tmp_path)), stack.outputs["Distribution"]
    with stack.resting_schedule():
        stack.cli("s3", "sync", str(tmp_path), f"s3://{stack.bucket}", "--only-show-errors")
        await_rows(stack, "now.html")
        before = len(stack.watch.invalidations())

        late = waiter.run("wait", *after, "--timeout", "5")
        denied = waiter.run("wait", *after, "--now")
        assert len(stack.watch.invalidations()) == before
        asked = hasty.run("wait", *after, "--now", "--timeout", str(PATIENCE_SECONDS))

        sent = stack.watch.invalidations()[before:]
    assert late.returncode == 3
    assert f"The time is over: {distribution}: " in late.stderr
    assert denied.returncode == 1
    assert "The permission lambda:InvokeFunction" in denied.stderr
    assert asked.returncode == 0, asked.stderr
    assert any(one.matches("/now.html") for one in sent)


def test_unreadable(stack: Stack, tmp_path: Path) -> None:
    """A person who may not read the objects learns at once which right is missing."""
    blind = person(stack, "blind", (*LOOKING, "dynamodb:BatchGetItem", "s3:ListBucket"))
    (tmp_path / "index.html").touch()

    ended = blind.run("wait", "--after", str(tmp_path))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "The permission s3:GetObject" in ended.stderr.splitlines()[-1]


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
    assert onlooker.reads("flushes", found[0].identity)["by"] == ["a CMS"]
