"""Buckets: whether one can be swept, whether it publishes its events, and who listens to them."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from edgesweep.aws.s3 import Bucket, region_of
from edgesweep.errors import BadInput
from edgesweep.flush.gaps import EVENTBRIDGE, Notifications

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client


def check(client: "S3Client", name: str, *, anywhere: bool = False) -> None:
    """Check a bucket, which has to be in the client's region unless it may be `anywhere`.

    BadInput says that it is missing or elsewhere; other errors of botocore pass through. We list
    it, because S3 then says why it refuses; to HeadBucket it answers 403 without a reason.
    """
    refusal = None
    try:
        client.list_objects_v2(Bucket=name, MaxKeys=1)
    except ClientError as error:
        refusal = error
        if error.response["Error"]["Code"] == "NoSuchBucket":
            raise BadInput(f"There is no bucket {name}; create it, or correct its name") from error
    here, region = client.meta.region_name, None if anywhere else region_of(client, name)
    if region not in (here, None):
        where = f"The bucket {name} is in {region}, not in {here}"
        raise BadInput(f"{where}; a stack with --region {region} can sweep it") from refusal
    if refusal:
        raise refusal


def deliver(bucket: Bucket, *, on: bool, dry_run: bool = False) -> tuple[bool, Notifications]:
    """Turn EventBridge delivery on or off; return whether that is a change, and the other settings.

    S3 replaces the notification configuration as a whole, so we read it, merge it and put it back.
    """
    before = bucket.notifications()
    others = {name: value for name, value in before.items() if name != EVENTBRIDGE}
    changed = (EVENTBRIDGE in before) != on
    if changed and not dry_run:
        bucket.replace({**others, EVENTBRIDGE: {}} if on else others)
    return changed, others


def listeners(client: "EventBridgeClient", bucket: str) -> Sequence[str]:
    """Return the names of the rules of the default bus that may match events of a bucket."""
    pages = client.get_paginator("list_rules").paginate()
    rules = pages.search("Rules[?State != 'DISABLED' && EventPattern]")
    return [one["Name"] for one in rules if may_match(json.loads(one["EventPattern"]), bucket)]


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
    if isinstance(wanted, dict):
        return all(_matches(wanted[name], found[name]) for name in wanted.keys() & found.keys())
    return any(one == found or isinstance(one, dict) for one in wanted)
