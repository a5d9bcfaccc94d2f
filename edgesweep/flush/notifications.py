"""A bucket's notification configuration: whether the bucket publishes its events.

S3 replaces such a configuration as a whole, so that whoever puts another one in place undoes what
was added to it without a word: Terraform's `aws_s3_bucket_notification` does, and the CDK.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
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


@dataclass(slots=True)
class WiringCheck:
    """Looks once a day, and after a cold start, whether the buckets still publish their events.

    Attributes:
        buckets: their names.
        queue: as `reaches` takes it.
        notifications: reads a bucket's configuration.
        clock: this process's time.
        warn: called with why a configuration cannot be read.
    """

    buckets: Sequence[str]
    queue: str | None
    notifications: Callable[[str], Notifications]
    clock: Callable[[], datetime]
    warn: Callable[[str], None]
    _looked_on: date | None = field(default=None, init=False)

    def look(self) -> Sequence[str]:
        """Return the buckets that publish none, if it is time to look."""
        today = self.clock().date()
        if today == self._looked_on:
            return ()
        self._looked_on = today
        return [name for name in self.buckets if not self._reaches(name)]

    def _reaches(self, bucket: str) -> bool:
        try:
            return reaches(self.notifications(bucket), self.queue)
        except Exception as error:  # noqa: BLE001  # told; nothing is held against the bucket
            self.warn(f"The notifications of the bucket {bucket} cannot be read: {error}")
            return True
