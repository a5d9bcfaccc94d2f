"""A bucket through boto3: its notifications and its keys."""

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
        """Replace the whole configuration."""


class Bucket:
    """One bucket."""

    def __init__(self, client: "S3Client", name: str) -> None:
        self._client = client
        self._name = name

    def notifications(self) -> Notifications:
        response = self._client.get_bucket_notification_configuration(Bucket=self._name)
        return {name: value for name, value in response.items() if name != "ResponseMetadata"}

    def replace(self, notifications: Notifications) -> None:
        """Replace the configuration, without validating destinations.

        Validation sends a test event to every queue, topic and function of other people, and
        fails if one of them is gone.
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
        try:
            page = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=after)
        except (ClientError, HTTPClientError, NoConnection) as error:
            msg = f"The bucket {bucket} cannot be listed: {error}"
            raise Unlistable(msg) from error
        return [found["Key"] for found in page.get("Contents", [])], page["IsTruncated"]


class DryRunWiring:
    """A bucket that ignores writes."""

    def __init__(self, bucket: Wiring) -> None:
        self.notifications = bucket.notifications

    def replace(self, notifications: Notifications) -> None:
        """Do nothing."""


def attach(bucket: Wiring) -> bool:
    """Turn EventBridge delivery on, keeping every other notification.

    S3 replaces the configuration as a whole, so this merges it.

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
    """Yield a line of advice for each bucket outside the client's region."""
    here = client.meta.region_name
    for name in names:
        region = region_of(client, name)
        if region not in (here, None):
            yield (
                f"The bucket {name} is in {region}, not in {here}; "
                f"deploy a stack with --region {region} and attach the bucket there"
            )


def region_of(client: "S3Client", name: str) -> str | None:
    """Return a bucket's region, which S3 returns even when it refuses; None if unknown."""
    try:
        headers = client.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]
    except ClientError as error:
        headers = error.response["ResponseMetadata"]["HTTPHeaders"]
    except BotoCoreError:
        return None
    return headers.get("x-amz-bucket-region")
