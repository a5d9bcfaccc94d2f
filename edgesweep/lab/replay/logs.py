"""S3 server access logs and CloudTrail events as publish histories, one for each bucket.

Writes and removals up to the next quiet time form a deploy. Logs do not list the initial objects of
a bucket: a key existed before if its first record is a read or a removal.

- https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
- https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
"""

import gzip
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from urllib.parse import unquote_plus

from edgesweep.errors import BadInput
from edgesweep.flush.policy import Policy
from edgesweep.lab.replay.history import Deploy, History

QUIET = Policy().quiet


class Act(Enum):
    """The kind of a request for an object."""

    READ = "read"
    WRITTEN = "written"
    REMOVED = "removed"


Seen = tuple[datetime, str, str, Act]

_GZIP = b"\x1f\x8b"
_LINE = re.compile(
    r"\S+ (?P<bucket>\S+) \[(?P<time>[^\]]+)\] \S+ \S+ \S+ (?P<operation>[A-Z0-9]+\.[\w.]+) "
    r'(?P<key>\S+) (?:"[^"]*"|-) (?P<status>\d{3}|-) (?P<error>\S+)'
)
_TIME = re.compile(r"(\d{2})/(\w{3})/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{4})")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_OPERATIONS = {
    "REST.GET.OBJECT": Act.READ,
    "REST.HEAD.OBJECT": Act.READ,
    "WEBSITE.GET.OBJECT": Act.READ,
    "REST.PUT.OBJECT": Act.WRITTEN,
    "REST.POST.OBJECT": Act.WRITTEN,
    "REST.COPY.OBJECT": Act.WRITTEN,
    "REST.POST.UPLOAD": Act.WRITTEN,  # completes a multipart upload
    "REST.DELETE.OBJECT": Act.REMOVED,
    "BATCH.DELETE.OBJECT": Act.REMOVED,
    "S3.EXPIRE.OBJECT": Act.REMOVED,
    "S3.CREATE.DELETEMARKER": Act.REMOVED,
}
# S3's own operations log keys encoded once; requests log the key of their URL, which is already
# encoded: Yelp, "S3 server access logs at scale", 2025-09-26.
_ENCODED_ONCE = {"BATCH.DELETE.OBJECT", "S3.EXPIRE.OBJECT", "S3.CREATE.DELETEMARKER"}
_EVENTS = {
    "GetObject": Act.READ,
    "HeadObject": Act.READ,
    "PutObject": Act.WRITTEN,
    "PostObject": Act.WRITTEN,
    "CopyObject": Act.WRITTEN,
    "CompleteMultipartUpload": Act.WRITTEN,
    "DeleteObject": Act.REMOVED,
}


@dataclass(frozen=True, slots=True)
class Logs:
    """The content of logs.

    Attributes:
        histories: of each bucket that was written to, by its name.
        records: lines and events read.
        malformed: how many of them could not be understood.
        unnamed: requests that deleted several objects, which CloudTrail does not name.
    """

    histories: tuple[History, ...]
    records: int
    malformed: int
    unnamed: int


def read(path: Path, quiet: timedelta = QUIET) -> Logs:
    """Read a file of logs, or all files below a folder, gzipped or not.

    Args:
        path: server access logs, or CloudTrail's files, which are one JSON object each.
        quiet: a deploy ends where nothing was changed for this long.

    Raises:
        BadInput: there is nothing to read, all of it is malformed, or it tells of no change.
    """
    seen: list[Seen] = []
    records = malformed = unnamed = 0
    for file in _files(path):
        for one in _records(file):
            records += 1
            try:
                found = _event(one) if isinstance(one, dict) else _line(one)
            except (ValueError, KeyError, TypeError, OverflowError):
                malformed += 1
                continue
            if isinstance(found, tuple):
                seen.append(found)
            unnamed += found is _UNNAMED
    if malformed == records:
        msg = f"{path}: none of {records} records is one of S3 server access logs or of CloudTrail"
        raise BadInput(msg)
    histories = tuple(_histories(seen, quiet))
    if not histories:
        msg = f"{path}: none of {records} records tells of an object written or removed"
        raise BadInput(msg)
    return Logs(histories, records, malformed, unnamed)


