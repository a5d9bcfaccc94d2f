"""Buckets through boto3: which of their events go where, what they hold, and how it is served."""

import math
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from edgesweep.errors import Unlistable
from edgesweep.flush.gaps import Notifications
from edgesweep.record.catalogue import Head, Name
from edgesweep.record.headers import fingerprints

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_AT_ONCE = 32

# For the client of `S3Heads`, which asks again itself: a connection for each request under way.
HEAD_CONFIG = Config(
    max_pool_connections=_AT_ONCE,
    connect_timeout=1,
    read_timeout=2,
    retries={"total_max_attempts": 1},
)
# For listings, which a flush does without: a request ends before the lease does.
LISTING_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2})
_ATTEMPTS = 3
# After this many seconds no further request is begun. A batch looks twice, which takes up to 22 of
# the record function's 30 seconds, and less than two as a rule; see `bench/catalogue.py`.
PATIENCE = 8.0


class Bucket:
    def __init__(self, client: "S3Client", name: str) -> None:
        self._client = client
        self._name = name

    def notifications(self) -> Notifications:
        response = self._client.get_bucket_notification_configuration(Bucket=self._name)
        return {name: value for name, value in response.items() if name != "ResponseMetadata"}

    def replace(self, notifications: Notifications) -> None:
        """Replace the configuration, without validating destinations."""
        # Validation sends a test event to every queue, topic and function of other people, and
        # fails if one of them is gone.
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
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            raise Unlistable(bucket, str(error)) from error
        return [found["Key"] for found in page.get("Contents", [])], page["IsTruncated"]


@dataclass(frozen=True, slots=True)
class S3Heads:
    """Looks at objects through HeadObject, which needs the right to `s3:GetObject`.

    S3 says that an object is not there only to those who have the right to `s3:ListBucket` as well.
    """

    client: "S3Client"  # made with `HEAD_CONFIG`
    patience: float | None = PATIENCE  # no request begins after this many seconds, if given
    ignored: Sequence[str] = ()  # names of user metadata that do not count

    def __call__(self, names: Collection[Name]) -> Mapping[Name, Head | None]:
        until = math.inf if self.patience is None else time.monotonic() + self.patience
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            asked = [pool.submit(self._answer, name, until) for name in names]
            try:
                wait(asked, self.patience)
            finally:
                pool.shutdown(cancel_futures=True)
        found = (one.result().items() for one in asked if not one.cancelled())
        return dict(chain.from_iterable(found))

    def _answer(self, name: Name, until: float) -> dict[Name, Head | None]:
        """Return the answer to a HEAD, empty if there is none; ask again if that may help."""
        for _ in range(_ATTEMPTS):
            try:
                return {name: self._head(*name)}
            except BotoCoreError:
                pass
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return {name: None} if status == HTTPStatus.NOT_FOUND else {}
            if time.monotonic() >= until:
                break
        return {}

    def _head(self, bucket: str, key: str) -> Head:
        answer = self.client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        whole = answer.get("ChecksumType") == "FULL_OBJECT"
        return Head(
            etag=answer["ETag"].strip('"'),
            headers=fingerprints(headers, self.ignored),
            modified_at=answer["LastModified"],
            seen_at=parsedate_to_datetime(headers["date"]),
            version=answer.get("VersionId"),
            checksum=answer.get("ChecksumCRC64NVME") if whole else None,
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
