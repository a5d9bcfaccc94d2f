"""Sync a folder with a bucket by a library: `upload.py boto3|minio FOLDER BUCKET [KEY]`.

It uploads every file, or with KEY that one with another header, and removes what is gone.
"""

import mimetypes
import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

Upload = Callable[[str, str, str], None]

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
HEADER = "max-age=60"


def by_boto3(bucket: str, *, other: bool) -> Upload:
    """Return an upload by boto3's transfer manager."""
    import boto3  # noqa: PLC0415  # in the clients' environment

    s3 = boto3.client("s3")

    def upload(path: str, key: str, kind: str) -> None:
        more = {"CacheControl": HEADER} if other else {}
        s3.upload_file(path, bucket, key, ExtraArgs={"ContentType": kind, **more})

    return upload


def by_minio(bucket: str, *, other: bool) -> Upload:
    """Return an upload by MinIO's client."""
    from minio import Minio  # type: ignore[import-not-found]  # noqa: PLC0415  # as above

    client = Minio(urlsplit(ENDPOINT).netloc, "test", "test", secure=False, region="us-east-1")

    def upload(path: str, key: str, kind: str) -> None:
        metadata = {"Cache-Control": HEADER} if other else None
        client.fput_object(bucket, key, path, content_type=kind, metadata=metadata)

    return upload


def main(library: str, folder: str, bucket: str, only: str = "") -> None:
    """Upload, and remove."""
    import boto3  # noqa: PLC0415  # as above

    make = {"boto3": by_boto3, "minio": by_minio}[library]
    upload = make(bucket, other=bool(only))
    files = {path.relative_to(folder).as_posix(): path for path in Path(folder).rglob("*.*")}
    for key, path in files.items():
        if only in {"", key}:
            upload(str(path), key, mimetypes.guess_type(key)[0] or "text/plain")
    s3 = boto3.client("s3")
    for held in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        if held["Key"] not in files:
            s3.delete_object(Bucket=bucket, Key=held["Key"])


if __name__ == "__main__":
    main(*sys.argv[1:])
