"""EventBridge delivery of a bucket's events, turned on and off beside its other notifications.

S3 replaces the notification configuration of a bucket as a whole, so it is read, merged and put
back.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from edgesweep.aws.s3 import region_of
from edgesweep.flush.notifications import EVENTBRIDGE, Notifications

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class NotifyingBucket(Protocol):
    """A bucket whose notification configuration can be read, and replaced as a whole."""

    def notifications(self) -> Notifications: ...

    def replace(self, notifications: Notifications) -> None: ...


class DryRunBucket:
    """A bucket that is read and never written."""

    def __init__(self, bucket: NotifyingBucket) -> None:
        self.notifications = bucket.notifications

    def replace(self, notifications: Notifications) -> None:
        """Leave the bucket as it is."""


def attach(bucket: NotifyingBucket) -> bool:
    """Turn EventBridge delivery on; return whether anything had to change."""
    before = bucket.notifications()
    if EVENTBRIDGE not in before:
        bucket.replace({**before, EVENTBRIDGE: {}})
    return EVENTBRIDGE not in before


def detach(bucket: NotifyingBucket) -> bool:
    """Turn EventBridge delivery off; return whether anything had to change."""
    before = bucket.notifications()
    if EVENTBRIDGE in before:
        bucket.replace({name: value for name, value in before.items() if name != EVENTBRIDGE})
    return EVENTBRIDGE in before


def elsewhere(client: "S3Client", names: Iterable[str]) -> Iterator[str]:
    """Yield a line about each bucket that is not in the client's region, with what to do."""
    here = client.meta.region_name
    for name in names:
        region = region_of(client, name)
        if region not in (here, None):
            yield (
                f"The bucket {name} is in {region}, not in {here}; "
                f"deploy a stack with --region {region} and attach the bucket there"
            )
