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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import chain, groupby, zip_longest
from operator import itemgetter
from pathlib import Path
from urllib.parse import unquote_plus

from edgesweep.errors import MALFORMED, BadInput
from edgesweep.flush.policy import Policy
from edgesweep.lab.history import Deploy, History

QUIET = Policy().quiet  # a deploy ends where nothing was changed for this long

# S3's own operations log keys encoded once; requests log the key of their URL, which is already
# encoded: Yelp, "S3 server access logs at scale", 2025-09-26.
_ENCODED_ONCE = "BATCH.DELETE.OBJECT", "S3.EXPIRE.OBJECT", "S3.CREATE.DELETEMARKER"


class Act(Enum):
    """The kinds of requests for objects, by their names in access logs and in CloudTrail."""

    READ = "REST.GET.OBJECT", "REST.HEAD.OBJECT", "WEBSITE.GET.OBJECT", "GetObject", "HeadObject"
    # REST.POST.UPLOAD completes a multipart upload.
    WRITTEN = (
        *("REST.PUT.OBJECT", "REST.POST.OBJECT", "REST.COPY.OBJECT", "REST.POST.UPLOAD"),
        *("PutObject", "PostObject", "CopyObject", "CompleteMultipartUpload"),
    )
    REMOVED = "REST.DELETE.OBJECT", *_ENCODED_ONCE, "DeleteObject"
    # It removed several objects; which ones is not logged.
    UNNAMED = ("DeleteObjects",)


# When, in which bucket, which key, and what was done to it.
Seen = tuple[datetime, str, str, Act]

_ACTS = {name: act for act in Act for name in act.value}
_GZIP = b"\x1f\x8b"
_TIME = "%d/%b/%Y:%H:%M:%S %z"
_LINE = re.compile(
    r"\S+ (?P<bucket>\S+) \[(?P<time>[^\]]+)\] \S+ \S+ \S+ (?P<operation>[A-Z0-9]+\.[\w.]+) "
    r'(?P<key>\S+) (?:"[^"]*"|-) (?P<status>\d{3}|-) (?P<error>\S+)'
)


@dataclass(frozen=True, slots=True)
class Logs:
    histories: tuple[History, ...]  # of each bucket that was written to, by its name
    records: int  # lines and events read
    malformed: int  # how many of them could not be understood
    unnamed: int  # requests that deleted several objects, which CloudTrail does not name


def read(path: Path) -> Logs:
    """Read a file or all below a folder, gzipped or not; BadInput if none tells of a change."""
    if not path.exists():
        raise BadInput(f"{path} is not there")
    files = sorted(filter(Path.is_file, path.rglob("*"))) if path.is_dir() else [path]
    seen: list[Seen] = []
    records = malformed = 0
    for records, one in enumerate(chain.from_iterable(map(_records, files)), 1):  # noqa: B007
        try:
            seen += _event(one) if isinstance(one, dict) else _line(one)
        except MALFORMED:
            malformed += 1
    none = f"{path}: none of {records} records"
    if malformed == records:
        raise BadInput(f"{none} is one of S3 server access logs or of CloudTrail")
    named = [one for one in seen if one[3] is not Act.UNNAMED]
    histories = tuple(_histories(named))
    if not histories:
        raise BadInput(f"{none} tells of an object written or removed")
    return Logs(histories, records, malformed, len(seen) - len(named))


def _records(file: Path) -> Iterator[object]:
    """Yield the events or the lines of a file; None for what cannot be read."""
    try:
        content = file.read_bytes()
        text = (gzip.decompress(content) if content[:2] == _GZIP else content).decode()
    except (OSError, EOFError, ValueError, zlib.error):
        text = "{"
    if text.lstrip()[:1] not in {"{", "["}:
        yield from filter(None, text.splitlines())
        return
    # A document of CloudTrail's, or an event in each line.
    document = _parsed(text)
    for one in map(_parsed, text.splitlines()) if document is None else [document]:
        records = one.get("Records", [one]) if isinstance(one, dict) else one
        yield from records if isinstance(records, list) else [None]


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except MALFORMED:
        return None


def _line(line: object) -> Sequence[Seen]:
    match = _LINE.match(line) if isinstance(line, str) else None
    if match is None:
        raise ValueError("No line of a server access log")
    at = datetime.strptime(match["time"], _TIME).astimezone(UTC)
    act = _ACTS.get(match["operation"])
    good = match["error"] == "-" and match["status"] in {"-", "200", "204", "206", "304"}
    if act is None or not good:
        return ()
    key = unquote_plus(match["key"], errors="strict")
    if match["operation"] not in _ENCODED_ONCE:
        key = unquote_plus(key, errors="strict")
    return [(at, match["bucket"], key, act)]


def _event(event: Mapping[str, object]) -> Sequence[Seen]:
    at = datetime.fromisoformat(str(event["eventTime"]))
    if at.tzinfo is None:
        raise ValueError("A time has its offset from UTC")
    act = _ACTS.get(str(event["eventName"]))
    if event["eventSource"] != "s3.amazonaws.com" or event.get("errorCode") or act is None:
        return ()
    match event.get("requestParameters"):
        case _ if act is Act.UNNAMED:
            return [(at, "", "", act)]
        case {"bucketName": str(bucket), "key": str(key)} if key:
            return [(at.astimezone(UTC), bucket, key, act)]
    raise ValueError("An event of an object names its bucket and its key")


def _histories(seen: Iterable[Seen]) -> Iterator[History]:
    for bucket, group in groupby(sorted(seen, key=itemgetter(1, 0)), key=itemgetter(1)):
        its = list(group)
        first = {key: act for _, _, key, act in reversed(its)}
        live = sorted(key for key, act in first.items() if act is not Act.WRITTEN)
        if deploys := tuple(_deploys([one for one in its if one[3] is not Act.READ])):
            yield History(bucket, live, deploys)


def _deploys(changes: Sequence[Seen]) -> Iterator[Deploy]:
    last: dict[str, Act] = {}
    for (at, _, key, act), after in zip_longest(changes, changes[1:]):
        last[key] = act
        if after is None or after[0] - at >= QUIET:
            written = sorted(key for key, act in last.items() if act is Act.WRITTEN)
            yield Deploy(at, written, sorted(last.keys() - {*written}))
            last = {}
