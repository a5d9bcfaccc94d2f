"""What each message body says, and which bodies are refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edgesweep.dirty import Change, Kind
from edgesweep.errors import BadInput
from tests.messages import notification, parse

EVENTS = Path(__file__).parents[2] / "events"
MALFORMED = EVENTS / "malformed"

ETAG = "b1946ac92492d2347c6235b4d2611184"
EMPTY = "d41d8cd98f00b204e9800998ecf8427e"

# file: kind, (key, etag, size, sequencer) of each change
CHANGING: dict[str, tuple[Kind, list[tuple[str, str | None, int | None, str]]]] = {
    "s3-object-created-put": (
        Kind.CREATED,
        [("images/red flower.jpg", ETAG, 1024, "0055AED6DCD90281E5")],
    ),
    "s3-object-created-post": (
        Kind.CREATED,
        [("forms/café+1.html", ETAG, 310, "0055AED6DCD90281E6")],
    ),
    "s3-object-created-copy": (
        Kind.CREATED,
        [("docs/100%.html", ETAG, 5, "0055AED6DCD90281E7")],
    ),
    "s3-object-created-multipart": (
        Kind.CREATED,
        [("video/a/b.mp4", f"{ETAG}-13", 104_857_600, "0055AED6DCD90281E8")],
    ),
    "s3-object-created-version-2.1": (
        Kind.CREATED,
        [("index.html", EMPTY, 0, "0055AED6DCD90281E9")],
    ),
    "s3-object-removed-delete": (
        Kind.REMOVED,
        [("blog/old post.html", None, None, "0055AED6DCD90281EA")],
    ),
    "s3-object-removed-delete-marker": (
        Kind.REMOVED,
        [("blog/old.html", EMPTY, None, "0055AED6DCD90281EB")],
    ),
    "s3-lifecycle-expiration-delete": (
        Kind.REMOVED,
        [("tmp/a.html", None, None, "0055AED6DC00000000")],
    ),
    "s3-lifecycle-expiration-delete-marker": (
        Kind.REMOVED,
        [("tmp/b.html", EMPTY, None, "0055AED6DC00000000")],
    ),
    "sns-object-created-put": (
        Kind.CREATED,
        [("images/red flower.jpg", ETAG, 1024, "0055AED6DCD90281E5")],
    ),
    "sns-raw-object-created-put": (
        Kind.CREATED,
        [("images/red flower.jpg", ETAG, 1024, "0055AED6DCD90281E5")],
    ),
    "eventbridge-object-created-put": (
        Kind.CREATED,
        [("docs/index.html", ETAG, 5, "617f08299329d189")],
    ),
    "eventbridge-object-created-post": (
        Kind.CREATED,
        [("forms/naïve.html", ETAG, 5, "617f08299329d189")],
    ),
    "eventbridge-object-created-copy": (
        Kind.CREATED,
        [
            ("img/red+flower.jpg", ETAG, 5, "617f08299329d189"),
            ("img/red flower.jpg", ETAG, 5, "617f08299329d189"),
        ],
    ),
    "eventbridge-object-created-multipart": (
        Kind.CREATED,
        [("video/100%.mp4", ETAG, 5, "617f08299329d189")],
    ),
    "eventbridge-object-deleted-delete-marker": (
        Kind.REMOVED,
        [("blog/old.html", EMPTY, None, "617f0837b476e463")],
    ),
    "eventbridge-object-deleted-permanently": (
        Kind.REMOVED,
        [
            ("blog/old%20post.html", None, None, "617f0837b476e464"),
            ("blog/old post.html", None, None, "617f0837b476e464"),
        ],
    ),
    "eventbridge-object-deleted-lifecycle": (
        Kind.REMOVED,
        [("tmp/a.html", EMPTY, None, "617b398000000000")],
    ),
}

QUIET = [
    "eventbridge-object-access-tier-changed",
    "eventbridge-object-acl-updated",
    "eventbridge-object-annotation-created",
    "eventbridge-object-annotation-removed",
    "eventbridge-object-restore-completed",
    "eventbridge-object-restore-expired",
    "eventbridge-object-restore-initiated",
    "eventbridge-object-retention-updated",
    "eventbridge-object-storage-class-changed",
    "eventbridge-object-tags-added",
    "eventbridge-object-tags-deleted",
    "s3-intelligent-tiering",
    "s3-lifecycle-transition",
    "s3-object-acl-put",
    "s3-object-annotation-delete",
    "s3-object-annotation-put",
    "s3-object-restore-completed",
    "s3-object-restore-delete",
    "s3-object-restore-post",
    "s3-object-retention-put",
    "s3-object-tagging-delete",
    "s3-object-tagging-put",
    "s3-reduced-redundancy-lost-object",
    "s3-replication",
    "s3-test-event",
    "sns-test-event",
]

REFUSED = {
    "blank": "The message is not JSON: '\\n'",
    "bucket-missing": "bucket must be an object, not None",
    "bucket-name-empty": "'' is not the name of a bucket",
    "bucket-name-newline": "'site\\nERROR forged' is not the name of a bucket",
    "dynamodb-stream": "eventSource must be aws:s3, not 'aws:dynamodb'",
    "empty": "The message is not JSON: ''",
    "etag-half-surrogate": "'\\udc00' is not UTF-8: it has half a surrogate pair",
    "etag-number": "eTag must be text, not 5",
    "event-name-missing": "eventName must be text, not None",
    "event-name-unknown": "Unknown kind of S3 event: 'ObjectTeleported:Put'",
    "event-time-before-1970": (
        "'0001-01-01T00:00:00+14:00' is not a time since 1970 with its offset from UTC"
    ),
    "event-time-missing": "eventTime must be text, not None",
    "event-time-no-offset": (
        "'2026-11-23T09:30:15.250' is not a time since 1970 with its offset from UTC"
    ),
    "event-time-number": "eventTime must be text, not 1795426215",
    "event-time-text": "'yesterday' is not a time",
    "event-version-3": "eventVersion must be 2.x, not '3.0'",
    "event-version-missing": "eventVersion must be text, not None",
    "event-version-number": "eventVersion must be text, not 2.6",
    "eventbridge-detail-missing": "detail must be an object, not None",
    "eventbridge-detail-type-unknown": "Unknown kind of S3 event: 'Object Teleported'",
    "eventbridge-ec2": "source must be aws.s3, not 'aws.ec2'",
    "eventbridge-event-version-2": "event-version must be 1.x, not '2.0'",
    "eventbridge-key-1025-bytes": "has 1025 bytes, not 1 to 1,024",
    "eventbridge-key-empty": "The key '' has 0 bytes, not 1 to 1,024",
    "eventbridge-key-half-surrogate": "'a+\\ud83d' is not UTF-8: it has half a surrogate pair",
    "eventbridge-time-missing": "time must be text, not None",
    "key-1025-bytes": "has 1025 bytes, not 1 to 1,024",
    "key-empty": "The key '' has 0 bytes, not 1 to 1,024",
    "key-half-surrogate": "'\\ud83d.html' is not UTF-8: it has half a surrogate pair",
    "key-half-surrogate-encoded": "The key '%ED%A0%BD.html' is not UTF-8 once decoded",
    "key-missing": "key must be text, not None",
    "key-not-utf-8": "The key 'caf%E9.html' is not UTF-8 once decoded",
    "key-number": "key must be text, not 404",
    "list": "The message must be an object, not [{'Records': [...]}]",
    "no-event": "Not an S3 event: {'hello': 'world'}",
    "not-json": "The message is not JSON: '<?xml",
    "null": "The message must be an object, not None",
    "number": "The message must be an object, not 7",
    "object-missing": "object must be an object, not None",
    "one-of-two-records-bad": "The key '' has 0 bytes, not 1 to 1,024",
    "record-text": "A record must be an object, not 'ObjectCreated:Put'",
    "records-empty": "Records is empty",
    "records-null": "Records must be a list, not None",
    "records-text": "Records must be a list, not 'ObjectCreated:Put'",
    "s3-list": "s3 must be an object, not []",
    "s3-missing": "s3 must be an object, not None",
    "sequencer-list": "sequencer must be text, not []",
    "ses-receipt": "eventSource must be aws:s3, not 'aws:ses'",
    "size-huge": "is not between 0 and 9223372036854775807 bytes",
    "size-negative": "The size -1 is not between 0 and 9223372036854775807 bytes",
    "size-text": "size must be a whole number, not '5'",
    "size-true": "size must be a whole number, not True",
    "sns-in-sns": "Not an S3 event: {",
    "sns-message-missing": "Message must be text, not None",
    "sns-message-not-json": "The message is not JSON: 'Your instance is ready'",
    "sns-message-object": "Message must be text, not {'Records': [",
    "sns-subscription-confirmation": "Not an S3 event: {",
    "text": "The message must be an object, not 'ObjectCreated:Put'",
    "truncated": "The message is not JSON: '{\\n",
}


def body(name: str) -> str:
    """Return the message body of a file below tests/events."""
    return (EVENTS / f"{name}.json").read_text()


def eventbridge(key: str) -> str:
    """Return an EventBridge event about `key`."""
    event: dict[str, Any] = json.loads(body("eventbridge-object-created-put"))
    event["detail"]["object"]["key"] = key
    return json.dumps(event)


def test_whole_name() -> None:
    """A name that S3 uses only in configurations is refused with all of it in the message."""
    event = json.loads(body("s3-object-created-put"))
    event["Records"][0]["eventName"] = "s3:ObjectCreated:Put"

    with pytest.raises(BadInput, match=r"^Unknown kind of S3 event: 's3:ObjectCreated:Put'$"):
        parse(json.dumps(event))


def test_readings() -> None:
    """Each reading of a key names the other, and a key with one reading names none."""
    two, one = parse(eventbridge("a%2Bb")), parse(eventbridge("a"))

    assert [(change.key, change.other) for change in two] == [("a%2Bb", "a+b"), ("a+b", "a%2Bb")]
    assert [change.other for change in one] == [None]


@pytest.mark.parametrize("name", CHANGING)
def test_changing(name: str) -> None:
    """Every event after which viewers may be served old bytes is read in full."""
    kind, objects = CHANGING[name]
    moment = datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC)

    changes = parse(body(name))

    assert [change.changed_at.replace(microsecond=0) for change in changes] == [moment] * len(
        objects
    )
    assert tuple(replace(change, version=None, other=None) for change in changes) == tuple(
        Change("amzn-s3-demo-bucket", key, kind, changes[0].changed_at, etag, size, sequencer)
        for key, etag, size, sequencer in objects
    )


@pytest.mark.parametrize("version", ["096fKKXTRTtl3on89fVO.nfljtsv6qko", "null", None])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("s3-object-created-put", True),
        ("s3-object-removed-delete", True),
        ("s3-lifecycle-expiration-delete", True),
        ("s3-object-removed-delete-marker", False),
        ("s3-lifecycle-expiration-delete-marker", False),
        ("eventbridge-object-created-put", True),
        ("eventbridge-object-deleted-permanently", True),
        ("eventbridge-object-deleted-delete-marker", False),
        ("eventbridge-object-deleted-lifecycle", False),
    ],
)
def test_version(name: str, version: str | None, says: bool) -> None:  # noqa: FBT001  # a parameter
    """A change names the version that was written or is gone for good, but no mark of a removal."""
    message: dict[str, Any] = json.loads(body(name))
    if "detail" in message:
        message["detail"]["object"]["version-id"] = version
    else:
        message["Records"][0]["s3"]["object"]["versionId"] = version

    versions = {change.version for change in parse(json.dumps(message))}

    assert versions == {version if says else None}


@pytest.mark.parametrize("name", QUIET)
def test_quiet(name: str) -> None:
    """Test messages and events that change no byte a viewer sees are acknowledged."""
    assert parse(body(name)) == ()


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    """A body that is not understood is refused with one clear, short line."""
    with pytest.raises(BadInput) as refusal:
        parse((MALFORMED / f"{name}.json").read_text())

    text = str(refusal.value)
    assert REFUSED[name] in text
    assert text.isprintable()
    assert len(text) < 160


def test_every_payload() -> None:
    """Every payload in the folder is the subject of a test."""
    assert {path.stem for path in EVENTS.glob("*.json")} == {
        *CHANGING,
        *QUIET,
        "s3-two-records",
    }
    assert {path.stem for path in MALFORMED.iterdir()} == set(REFUSED)


def test_two_records() -> None:
    """A notification with several records reports them all, in order."""
    changes = parse(body("s3-two-records"))

    assert [(change.key, change.kind) for change in changes] == [
        ("a.html", Kind.CREATED),
        ("b.html", Kind.REMOVED),
    ]


def test_time_in_utc() -> None:
    """A time with another offset is turned into UTC, to the millisecond."""
    text = body("s3-object-created-put").replace("09:30:15.250Z", "11:00:15.250+01:30")

    (change,) = parse(text)

    assert change.changed_at == datetime(2026, 11, 23, 9, 30, 15, 250_000, UTC)
    assert change.changed_at.tzinfo is UTC


def test_no_event_version() -> None:
    """EventBridge events from before `event-version` existed are read as version 1."""
    event = json.loads(body("eventbridge-object-created-put"))
    del event["detail"]["event-version"]

    (change,) = parse(json.dumps(event))

    assert change.key == "docs/index.html"


def test_absent_or_null() -> None:
    """An etag, a size or a sequencer that is null is as good as absent."""
    event = json.loads(body("s3-object-created-put"))
    event["Records"][0]["s3"]["object"] |= {"eTag": None, "size": None, "sequencer": None}

    (change,) = parse(json.dumps(event))

    assert (change.etag, change.size, change.sequencer) == (None, None, None)


@pytest.mark.parametrize(
    ("key", "readings"),
    [
        ("plain.html", ["plain.html"]),
        ("a b.html", ["a b.html"]),
        ("a+b.html", ["a+b.html", "a b.html"]),
        ("a%2Bb.html", ["a%2Bb.html", "a+b.html"]),
        ("caf%C3%A9", ["caf%C3%A9", "café"]),
        ("caf%E9", ["caf%E9"]),  # decoding gives no UTF-8: the key can only be raw
        ("100%", ["100%"]),
        ("é" * 512, ["é" * 512]),
        ("%C3%A9" * 512, ["é" * 512]),  # 3,072 bytes raw: the key can only be encoded
    ],
)
def test_eventbridge_readings(key: str, readings: list[str]) -> None:
    """An EventBridge key that decoding would change is reported raw and decoded."""
    assert [change.key for change in parse(eventbridge(key))] == readings


def test_longest_key() -> None:
    """The limit of a key is 1,024 bytes of UTF-8, counted decoded."""
    text = body("s3-object-created-put").replace("images/red+flower.jpg", "%F0%9F%8C%B5" * 256)

    (change,) = parse(text)

    assert change.key == "🌵" * 256


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5_000, "\ud800"])
def test_hostile_json(text: str) -> None:
    """Nesting and numbers beyond what the parser takes are refused like other nonsense."""
    with pytest.raises(BadInput, match="The message is not JSON"):
        parse(text)


@pytest.mark.parametrize("name", ["eTag", "sequencer"])
def test_longest_mark(name: str) -> None:
    """An etag or a sequencer of more bytes than a row can hold is refused, by its name."""
    message = json.loads(notification("a.html"))
    s3_object = message["Records"][0]["s3"]["object"]

    s3_object[name] = "é" * 512
    assert len(parse(json.dumps(message))) == 1

    s3_object[name] = "é" * 512 + "a"
    with pytest.raises(BadInput, match=f"{name} has 1,025 bytes, more than 1,024"):
        parse(json.dumps(message))
