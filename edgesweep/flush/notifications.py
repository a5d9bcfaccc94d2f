"""A bucket's notification configuration: whether the bucket publishes its events.

S3 replaces such a configuration as a whole, so that whoever puts another one in place undoes what
was added to it without a word: Terraform's `aws_s3_bucket_notification` does, and the CDK.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

# As S3 returns it.
Notifications = Mapping[str, Any]

EVENTBRIDGE = "EventBridgeConfiguration"

# What has to be told: objects that are created, and objects that are removed.
_EVENTS = frozenset({"s3:ObjectCreated:*", "s3:ObjectRemoved:*"})


def reaches(notifications: Notifications, queue: str | None) -> bool:
    """Tell whether changes reach us.

    Args:
        notifications: the bucket's configuration.
        queue: ARN of the queue that the bucket itself tells; None if EventBridge is to.
    """
    if not queue:
        return EVENTBRIDGE in notifications
    sent = {
        event
        for one in notifications.get("QueueConfigurations", [])
        if one["QueueArn"] == queue and "Filter" not in one
        for event in one["Events"]
    }
    return sent >= _EVENTS


def unwired(
    buckets: Iterable[str],
    queue: str | None,
    notifications: Callable[[str], Notifications],
    warn: Callable[[str], None],
) -> Sequence[str]:
    """Return the buckets that publish no events; one that cannot be looked at is not among them.

    Args:
        buckets: their names.
        queue: as `reaches` takes it.
        notifications: reads a bucket's configuration.
        warn: called with why a configuration cannot be read.
    """

    def silent(bucket: str) -> bool:
        try:
            return not reaches(notifications(bucket), queue)
        except Exception as error:  # noqa: BLE001  # told; nothing is held against the bucket
            warn(f"The notifications of the bucket {bucket} cannot be read: {error}")
            return False

    return list(filter(silent, buckets))
