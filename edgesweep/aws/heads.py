"""Concurrent HEAD requests through boto3."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.record.unchanged import Head, Name, fingerprint

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_AT_ONCE = 32

# For the client of `S3Heads`: a connection for each request under way. A slow HEAD costs a row at
# most, so we do not wait for it.
CONFIG = Config(
    max_pool_connections=_AT_ONCE,
    connect_timeout=1,
    read_timeout=1,
    retries={"mode": "standard", "total_max_attempts": 2},
)
# Seconds after which no further request begins: a batch looks twice, and has 30 seconds. A
# thousand objects take less than two; see `bench/catalogue.py`.
PATIENCE = 6.0


class S3Heads:
    """Looks at objects through HeadObject, which needs the right to `s3:GetObject`.

    Args:
        client: made with `CONFIG`.
        patience: seconds after which no further request begins; None for no limit.
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
            # Gone, forbidden or throttled: an object that we cannot see counts as changed.
            return None
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return Head(
            etag=answer["ETag"].strip('"'),
            headers=fingerprint(headers),
            modified_at=answer["LastModified"],
            seen_at=parsedate_to_datetime(headers["date"]),
            version=answer.get("VersionId"),
        )
