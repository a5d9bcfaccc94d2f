"""Sync a folder with a bucket: `upload.py boto3|minio FOLDER BUCKET [header|whole KEY]`.

It uploads every file, or with KEY that one with another header or as one part, and removes what is
gone.
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
PART, WHOLE = 8 << 20, 64 << 20


def by_boto3(bucket: str, how: str) -> Upload:
    """Return an upload by boto3's transfer manager."""
    import boto3  # noqa: PLC0415  # in the clients' environment
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415  # as above

    s3 = boto3.client("s3")
    config = TransferConfig(multipart_threshold=WHOLE if how == "whole" else PART)

    def upload(path: str, key: str, kind: str) -> None:
        more = {"CacheControl": HEADER} if how == "header" else {}
        s3.upload_file(path, bucket, key, ExtraArgs={"ContentType": kind, **more}, Config=config)

    return upload


def by_minio(bucket: str, how: str) -> Upload:
    """Return an upload by MinIO's SDK for Python."""
    from minio import Minio  # type: ignore[import-not-found]  # noqa: PLC0415  # as above

    client = Minio(urlsplit(ENDPOINT).netloc, "test", "test", secure=False, region="us-east-1")

    def upload(path: str, key: str, kind: str) -> None:
        metadata = {"Cache-Control": HEADER} if how == "header" else None
        size = WHOLE if how == "whole" else PART
        client.fput_object(bucket, key, path, kind, metadata, part_size=size)

    return upload


def main(library: str, folder: str, bucket: str, how: str = "", only: str = "") -> None:
    """Upload, and remove."""
    import boto3  # noqa: PLC0415  # as above

    upload = {"boto3": by_boto3, "minio": by_minio}[library](bucket, how)
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
