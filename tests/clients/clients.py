"""The clients: how each syncs a folder with a bucket, and uploads one file in another way."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.aws import ROOT

_HERE = Path(__file__).parent
_ENVIRONMENT = ROOT / ".envs" / "clients" / "bin"
_AWS = str(ROOT / ".envs" / "awscli" / "bin" / "aws")
_PYTHON = str(_ENVIRONMENT / "python")
_HEADER = "max-age=60"

PARTS = "other parts"
_CRC32 = (
    "The AWS SDKs have S3 keep a CRC-32, of each part where there are several, so S3 makes no "
    "CRC-64/NVME of the whole object"
)
_EMPTIED = (
    "`cp` empties a file before it writes it, and s3fs uploads the empty file; an edge may have "
    "fetched that, so the path is needed although the bytes are the same"
)


@dataclass(frozen=True)
class Client:
    """One client.

    Attributes:
        sync: the command, in which {folder}, {bucket}, {endpoint} and {host} are replaced.
        header: the same for the file {key} with another `Cache-Control`.
        parts: the same for the file {key}, in other parts than `sync` uploads it in.
        advice: the option that costs least, for the documentation.
        environment: variables that it needs beside those of the AWS SDKs.
        pays: step -> why it costs paths for objects that did not change.
        needs: programs and devices that `make install` does not bring.
    """

    sync: Sequence[str]
    header: Sequence[str]
    parts: Sequence[str]
    advice: str
    environment: Mapping[str, str] = field(default_factory=dict)
    pays: Mapping[str, str] = field(default_factory=dict)
    needs: Sequence[str] = ()

    def missing(self) -> Sequence[str]:
        """Return what it needs and this machine lacks."""
        return [one for one in self.needs if not (shutil.which(one) or Path(one).is_char_device())]


_URL = "s3://{bucket}/"
_KEY_URL = _URL + "{key}"
_FILE = "{folder}/{key}"
_S3CMD = (
    str(_ENVIRONMENT / "s3cmd"),
    *("--host={host}", "--host-bucket={host}", "--no-ssl", "--region=us-east-1"),
    *("--access_key=test", "--secret_key=test", "--no-mime-magic", "--guess-mime-type", "--quiet"),
    "--multipart-chunk-size-mb=8",
)
_S3CMD_ONE: tuple[Sequence[str], Sequence[str]] = (
    (*_S3CMD, f"--add-header=Cache-Control:{_HEADER}", "put", _FILE, _KEY_URL),
    (*_S3CMD, "--disable-multipart", "put", _FILE, _KEY_URL),
)
_S4CMD = (
    *(str(_ENVIRONMENT / "s4cmd"), "--endpoint-url={endpoint}"),
    f"--max-singlepart-upload-size={8 << 20}",
)
_S4CMD_PARTS = f"--multipart-split-size={8 << 20}"
_RCLONE = str(_ENVIRONMENT / "rclone")
_RCLONE_PARTS = ("--s3-upload-cutoff=8M", "--s3-chunk-size=8M")
_RCLONE_ONE = (_RCLONE, "copyto", "--ignore-times")
_RCLONE_REMOTE = {
    "RCLONE_CONFIG_AWS_TYPE": "s3",
    "RCLONE_CONFIG_AWS_PROVIDER": "Other",
    "RCLONE_CONFIG_AWS_ENV_AUTH": "true",
    "RCLONE_CONFIG_AWS_REGION": "us-east-1",
    "RCLONE_CONFIG_AWS_ENDPOINT": "{endpoint}",
}
_SYNC = (_AWS, "s3", "sync", "--delete", "--quiet", "{folder}", _URL)
_COPY: tuple[Sequence[str], Sequence[str]] = (
    (_AWS, "s3", "cp", "--quiet", "--cache-control", _HEADER, _FILE, _KEY_URL),
    # Only its configuration says from which size on it uploads parts.
    (
        *("env", f"AWS_CONFIG_FILE={_HERE / 'whole.ini'}"),
        *(_AWS, "s3", "cp", "--quiet", _FILE, _KEY_URL),
    ),
)


def _script(*command: str) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """Return the three commands of a script of this folder."""
    begun = (*command, "{folder}", "{bucket}")
    return begun, (*begun, "header", "{key}"), (*begun, "whole", "{key}")


def _library(name: str, pays: Mapping[str, str] | None = None) -> Client:
    commands = _script(_PYTHON, str(_HERE / "upload.py"), name)
    return Client(
        *commands, "none: it sends every file, and a HEAD finds the same", pays=pays or {}
    )


def _mounted(copy: str, advice: str, **pays: str) -> Client:
    return Client(
        *_script("bash", str(_HERE / "mount.sh"), copy),
        advice,
        {"AWSACCESSKEYID": "test", "AWSSECRETACCESSKEY": "test"},
        {step.replace("_", " "): why for step, why in pays.items()},
        ("s3fs", "/dev/fuse", copy),
    )


CLIENTS: Mapping[str, Client] = {
    "rclone sync": Client(
        (_RCLONE, "sync", *_RCLONE_PARTS, "{folder}", "aws:{bucket}"),
        (*_RCLONE_ONE, "--header-upload", f"Cache-Control: {_HEADER}", _FILE, "aws:{bucket}/{key}"),
        (*_RCLONE_ONE, _FILE, "aws:{bucket}/{key}"),
        "`--checksum` sends nothing for touched times",
        _RCLONE_REMOTE,
    ),
    "s3cmd sync": Client(
        (*_S3CMD, "sync", "--delete-removed", "{folder}/", _URL),
        *_S3CMD_ONE,
        "its own comparison by MD5",
    ),
    "s3cmd put": Client(
        (*_S3CMD, "put", "--recursive", "{folder}/", _URL),
        *_S3CMD_ONE,
        "`sync` sends only what changed",
    ),
    "s4cmd dsync": Client(
        (*_S4CMD, _S4CMD_PARTS, "dsync", "--recursive", "--delete-removed", "{folder}/", _URL),
        (*_S4CMD, f"--API-CacheControl={_HEADER}", "put", "-f", _FILE, _KEY_URL),
        (*_S4CMD, f"--multipart-split-size={5 << 20}", "put", "-f", _FILE, _KEY_URL),
        "its own comparison by MD5",
        {"S3_ACCESS_KEY": "test", "S3_SECRET_KEY": "test"},
    ),
    "aws s3 sync": Client(
        _SYNC,
        *_COPY,
        "none needed; `--size-only` misses edits of the same size",
        pays={PARTS: _CRC32},
    ),
    "boto3 upload_file": _library("boto3", pays={PARTS: _CRC32}),
    "minio fput_object": _library("minio"),
    "s3-sync-client": Client(
        *_script("node", str(_HERE / "upload.mjs")),
        "none needed: it sends what has another time or size",
        pays={PARTS: _CRC32},
    ),
    "s3fs, cp -p": _mounted(
        "cp",
        "`rsync` leaves files alone that are the same",
        same_again=_EMPTIED,
        touched_times=_EMPTIED,
        three_edits=_EMPTIED,
        rename=_EMPTIED,
        two_removals=_EMPTIED,
        other_parts=_EMPTIED,
    ),
    "s3fs, rsync --inplace": _mounted("rsync", "`--checksum`, as here"),
}
# Those that `make test` drives; `make clients` drives all.
FEW = ("rclone sync", "s3cmd put", "s3-sync-client")
