"""SQS message bodies about S3 objects, as S3 writes them."""

import json
from datetime import UTC, datetime
from urllib.parse import quote_plus

from edgesweep.dirty import Change
from edgesweep.record import events

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def notification(
    *keys: str,
    bucket: str = "site",
    at: datetime = NOON,
    event: str = "ObjectCreated:Put",
    etag: str = "b1946ac92492d2347c6235b4d2611184",
) -> str:
    """Return the body of a direct notification with one record for each key."""
    return json.dumps({"Records": [_record(key, bucket, at, event, etag) for key in keys]})


def _record(key: str, bucket: str, at: datetime, event: str, etag: str) -> dict[str, object]:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "eventName": event,
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "changes",
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {
                "key": quote_plus(key, safe="/"),
                "size": 5,
                "eTag": etag,
                "sequencer": "0055AED6DCD90281E5",
            },
        },
    }


def parse(body: str) -> tuple[Change, ...]:
    """Return the changes that a message reports, if it requests nothing."""
    found = events.parse(body)
    changes = tuple(one for one in found if isinstance(one, Change))
    assert len(changes) == len(found)
    return changes
