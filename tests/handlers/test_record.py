"""The record function, from SQS event to rows and batch item failures."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import boto3
import pytest

from edgesweep import wiring
from edgesweep.aws.dynamodb import RoutesTable
from edgesweep.routes import everywhere
from edgesweep.routes.kept import Kept, Tracked
from tests.aws import calls, create_catalogue, dated_heads, listening
from tests.fakes.discovery import distribution
from tests.fakes.stack import refusal
from tests.handlers.conftest import Deployment, Function
from tests.keys import HARD_KEYS
from tests.messages import notification

EVENTS = Path(__file__).parents[1] / "events"
GOOD = notification("good.html")


def event(*bodies: str) -> dict[str, Any]:
    """Return what Lambda hands over for messages m0, m1, and so on."""
    return named({f"m{number}": body for number, body in enumerate(bodies)})


def named(bodies: Mapping[str, str]) -> dict[str, Any]:
    """Return what Lambda hands over for messages of these ids."""
    return {
        "Records": [
            {
                "messageId": name,
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1795435200000",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1795435200001",
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:changes",
                "awsRegion": "us-east-1",
            }
            for name, body in bodies.items()
        ]
    }


def failures(*messages: str) -> dict[str, Any]:
    """Return the partial batch response that names these messages."""
    return {"batchItemFailures": [{"itemIdentifier": message} for message in messages]}


def bodies(folder: Path) -> dict[str, str]:
    """Return the message bodies of a folder by their names."""
    return {path.stem: path.read_text() for path in sorted(folder.glob("*.json"))}


def eventbridge(name: str) -> dict[str, Any]:
    """Return an EventBridge event about the bucket."""
    told: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    told["detail"]["bucket"]["name"] = "site"
    return told


@pytest.fixture
def record(deployment: Deployment) -> Function:
    """Return the function."""
    return deployment.load("record")


def keys(deployment: Deployment) -> list[str]:
    """Return the keys that are dirty, in order."""
    return sorted(row.change.key for row in deployment.dirty.read(deployment.distribution))


def test_rows(deployment: Deployment, record: Function) -> None:
    """Every change of a batch is a row, stamped with the present, and no message comes back."""
    before = wiring.now()

    response = record(event(notification("a", "b"), notification("c"), notification("a")))

    assert response == failures()
    assert keys(deployment) == ["a", "b", "c"]
    for row in deployment.dirty.read(deployment.distribution):
        assert before <= row.recorded_at <= wiring.now()


def test_hard_keys(deployment: Deployment, record: Function) -> None:
    """Every key arrives in the table, character by character."""
    assert record(event(*map(notification, HARD_KEYS))) == failures()

    assert keys(deployment) == sorted(HARD_KEYS)


def test_payloads(record: Function) -> None:
    """Every real payload is acknowledged without an error."""
    assert record(named(bodies(EVENTS))) == failures()

    assert record.lines("ERROR") == []


def test_unserved(record: Function, capsys: pytest.CaptureFixture[str]) -> None:
    """Changes of keys that no distribution serves are counted and named, and no others."""
    RoutesTable("flushes", boto3.Session()).save(
        Kept((Tracked(distribution("E1", pattern="docs/*")),))
    )

    record(event(notification("docs/a")))
    assert "Unswept" not in capsys.readouterr().out
    record(event(notification("docs/a", "a", "b"), notification("c"), notification("d")))

    out = capsys.readouterr().out
    assert '"Unswept":[4.0]' in out.replace(" ", "")
    assert '"UnservedChanges":4' in out.replace(" ", "")
    (warning,) = record.lines("WARNING")
    assert warning["examples"] == [["site", "a"], ["site", "b"], ["site", "c"]]


def test_malformed(deployment: Deployment, record: Function) -> None:
    """Each bad message fails alone, with one clear log line that names it, without stack trace."""
    bad = bodies(EVENTS / "malformed")
    good = {f"good-{name}": notification(f"{name}.html") for name in bad}

    response = record(named(dict(chain.from_iterable(zip(bad.items(), good.items(), strict=True)))))

    assert response == failures(*bad)
    assert keys(deployment) == sorted(f"{name}.html" for name in bad)
    lines = record.lines("ERROR")
    assert [line["message_id"] for line in lines] == list(bad)
    for line in lines:
        assert line["message"] == "Message failed"
        assert line["reason"].isprintable()
        assert 0 < len(line["reason"]) < 200
        assert "exception" not in line
    assert "Traceback" not in record.output.getvalue()


def oversized(name: str) -> str:
    """Return a notification whose field `name` alone is larger than DynamoDB takes an item."""
    message = json.loads(notification("huge.html"))
    message["Records"][0]["s3"]["object"][name] = "5" * 500_000
    return json.dumps(message)


@pytest.mark.parametrize("name", ["eTag", "sequencer"])
def test_oversized(deployment: Deployment, record: Function, name: str) -> None:
    """A message too large for a row fails alone; its neighbours of the same write do not."""
    assert record(event(GOOD, oversized(name))) == failures("m1")

    assert keys(deployment) == ["good.html"]


def test_everything_bad(deployment: Deployment, record: Function) -> None:
    """A batch of nothing but nonsense fails message by message, not as a whole."""
    assert record(event("", "{", "[]")) == failures("m0", "m1", "m2")

    assert len(record.lines("ERROR")) == 3
    assert keys(deployment) == []


def test_table_gone(record: Function) -> None:
    """When no row can be written every message that asks for one comes back, and no other."""
    boto3.client("dynamodb").delete_table(TableName="dirty")

    response = record(event(GOOD, '{"Event": "s3:TestEvent"}', notification("b.html")))

    assert response == failures("m0", "m2")
    for line in record.lines("ERROR"):
        assert "ResourceNotFoundException" in line["reason"]
        assert "exception" not in line


def test_nothing_to_write(deployment: Deployment) -> None:
    """A batch without a change reads the routes and writes nothing."""
    with calls() as asked:
        record = deployment.load("record")

        record(event('{"Event": "s3:TestEvent"}', notification("a", event="ObjectTagging:Put")))

    assert asked == ["dynamodb.GetItem"]


def test_few_calls(deployment: Deployment) -> None:
    """A batch of 1,000 messages is routed by one read and written 25 rows in a call."""
    with calls() as asked:
        record = deployment.load("record")

        record(event(*(notification(f"{n}.html") for n in range(1_000))))

    assert asked == ["dynamodb.GetItem"] + ["dynamodb.BatchWriteItem"] * 40
    assert len(keys(deployment)) == 1_000


def test_tokens(deployment: Deployment, record: Function) -> None:
    """Rows of one batch, which share their instant, differ by 64 random bits at least."""
    record(event(*(notification(f"{n}.html") for n in range(100))))

    tokens = {row.token for row in deployment.dirty.read(deployment.distribution)}
    assert len(tokens) == 100
    assert all(len(token) >= 16 for token in tokens)


def test_warm(deployment: Deployment, record: Function) -> None:
    """A second batch in the same environment is recorded as well."""
    record(event(GOOD))
    record(event(notification("later.html")))

    assert keys(deployment) == ["good.html", "later.html"]


@pytest.fixture
def sifting(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    """Return the function of a stack that skips uploads that change nothing."""
    monkeypatch.setenv("CATALOGUE_TABLE", "catalogue")
    create_catalogue("catalogue")
    boto3.client("s3").create_bucket(Bucket="site")
    with dated_heads():
        yield deployment.load("record")


def upload(key: str, **headers: Any) -> str:  # noqa: ANN401  # as boto3
    """Upload the bytes whose etag notifications name; return the notification."""
    boto3.client("s3").put_object(Bucket="site", Key=key, Body=b"hello\n", **headers)
    return notification(key, at=datetime.now(UTC))


def test_unchanged(deployment: Deployment, sifting: Function) -> None:
    """The second upload of the same bytes and headers gets no row, and is counted."""
    sifting(event(upload("a"), upload("b")))

    assert sifting(event(upload("a"), upload("b", CacheControl="no-store"))) == failures()

    assert keys(deployment) == ["a", "b", "b"]
    assert sifting.lines("INFO")[-1]["passed_over"] == {"unchanged": 1}


def test_versions(deployment: Deployment, sifting: Function) -> None:
    """In a versioned bucket the same again costs nothing, nor does the end of a version before."""
    s3, versions = boto3.client("s3"), []
    versioned: Any = {"Bucket": "site", "VersioningConfiguration": {"Status": "Enabled"}}
    s3.put_bucket_versioning(**versioned)
    told = eventbridge("eventbridge-object-created-put")
    for body in (b"old", b"new", b"new"):
        put = s3.put_object(Bucket="site", Key="docs/index.html", Body=body)
        versions.append(put["VersionId"])
        told["detail"]["object"] |= {"version-id": versions[-1], "etag": put["ETag"].strip('"')}
        told["time"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        assert sifting(event(json.dumps(told))) == failures()
    assert keys(deployment) == ["docs/index.html"] * 2

    expired = eventbridge("eventbridge-object-deleted-permanently")
    expired["detail"]["object"] = {"key": "docs/index.html", "version-id": versions[0]}
    assert sifting(event(json.dumps(expired))) == failures()

    assert keys(deployment) == ["docs/index.html"] * 2


def test_missed_events(deployment: Deployment, sifting: Function) -> None:
    """After events of a bucket were missed, the next upload of the same counts as a change."""
    sifting(event(upload("a")))
    store = RoutesTable("flushes", boto3.Session())
    whole_since = datetime.now(UTC) + timedelta(seconds=1)
    store.save(Kept(complete_since={"site": whole_since}, tracked=tracked(deployment)))

    sifting(event(upload("a")))

    assert keys(deployment) == ["a", "a"]


def tracked(deployment: Deployment) -> tuple[Tracked, ...]:
    """Return what is kept of a distribution that serves everything."""
    return tuple(map(Tracked, everywhere([deployment.distribution]).known))


def test_unreadable(deployment: Deployment, sifting: Function) -> None:
    """An object that may not be looked at is a change, every time, and the log counts it."""
    for _ in range(2):
        assert sifting(event(notification("secret"))) == failures()

    assert keys(deployment) == ["secret", "secret"]
    assert [line["unseen"] for line in sifting.lines("INFO")] == [1, 1]


def test_unlearnt(deployment: Deployment, sifting: Function) -> None:
    """An object that the catalogue cannot record is a change, and the log says why."""
    body = upload("a")
    with listening(
        "before-call.dynamodb.PutItem", lambda **_: refusal("Throttled", "Later", status=400)
    ):
        record = deployment.load("record")
        assert record(event(body)) == failures()

    (line,) = record.lines("WARNING")
    assert (line["message"], line["objects"]) == ("Objects stay unknown", 1)
    assert "Throttled" in line["reason"]
    assert sifting(event(upload("a"))) == failures()
    assert keys(deployment) == ["a", "a"]


def test_catalogue_gone(deployment: Deployment, sifting: Function) -> None:
    """Without its table the function fails as a whole, so that no message is acknowledged."""
    boto3.client("dynamodb").delete_table(TableName="catalogue")

    with pytest.raises(Exception, match="ResourceNotFound"):
        sifting(event(upload("a")))

    assert keys(deployment) == []


def test_few_calls_to_skip(sifting: Function, deployment: Deployment) -> None:
    """A batch of uploads that change nothing asks S3 once for each, and writes nothing."""
    bodies = [upload(f"{n}.html") for n in range(101)]
    sifting(event(*bodies))

    with calls() as asked, dated_heads():
        record = deployment.load("record")
        record(event(*bodies))

    assert Counter(asked) == {
        "dynamodb.GetItem": 1,
        "dynamodb.BatchGetItem": 2,
        "s3.HeadObject": 101,
    }


@pytest.mark.parametrize("name", ["DIRTY_TABLE", "FLUSHES_TABLE"])
def test_misconfigured(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Without its settings the function fails as a whole, so that no message is acknowledged."""
    monkeypatch.delenv(name)
    record: Callable[..., object] = deployment.load("record")

    with pytest.raises(Exception, match=name):
        record(event(GOOD))
