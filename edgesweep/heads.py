"""HEAD requests through boto3, several at once."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.catalogue import Head, Name, fingerprint

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_AT_ONCE = 32

# For the client that `S3Heads` gets: a connection for each request under way. A HEAD that takes
# long costs a row at most, so it is not waited for.
CONFIG = Config(
    max_pool_connections=_AT_ONCE,
    connect_timeout=2,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
)


class S3Heads:
    """Looks at objects through HeadObject, which needs the right to `s3:GetObject`."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def look(self, names: Collection[Name]) -> Mapping[Name, Head]:
        """Return what is there; an object is missing if its HEAD failed for whatever reason."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            heads = zip(names, pool.map(self._head, names), strict=True)
            return {name: head for name, head in heads if head is not None}

    def _head(self, name: Name) -> Head | None:
        bucket, key = name
        try:
            answer = self._client.head_object(Bucket=bucket, Key=key)
        except (BotoCoreError, ClientError):
            # Gone, not ours to read, throttled: what is not seen counts as changed.
            return None
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return Head(answer["ETag"].strip('"'), fingerprint(headers), answer["LastModified"])
