"""A bucket's notification configuration: whether the bucket publishes its events.

S3 replaces such a configuration as a whole, so another tool may silently remove our part of it:
Terraform's `aws_s3_bucket_notification` does, and the CDK.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Notifications = Mapping[str, Any]  # as S3 returns it

EVENTBRIDGE = "EventBridgeConfiguration"

_EVENTS = frozenset({"s3:ObjectCreated:*", "s3:ObjectRemoved:*"})


def reaches(notifications: Notifications, queue: str | None) -> bool:
    """Tell whether a bucket sends its changes to our queue, an ARN; without one to EventBridge."""
    if not queue:
        return EVENTBRIDGE in notifications
    ours = (one for one in notifications.get("QueueConfigurations", []) if one["QueueArn"] == queue)
    return {event for one in ours if "Filter" not in one for event in one["Events"]} >= _EVENTS


def unwired(
    buckets: Iterable[str],
    queue: str | None,
    notifications: Callable[[str], Notifications],
    warn: Callable[[str], None],
) -> Sequence[str]:
    """Return the buckets that publish no events; warn if a configuration is unreadable."""

    def silent(bucket: str) -> bool:
        try:
            return not reaches(notifications(bucket), queue)
        except Exception as error:  # noqa: BLE001  # reported; the bucket counts as wired
            warn(f"The notifications of the bucket {bucket} cannot be read: {error}")
            return False

    return list(filter(silent, buckets))
