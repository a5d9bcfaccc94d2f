"""EventBridge delivery of a bucket's events, turned on and off beside its other notifications.

S3 replaces the notification configuration of a bucket as a whole, so it is read, merged and put
back.
"""

from edgesweep.aws.s3 import Bucket
from edgesweep.flush.notifications import EVENTBRIDGE, Notifications


def deliver(bucket: Bucket, *, on: bool, dry_run: bool = False) -> tuple[bool, Notifications]:
    """Turn EventBridge delivery on or off, or only see what that would change.

    Return whether it had to be turned, and the other notifications, which stay.
    """
    before = bucket.notifications()
    others = {name: value for name, value in before.items() if name != EVENTBRIDGE}
    changed = (EVENTBRIDGE in before) != on
    if changed and not dry_run:
        bucket.replace({**others, EVENTBRIDGE: {}} if on else others)
    return changed, others
