"""Messages in, changes and requests out: the only place where keys are decoded.

One SQS message holds a request (docs/invalidate.schema.json), a direct S3 notification, the same in
an SNS envelope, or an EventBridge event:

- https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
- https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
- https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html

A message is understood as a whole or refused as a whole. An unknown kind of event is refused too:
if we ignored a change, the edge would stay stale.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from reprlib import Repr
from typing import Any, TypeVar
from urllib.parse import unquote_plus

from edgesweep.dirty import LONG_AGO, MAX_KEY_BYTES, Change, Kind, RequestedPath
from edgesweep.errors import BadInput

_MAX_SIZE = 2**63 - 1
# Of an etag or a sequencer: far above those of S3, and small enough for a row.
_MAX_MARK_BYTES = 1_024
MAX_PATHS = 1_000  # of one request
_MAX_NAME = 100
_BUCKET_NAME = re.compile(r"[A-Za-z0-9._-]{3,255}")

# The part of a notification's `eventName` before the colon; None changes no byte a viewer sees.
_NOTIFICATIONS: Mapping[str, Kind | None] = {
    "ObjectCreated": Kind.CREATED,
    "ObjectRemoved": Kind.REMOVED,
    "LifecycleExpiration": Kind.REMOVED,
    **dict.fromkeys(("IntelligentTiering", "LifecycleTransition", "ReducedRedundancyLostObject")),
    **dict.fromkeys(("ObjectAcl", "ObjectAnnotation", "ObjectRestore", "ObjectRetention")),
    **dict.fromkeys(("ObjectTagging", "Replication")),
}

# The `detail-type` of an EventBridge event.
_EVENTS: Mapping[str, Kind | None] = {
    "Object Created": Kind.CREATED,
    "Object Deleted": Kind.REMOVED,
    **dict.fromkeys(("Object ACL Updated", "Object Access Tier Changed")),
    **dict.fromkeys(("Object Annotation Created", "Object Annotation Removed")),
    **dict.fromkeys(("Object Restore Initiated", "Object Restore Completed")),
    **dict.fromkeys(("Object Restore Expired", "Object Retention Updated")),
    **dict.fromkeys(("Object Storage Class Changed", "Object Tags Added", "Object Tags Deleted")),
}

INVALIDATE = "invalidate"

_NAMES = {dict: "an object", int: "a whole number", list: "a list", str: "text"}

_EXCERPT_LENGTH = 80
_excerpts = Repr()
_excerpts.maxlevel = 2
_excerpts.maxstring = _EXCERPT_LENGTH

T = TypeVar("T", dict[str, Any], int, list[Any], str)


@dataclass(frozen=True, slots=True)
class Request:
    """A path that somebody asks to invalidate."""

    subject: RequestedPath
    to: str  # the id of a distribution; empty for every one of the stack


def parse(body: str) -> tuple[Change | Request, ...]:
    """Return what the body of an SQS message reports or requests; BadInput refuses all of it.

    Nothing comes of `s3:TestEvent` and of events that change no byte a viewer sees. A key that
    EventBridge may have encoded comes under both readings.
    """
    message = _loads(body)
    if "edgesweep" in message:
        return tuple(_requests(message))
    if message.get("Type") == "Notification":
        message = _loads(_field(message, "Message", str))
    if message.get("Event") == "s3:TestEvent":
        return ()
    if "Records" in message:
        if not (records := _field(message, "Records", list)):
            raise BadInput("Records is empty")
        return tuple(chain.from_iterable(map(_notification, records)))
    if "detail-type" in message:
        return tuple(_event(message))
    raise BadInput(f"Not an S3 event: {_excerpt(message)}")


def _requests(message: Mapping[str, Any]) -> Iterator[Request]:
    if unknown := sorted(message.keys() - {"edgesweep", "paths", "by", "distribution"}):
        raise BadInput(f"A request has no field {_excerpt(unknown[0])}")
    if message["edgesweep"] != INVALIDATE:
        raise BadInput(f"edgesweep must be {INVALIDATE}, not {_excerpt(message['edgesweep'])}")
    paths, by = _field(message, "paths", list), _field(message, "by", str)
    if not 1 <= len(paths) <= MAX_PATHS:
        raise BadInput(f"A request has {len(paths):,} paths, not 1 to {MAX_PATHS:,}")
    if not (by.isprintable() and 1 <= len(by) <= _MAX_NAME):
        raise BadInput(f"by is {_excerpt(by)}, not 1 to {_MAX_NAME} printable characters")
    to = _optional(message, "distribution", str) or ""
    for path in paths:
        yield Request(RequestedPath(_field({"A path": path}, "A path", str), by), to)


def _notification(record: object) -> Iterator[Change]:
    if not isinstance(record, dict):
        raise BadInput(f"A record must be an object, not {_excerpt(record)}")
    _require_s3(record, "eventSource", "aws:s3")
    _require_major(record, "eventVersion", "2")
    name = _field(record, "eventName", str)
    if kind := _kind(_NOTIFICATIONS, name, name.partition(":")[0]):
        at, s3 = _time(_field(record, "eventTime", str)), _field(record, "s3", dict)
        found = _field(s3, "object", dict)
        lasting = kind is Kind.CREATED or name.endswith(":Delete")
        version = _mark(found, "versionId") if lasting else None
        key = _form_decoded(_field(found, "key", str))
        yield replace(_change(s3, key, kind, at, "eTag"), version=version)


def _event(message: Mapping[str, Any]) -> Iterator[Change]:
    _require_s3(message, "source", "aws.s3")
    name = _field(message, "detail-type", str)
    if kind := _kind(_EVENTS, name, name):
        detail = _field(message, "detail", dict)
        if "event-version" in detail:
            _require_major(detail, "event-version", "1")
        at, found = _time(_field(message, "time", str)), _field(detail, "object", dict)
        lasting = kind is Kind.CREATED or detail.get("deletion-type") == "Permanently Deleted"
        version = _mark(found, "version-id") if lasting else None
        keys = tuple(_readings(_field(found, "key", str)))
        for key in keys:
            other = next((other for other in keys if other != key), None)
            yield replace(_change(detail, key, kind, at, "etag"), version=version, other=other)


def _change(source: Mapping[str, Any], key: str, kind: Kind, at: datetime, etag: str) -> Change:
    found, bucket = _field(source, "object", dict), _field(source, "bucket", dict)
    size, name = _optional(found, "size", int), _field(bucket, "name", str)
    if size is not None and not 0 <= size <= _MAX_SIZE:
        raise BadInput(f"The size {_excerpt(size)} is not between 0 and {_MAX_SIZE} bytes")
    if not _BUCKET_NAME.fullmatch(name):
        raise BadInput(f"{_excerpt(name)} is not the name of a bucket")
    length = len(_utf8(key))
    if not 1 <= length <= MAX_KEY_BYTES:
        raise BadInput(f"The key {_excerpt(key)} has {length} bytes, not 1 to {MAX_KEY_BYTES:,}")
    return Change(name, key, kind, at, _mark(found, etag), size, _mark(found, "sequencer"))


def _form_decoded(key: str) -> str:
    # "The object key name value is URL encoded. For example, red flower.jpg becomes red+flower.jpg"
    try:
        return unquote_plus(key, errors="strict")
    except UnicodeDecodeError as error:
        raise BadInput(f"The key {_excerpt(key)} is not UTF-8 once decoded") from error


def _readings(key: str) -> Iterator[str]:
    """Yield the readings of an EventBridge key: AWS does not document whether it is encoded."""
    try:
        decoded = _form_decoded(key)
    except BadInput:
        decoded = key
    # Decoding shortens a key, so one that is too long may still be an encoded one.
    if decoded == key or len(_utf8(key)) <= MAX_KEY_BYTES:
        yield key
    if decoded != key:
        yield decoded


def _mark(s3_object: Mapping[str, Any], name: str) -> str | None:
    mark = _optional(s3_object, name, str)
    if mark is not None and len(_utf8(mark)) > _MAX_MARK_BYTES:
        raise BadInput(f"{name} has {len(_utf8(mark)):,} bytes, more than {_MAX_MARK_BYTES:,}")
    return mark


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo and moment >= LONG_AGO:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{_excerpt(text)} is not a time") from error
    raise BadInput(f"{_excerpt(text)} is not a time since 1970 with its offset from UTC")


def _kind(kinds: Mapping[str, Kind | None], name: str, key: str) -> Kind | None:
    if key not in kinds:
        raise BadInput(f"Unknown kind of S3 event: {_excerpt(name)}")
    return kinds[key]


def _require_s3(parent: Mapping[str, Any], name: str, s3: str) -> None:
    if parent.get(name) != s3:
        raise BadInput(f"{name} must be {s3}, not {_excerpt(parent.get(name))}")


def _require_major(parent: Mapping[str, Any], name: str, major: str) -> None:
    # "We recommend that you do an equal-to comparison on the major version number."
    version = _field(parent, name, str)
    if version.partition(".")[0] != major:
        raise BadInput(f"{name} must be {major}.x, not {_excerpt(version)}")


def _loads(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The message is not JSON: {_excerpt(text)}") from error
    if not isinstance(message, dict):
        raise BadInput(f"The message must be an object, not {_excerpt(message)}")
    return message


def _optional(parent: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    return None if parent.get(name) is None else _field(parent, name, kind)


def _field(parent: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = parent.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadInput(f"{name} must be {_NAMES[kind]}, not {_excerpt(value)}")
    if isinstance(value, str):
        _utf8(value)
    return value


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"{_excerpt(text)} is not UTF-8: it has half a surrogate pair") from error


def _excerpt(value: object) -> str:
    # Keys and payloads are the sender's text: repr escapes what could forge a line of the log.
    return _excerpts.repr(value)[:_EXCERPT_LENGTH]
