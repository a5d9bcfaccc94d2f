"""A rule of the account's event bus hears of each sweep."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from infra.local.aws import ROOT
from tests.e2e.conftest import Stack, await_true

SCHEMA = json.loads((ROOT / "docs" / "events.schema.json").read_text())
KEY = "announced.html"


@contextmanager
def hearing(stack: Stack) -> Iterator[list[Any]]:
    """Collect the events of the stacks during the block."""
    events, sqs = stack.aws.client("events"), stack.aws.client("sqs")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(Name="heard", EventPattern=json.dumps({"source": ["edgesweep"]}))
    events.put_targets(Rule="heard", Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}])
    heard: list[Any] = []

    def swept() -> bool:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        heard.extend(json.loads(message["Body"]) for message in messages)
        return any(f"/{KEY}" in one["detail"].get("paths", ()) for one in heard)

    try:
        yield heard
        await_true(swept)
    finally:
        events.remove_targets(Rule="heard", Ids=["queue"])
        events.delete_rule(Name="heard")
        sqs.delete_queue(QueueUrl=url)


def test_swept(stacks: Mapping[str, Stack]) -> None:
    """A sweep is announced with its paths, as the schema says."""
    stack = stacks["notified"]

    with hearing(stack) as heard:
        stack.s3.put_object(Bucket=stack.bucket, Key=KEY, Body=b"new")

    assert {one["source"] for one in heard} == {"edgesweep"}
    for one in heard:
        Draft202012Validator(SCHEMA).validate({one["detail-type"]: one["detail"]})
    (swept,) = [one["detail"] for one in heard if f"/{KEY}" in one["detail"].get("paths", ())]
    assert swept["distribution"] == stack.outputs["Distribution"]
    assert swept["seconds"] > 0
    stack.s3.delete_object(Bucket=stack.bucket, Key=KEY)
