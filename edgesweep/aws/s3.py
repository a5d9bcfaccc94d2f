"""Buckets through boto3: which of their events go where, what they hold, and how it is served."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from edgesweep.errors import Unlistable
from edgesweep.flush.notifications import Notifications
from edgesweep.record.unchanged import Head, Name, fingerprint

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_AT_ONCE = 32

# For the client that `S3Heads` gets: a connection for each request under way. A HEAD that takes
# long costs a row at most, so it is not waited for.
HEAD_CONFIG = Config(
    max_pool_connections=_AT_ONCE,
    connect_timeout=1,
    read_timeout=1,
    retries={"mode": "standard", "total_max_attempts": 2},
)
# After this many seconds no further request is begun: a batch looks twice, and has 30 seconds. The
# record function takes less than two for a thousand objects; see `bench/catalogue.py`.
PATIENCE = 6.0


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
            raise Unlistable(bucket, str(error)) from error
        return [found["Key"] for found in page.get("Contents", [])], page["IsTruncated"]


class S3Heads:
    """Looks at objects through HeadObject, which needs the right to `s3:GetObject`.

    Its client is made with `HEAD_CONFIG`. It starts no request after `patience` seconds, if given.
    """

    def __init__(self, client: "S3Client", patience: float | None = PATIENCE) -> None:
        self._client = client
        self._patience = patience

    def look(self, names: Collection[Name]) -> Mapping[Name, Head]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            asked = {name: pool.submit(self._head, name) for name in names}
            try:
                wait(asked.values(), self._patience)
            finally:
                pool.shutdown(cancel_futures=True)
        answers = {name: one.result() for name, one in asked.items() if not one.cancelled()}
        return {name: head for name, head in answers.items() if head is not None}

    def _head(self, name: Name) -> Head | None:
        bucket, key = name
        try:
            answer = self._client.head_object(Bucket=bucket, Key=key)
        except (BotoCoreError, ClientError):
            # Gone, unreadable or throttled: an unseen object counts as changed.
            return None
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return Head(
            etag=answer["ETag"].strip('"'),
            headers=fingerprint(headers),
            modified_at=answer["LastModified"],
            seen_at=parsedate_to_datetime(headers["date"]),
            version=answer.get("VersionId"),
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
