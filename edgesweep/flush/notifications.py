"""A bucket's notification configuration: whether what changes in the bucket is told to anybody.

S3 replaces such a configuration as a whole, so that whoever puts another one in place undoes what
was added to it without a word: Terraform's `aws_s3_bucket_notification` does, and the CDK.
"""

from collections.abc import Mapping
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
    told = {
        event
        for one in notifications.get("QueueConfigurations", [])
        if one["QueueArn"] == queue and "Filter" not in one
        for event in one["Events"]
    }
    return told >= _EVENTS
