"""A bucket through boto3: which of its events go where, and what it holds."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from edgesweep.cover.survey import Unlistable
from edgesweep.flush.notifications import EVENTBRIDGE, Notifications

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class Wiring(Protocol):
    """Reads and replaces the notification configuration of a bucket."""

    def notifications(self) -> Notifications:
        """Return the whole configuration."""

    def replace(self, notifications: Notifications) -> None:
        """Put a whole configuration in place of the present one."""


class Bucket:
    """One bucket."""

    def __init__(self, client: "S3Client", name: str) -> None:
        self._client = client
        self._name = name

    def notifications(self) -> Notifications:
        """Return the whole notification configuration."""
        response = self._client.get_bucket_notification_configuration(Bucket=self._name)
        return {name: value for name, value in response.items() if name != "ResponseMetadata"}

    def replace(self, notifications: Notifications) -> None:
        """Put a whole notification configuration in place of the present one.

        Destinations are not validated: that would send a test event to every queue, topic and
        function of other people, and fail if one of them is gone.
        """
        self._client.put_bucket_notification_configuration(
            Bucket=self._name,
            NotificationConfiguration=notifications,  # type: ignore[arg-type]  # as S3 returned it
            SkipDestinationValidation=True,
        )


class S3Listing:
    """Lists buckets through ListObjectsV2, a thousand keys a page."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def page(self, bucket: str, prefix: str, after: str) -> tuple[Sequence[str], bool]:
        """Return the first keys under `prefix` that sort after `after`, and whether more follow.

        Raises:
            Unlistable: S3 does not list the bucket for us, or cannot be reached.
        """
        try:
            page = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=after)
        except (ClientError, HTTPClientError, NoConnection) as error:
            msg = f"The bucket {bucket} cannot be listed: {error}"
            raise Unlistable(msg) from error
        return [found["Key"] for found in page.get("Contents", [])], page["IsTruncated"]


class DryRunWiring:
    """A bucket that is read and never written."""

    def __init__(self, bucket: Wiring) -> None:
        self.notifications = bucket.notifications

    def replace(self, notifications: Notifications) -> None:
        """Leave the bucket as it is."""


def attach(bucket: Wiring) -> bool:
    """Turn EventBridge delivery on, keeping every other notification.

    S3 replaces the configuration as a whole, so it is read, merged and put back.

    Returns:
        Whether anything had to change.
    """
    before = bucket.notifications()
    if EVENTBRIDGE in before:
        return False
    bucket.replace({**before, EVENTBRIDGE: {}})
    return True


def detach(bucket: Wiring) -> bool:
    """Turn EventBridge delivery off, keeping every other notification.

    Returns:
        Whether anything had to change.
    """
    before = bucket.notifications()
    if EVENTBRIDGE not in before:
        return False
    bucket.replace({name: value for name, value in before.items() if name != EVENTBRIDGE})
    return True


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


def region_of(client: "S3Client", name: str) -> str | None:
    """Return a bucket's region, which S3 tells even when it refuses; None if it cannot be had."""
    try:
        headers = client.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]
    except ClientError as error:
        headers = error.response["ResponseMetadata"]["HTTPHeaders"]
    except BotoCoreError:
        return None
    return headers.get("x-amz-bucket-region")
