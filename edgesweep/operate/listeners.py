"""The EventBridge rules that the events of a bucket reach."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient


def listeners(client: "EventBridgeClient", bucket: str) -> Sequence[str]:
    """Return the names of the rules of the default bus that may match events of a bucket."""
    pages = client.get_paginator("list_rules").paginate()
    rules = [rule for page in pages for rule in page["Rules"] if rule["State"] != "DISABLED"]
    return [
        rule["Name"]
        for rule in rules
        if "EventPattern" in rule and may_match(json.loads(rule["EventPattern"]), bucket)
    ]


def may_match(pattern: Mapping[str, Any], bucket: str) -> bool:
    """Tell whether an event pattern may match events of a bucket.

    A field matches "if any of the values in the array match"; an object in the array, such as a
    prefix, counts as a match here.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """
    arn = f"arn:aws:s3:::{bucket}"
    event = {"source": "aws.s3", "resources": arn, "detail": {"bucket": {"name": bucket}}}
    return _matches(pattern, event)


def _matches(wanted: Any, found: Any) -> bool:  # noqa: ANN401  # parsed JSON
    """Compare the fields that both have."""
    if isinstance(wanted, dict):
        return all(_matches(wanted[name], found[name]) for name in wanted.keys() & found.keys())
    return any(one == found or isinstance(one, dict) for one in wanted)