_UNNAMED = object()


def _files(path: Path) -> Sequence[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    if path.exists():
        return [path]
    msg = f"{path} is not there"
    raise BadInput(msg)


def _records(file: Path) -> Iterator[object]:
    """Yield the events or the lines of a file; None for what cannot be read."""
    try:
        content = file.read_bytes()
        text = (gzip.decompress(content) if content[:2] == _GZIP else content).decode()
        if text.lstrip()[:1] not in {"{", "["}:
            yield from filter(None, text.splitlines())
            return
        document = json.loads(text)
    except (OSError, EOFError, ValueError, RecursionError, zlib.error):
        yield None
        return
    records = document.get("Records") if isinstance(document, dict) else document
    yield from records if isinstance(records, list) else [None]


def _line(line: object) -> Seen | None:
    """Return the act in a line of a server access log, None if irrelevant."""
    match = _LINE.match(line) if isinstance(line, str) else None
    if match is None:
        msg = "No line of a server access log"
        raise ValueError(msg)
    at = _time(match["time"])
    act = _OPERATIONS.get(match["operation"])
    good = match["error"] == "-" and match["status"] in {"-", "200", "204", "206", "304"}
    if act is None or not good:
        return None
    key = unquote_plus(match["key"], errors="strict")
    if match["operation"] not in _ENCODED_ONCE:
        key = unquote_plus(key, errors="strict")
    return at, match["bucket"], key, act


def _time(text: str) -> datetime:
    match = _TIME.fullmatch(text)
    if match is None:
        msg = f"{text} is not a time"
        raise ValueError(msg)
    day, month, year, clock, offset = match.groups()
    number = _MONTHS.index(month) + 1
    return datetime.fromisoformat(f"{year}-{number:02}-{day}T{clock}{offset}").astimezone(UTC)


def _event(event: dict[str, object]) -> Seen | object | None:
    """Return the act in a CloudTrail event, None if irrelevant."""
    at = datetime.fromisoformat(str(event["eventTime"]))
    if at.tzinfo is None:
        msg = "A time has its offset from UTC"
        raise ValueError(msg)
    if event["eventSource"] != "s3.amazonaws.com" or event.get("errorCode"):
        return None
    if event["eventName"] == "DeleteObjects":
        return _UNNAMED
    act = _EVENTS.get(str(event["eventName"]))
    if act is None:
        return None
    match event.get("requestParameters"):
        case {"bucketName": str(bucket), "key": str(key)} if key:
            return at.astimezone(UTC), bucket, key, act
    msg = "An event of an object names its bucket and its key"
    raise ValueError(msg)


def _histories(seen: Iterable[Seen], quiet: timedelta) -> Iterator[History]:
    by_bucket: dict[str, list[Seen]] = defaultdict(list)
    for one in sorted(seen, key=lambda one: one[0]):
        by_bucket[one[1]].append(one)
    for bucket, its in sorted(by_bucket.items()):
        first = {key: act for _, _, key, act in reversed(its)}
        live = [key for key, act in first.items() if act is not Act.WRITTEN]
        deploys = tuple(_deploys([one for one in its if one[3] is not Act.READ], set(live), quiet))
        if deploys:
            yield History(bucket, sorted(live), deploys)


def _deploys(changes: Sequence[Seen], live: set[str], quiet: timedelta) -> Iterator[Deploy]:
    last: dict[str, Act] = {}
    for place, (at, _, key, act) in enumerate(changes):
        last[key] = act
        following = changes[place + 1][0] if place + 1 < len(changes) else None
        if following is None or following - at >= quiet:
            written = {key for key, act in last.items() if act is Act.WRITTEN}
            removed = last.keys() - written
            yield Deploy(
                "",
                at,
                tuple(sorted(written - live)),
                tuple(sorted(written & live)),
                tuple(sorted(removed)),
            )
            live |= written
            live -= removed
            last = {}
