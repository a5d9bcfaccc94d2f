"""The clients: how each syncs a folder with a bucket, and uploads one file with another header."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.aws import ROOT

_HERE = Path(__file__).parent
_ENVIRONMENT = ROOT / ".envs" / "clients" / "bin"
_AWS = str(ROOT / ".envs" / "awscli" / "bin" / "aws")
_PYTHON = str(_ENVIRONMENT / "python")
_HEADER = "max-age=60"


@dataclass(frozen=True)
class Client:
    """One client.

    Attributes:
        sync: the command, in which {folder}, {bucket}, {endpoint} and {host} are replaced.
        header: the same for the file {key} with another `Cache-Control`.
        environment: variables that it needs beside those of the AWS SDKs.
        advice: the option that costs least, for the documentation.
    """

    sync: Sequence[str]
    header: Sequence[str]
    advice: str
    environment: Mapping[str, str]


_S3CMD = (
    str(_ENVIRONMENT / "s3cmd"),
    *("--host={host}", "--host-bucket={host}", "--no-ssl", "--region=us-east-1"),
    *("--access_key=test", "--secret_key=test", "--no-mime-magic", "--guess-mime-type", "--quiet"),
)
_S4CMD = (str(_ENVIRONMENT / "s4cmd"), "--endpoint-url={endpoint}")
_RCLONE = str(_ENVIRONMENT / "rclone")
_RCLONE_REMOTE = {
    "RCLONE_CONFIG_AWS_TYPE": "s3",
    "RCLONE_CONFIG_AWS_PROVIDER": "Other",
    "RCLONE_CONFIG_AWS_ENV_AUTH": "true",
    "RCLONE_CONFIG_AWS_REGION": "us-east-1",
    "RCLONE_CONFIG_AWS_ENDPOINT": "{endpoint}",
}
_URL = "s3://{bucket}/"


def _library(name: str, advice: str) -> Client:
    script = (_PYTHON, str(_HERE / "upload.py"), name, "{folder}", "{bucket}")
    return Client(script, (*script, "{key}"), advice, {})


CLIENTS: Mapping[str, Client] = {
    "rclone sync": Client(
        (_RCLONE, "sync", "{folder}", "aws:{bucket}"),
        (
            *(_RCLONE, "copyto", "--ignore-times", "--header-upload", f"Cache-Control: {_HEADER}"),
            *("{folder}/{key}", "aws:{bucket}/{key}"),
        ),
        "`--checksum` sends nothing for touched times",
        _RCLONE_REMOTE,
    ),
    "s3cmd sync": Client(
        (*_S3CMD, "sync", "--delete-removed", "{folder}/", _URL),
        (*_S3CMD, f"--add-header=Cache-Control:{_HEADER}", "put", "{folder}/{key}", _URL + "{key}"),
        "its own comparison by MD5",
        {},
    ),
    "s3cmd put": Client(
        (*_S3CMD, "put", "--recursive", "{folder}/", _URL),
        (*_S3CMD, f"--add-header=Cache-Control:{_HEADER}", "put", "{folder}/{key}", _URL + "{key}"),
        "`sync` sends only what changed",
        {},
    ),
    "s4cmd dsync": Client(
        (*_S4CMD, "dsync", "--recursive", "--delete-removed", "{folder}/", _URL),
        (*_S4CMD, f"--API-CacheControl={_HEADER}", "put", "-f", "{folder}/{key}", _URL + "{key}"),
        "its own comparison by MD5",
        {"S3_ACCESS_KEY": "test", "S3_SECRET_KEY": "test"},
    ),
    "aws s3 sync": Client(
        (_AWS, "s3", "sync", "--delete", "--quiet", "{folder}", _URL),
        (
            *(_AWS, "s3", "cp", "--quiet", "--cache-control", _HEADER),
            *("{folder}/{key}", _URL + "{key}"),
        ),
        "none needed; `--size-only` misses edits of the same size",
        {},
    ),
    "boto3 upload_file": _library("boto3", "none: it sends every file, and a HEAD finds the same"),
    "minio fput_object": _library("minio", "none: it sends every file, and a HEAD finds the same"),
    "s3-sync-client": Client(
        ("node", str(_HERE / "upload.mjs"), "{folder}", "{bucket}"),
        ("node", str(_HERE / "upload.mjs"), "{folder}", "{bucket}", "{key}"),
        "none needed: it sends what has another time or size",
        {},
    ),
}
# Those that `make test` drives; `make clients` drives all.
FEW = ("rclone sync", "s3cmd put", "s3-sync-client")
