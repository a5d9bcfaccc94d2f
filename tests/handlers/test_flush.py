"""The flush function, from dirty rows to an invalidation."""

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError

from edgesweep import wiring
from edgesweep.aws.s3 import Bucket
from edgesweep.aws.sqs import Queue
from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.errors import BadInput
from edgesweep.flush import redrive
from edgesweep.flush.notifications import EVENTBRIDGE
from edgesweep.lab.cost.workload import LOOK_READS, TICK_READS
from edgesweep.paths import matcher, viewer_path
from tests.aws import calls, listening
from tests.fakes.stack import refusal
from tests.fakes.wiring import notifications_of
from tests.handlers.conftest import Deployment
from tests.messages import notification

TOKENS = count(1)
READS = {"dynamodb.Query", "dynamodb.GetItem"}
CREATE = "cloudfront.CreateInvalidation"


class Queues(NamedTuple):
    """The URLs of a queue and of its dead-letter queue."""

    queue: str
    dead: str

    def bodies(self, name: str) -> list[str]:
        """Return the messages that can be received."""
        received = boto3.client("sqs").receive_message(
            QueueUrl=getattr(self, name), MaxNumberOfMessages=10
        )
        return [message["Body"] for message in received.get("Messages", [])]

    def depth(self, name: str) -> int:
        """Return how many messages there are."""
        return Queue(boto3.client("sqs"), getattr(self, name)).waiting()


def row(deployment: Deployment, key: str, age: timedelta = timedelta(hours=1)) -> DirtyRow:
    """Return a row that was recorded some time ago."""
    moment = wiring.now() - age
    change = Change("site", key, Kind.CREATED, moment)
    return DirtyRow(deployment.distribution, change, moment, f"{next(TOKENS):08x}")


def invalidations(deployment: Deployment) -> list[Sequence[str]]:
    """Return the paths of each invalidation that CloudFront was asked for."""
    cloudfront = boto3.client("cloudfront")
    listed = cloudfront.list_invalidations(DistributionId=deployment.distribution)
    ids = [item["Id"] for item in listed["InvalidationList"].get("Items", [])]
    return [
        cloudfront.get_invalidation(DistributionId=deployment.distribution, Id=name)[
            "Invalidation"
        ]["InvalidationBatch"]["Paths"]["Items"]
        for name in ids
    ]


def dirty(deployment: Deployment) -> list[str]:
    """Return the keys that are still dirty, the oldest first."""
    return [row.change.key for row in deployment.dirty.read(deployment.distribution)]


def test_flush(deployment: Deployment) -> None:
    """What is dirty becomes one invalidation, and the rows that were read are gone.

    Without a bucket to look at, nothing is taken for empty: paths stay as narrow as they can be.
    """
    deployment.dirty.add([row(deployment, key) for key in ("index.html", "a b.html", "é~")])
    flush = deployment.load("flush")

    flush()

    (paths,) = invalidations(deployment)
    assert sorted(paths) == ["/", "/%C3%A9*", "/a%20b.html", "/index.html"]
    assert dirty(deployment) == []
    (line,) = flush.lines("INFO")
    assert line["message"] == "Flushed"
    assert line["rows"] == 3
    assert sorted(line["paths"]) == sorted(paths)


def test_survey(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket is looked at before paths are collapsed, and every change is still matched."""
    boto3.client("s3").create_bucket(Bucket="site")
    monkeypatch.setenv("BUCKET", "site")
    keys = [f"docs/{number}.html" for number in range(50)]
    deployment.dirty.add([row(deployment, key) for key in keys])

    with calls() as asked:
        deployment.load("flush")()

    assert asked.count("s3.ListObjectsV2") == 1
    (paths,) = invalidations(deployment)
    assert all(matcher(paths)(viewer_path(key)) for key in keys)
    assert dirty(deployment) == []


@pytest.mark.parametrize(
    ("words", "sent"),
    [("", ["/docs/*"]), ("stems", ["/docs*"]), ("E2QWRUHEXAMPLE=stems", ["/docs/*"])],
)
def test_stems(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, words: str, sent: list[str]
) -> None:
    """Where a wildcard is not trusted with its own text, it stops one character earlier."""
    boto3.client("s3").create_bucket(Bucket="site")
    monkeypatch.setenv("BUCKET", "site")
    monkeypatch.setenv("VIEWER_PATHS", words)
    deployment.dirty.add([row(deployment, key) for key in ("docs/", "docs/a", "docs/b")])

    deployment.load("flush")()

    assert invalidations(deployment) == [sent]
    assert dirty(deployment) == []


@pytest.mark.parametrize(("words", "left"), [("", []), ("stems", ["docs/"])])
def test_unread_stem(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, words: str, left: list[str]
) -> None:
    """A row that was not read stays if no path is trusted to match it."""
    boto3.client("s3").create_bucket(Bucket="site")
    monkeypatch.setattr("edgesweep.flush.planning.MAX_ROWS", 2)
    monkeypatch.setenv("BUCKET", "site")
    monkeypatch.setenv("VIEWER_PATHS", words)
    for key in ("docs/a", "docs/b", "docs/c", "docs/"):
        deployment.dirty.add([row(deployment, key)])

    deployment.load("flush")()

    assert invalidations(deployment) == [["/docs/*"]]
    assert dirty(deployment) == left


def test_flushed_once(deployment: Deployment) -> None:
    """The tick after a flush has nothing left to do."""
    deployment.dirty.add([row(deployment, "a.html")])
    flush = deployment.load("flush")
    flush()

    flush()

    assert len(invalidations(deployment)) == 1


def test_idle(deployment: Deployment) -> None:
    """A tick with nothing dirty makes a few reads, no write, and does not call CloudFront."""
    with calls() as asked:
        flush = deployment.load("flush")
        flush()
        asked.clear()
        flush()
        idle = list(asked)
        flush()

    assert set(asked) <= READS
    assert len(idle) == TICK_READS + LOOK_READS
    assert asked == idle * 2


def test_silent(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is published, and so nothing paid for it, until there is something to say."""
    flush = deployment.load("flush")
    flush()
    idle = capsys.readouterr().out
    deployment.dirty.add([row(deployment, "a.html")])

    flush()

    assert idle == ""
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert (said["Paths"], said["DirtyRows"], said["DollarsSpent"]) == ([1.0], [1.0], [0.0])
    assert said["DollarsLeft"] == 0


def test_cold_idle(deployment: Deployment) -> None:
    """A cold start looks at the distributions once, and keeps only what is new."""
    with calls() as asked:
        deployment.load("flush")()
        first = list(asked)
        asked.clear()
        deployment.load("flush")()

    assert set(first) - READS == {"cloudfront.GetDistribution", "dynamodb.PutItem"}
    assert set(asked) - READS == {"cloudfront.GetDistribution"}


def test_idle_after_flush(deployment: Deployment) -> None:
    """What an earlier flush left behind does not make an idle tick any dearer."""
    with calls() as asked:
        flush = deployment.load("flush")
        flush()
        asked.clear()
        flush()
        idle = list(asked)
        deployment.dirty.add([row(deployment, "a.html")])
        flush()
        asked.clear()

        flush()

    assert asked == idle


def test_one_request(deployment: Deployment) -> None:
    """However many rows there are, CloudFront is asked once."""
    deployment.dirty.add([row(deployment, f"{n}.html") for n in range(100)])

    with calls() as asked:
        flush = deployment.load("flush")
        flush()

    assert asked.count(CREATE) == 1
    assert dirty(deployment) == []


def test_few_calls(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 changes are recorded and flushed in 105 calls at most, of which the flush takes 60."""
    monkeypatch.setenv("QUIET_SECONDS", "0")
    bodies = [notification(f"posts/{number}.html") for number in range(1_000)]
    messages = [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]
    with calls() as asked:
        record, flush = deployment.load("record"), deployment.load("flush")
        flush()
        asked.clear()

        record({"Records": messages})
        recorded = len(asked)
        flush()

    assert dirty(deployment) == []
    assert asked.count(CREATE) == 1
    assert recorded > 40
    assert len(asked) - recorded <= 60
    assert len(asked) <= 105


def test_landed_meanwhile(deployment: Deployment) -> None:
    """A row that lands while CloudFront is asked stays, though its path is invalidated."""
    deployment.dirty.add([row(deployment, "a.html")])
    landed: list[DirtyRow] = []

    def land(**_: object) -> None:
        landed.append(row(deployment, "a.html", timedelta()))
        deployment.dirty.add(landed)

    with listening(f"before-call.{CREATE}", land):
        flush = deployment.load("flush")
        flush()

    assert invalidations(deployment) == [["/a.html"]]
    (left,) = deployment.dirty.read(deployment.distribution)
    assert left == landed[0]


def test_fresh(deployment: Deployment) -> None:
    """While changes are still coming in, the distribution is left alone.

    The recorder's clock is ahead, so that the change is fresh however long the tick takes.
    """
    deployment.dirty.add([row(deployment, "a.html", -timedelta(days=1))])

    deployment.load("flush")()

    assert invalidations(deployment) == []
    assert dirty(deployment) == ["a.html"]


def test_refused(deployment: Deployment) -> None:
    """When CloudFront refuses, the rows stay, and a later tick sends the same list again."""
    deployment.dirty.add([row(deployment, "a.html")])
    bodies: list[bytes] = []

    def refuse(params: dict[str, Any], **_: object) -> tuple[object, dict[str, Any]]:
        bodies.append(params["body"])
        error = {"Code": "AccessDenied", "Message": "Not yours."}
        metadata = {"HTTPStatusCode": 403}
        return SimpleNamespace(status_code=403), {"Error": error, "ResponseMetadata": metadata}

    with listening(f"before-call.{CREATE}", refuse):
        flush = deployment.load("flush")
        flush()
        assert dirty(deployment) == ["a.html"]
        flush()

    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    deployment.load("flush")()
    assert invalidations(deployment) == [["/a.html"]]
    assert dirty(deployment) == []


@pytest.fixture
def queues(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Queues:
    """Give the function a queue, and a dead-letter queue with a message that is due."""
    assert deployment
    sqs = boto3.client("sqs")
    urls = Queues(*(sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("queue", "dead")))
    monkeypatch.setenv("QUEUE", urls.queue)
    monkeypatch.setenv("DEAD_LETTER_QUEUE", urls.dead)
    # Its queue keeps the time of this machine.
    monkeypatch.setattr(redrive, "FIRST_WAIT", -timedelta(days=1))
    sqs.send_message(QueueUrl=urls.dead, MessageBody="a change")
    return urls


def test_dead_letters(deployment: Deployment, queues: Queues) -> None:
    """Dead letters go back to the queue without anybody's help, and that is told."""
    flush = deployment.load("flush")

    flush()

    assert queues.bodies("queue") == ["a change"]
    assert queues.bodies("dead") == []
    (line,) = flush.lines("WARNING")
    assert line["messages"] == 1


def test_fresh_dead_letters(
    deployment: Deployment, queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead letter that is not due yet stays, hidden until it is."""
    monkeypatch.setattr(redrive, "FIRST_WAIT", timedelta(hours=1))

    deployment.load("flush")()

    assert queues.bodies("queue") == queues.bodies("dead") == []
    assert queues.depth("dead") == 1


def test_given_up(deployment: Deployment, queues: Queues, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead letter that is given up has all that is served invalidated, once."""
    monkeypatch.setenv("BUCKET", "site")
    monkeypatch.setenv("QUIET_SECONDS", "0")
    monkeypatch.setattr("edgesweep.flush.redrive.ATTEMPTS", 0)
    monkeypatch.setattr("edgesweep.flush.gaps.ATTEMPTS", 0)
    monkeypatch.setattr("edgesweep.flush.gaps.SETTLED", -timedelta(days=1))
    with notifications_of("site"):
        Bucket(boto3.client("s3"), "site").replace({EVENTBRIDGE: {}})
        for _ in range(3):
            deployment.load("flush")()

    assert invalidations(deployment) == [["/*"]]
    assert queues.depth("dead") == 1


def test_age_unknown(
    deployment: Deployment, queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the permission to look how old messages are, the function says so and goes on."""
    assert queues
    monkeypatch.setenv("BUCKET", "site")
    denied = refusal("AccessDenied", "No", status=403)
    with (
        notifications_of("site"),
        listening("before-call.cloudwatch.GetMetricStatistics", lambda **_: denied),
    ):
        flush = deployment.load("flush")
        flush()

    messages = [line["message"] for line in flush.lines("WARNING")]
    assert any(one.startswith("The age of the oldest message is unknown") for one in messages)


@pytest.mark.usefixtures("queues")
def test_idle_looks(deployment: Deployment) -> None:
    """Ticks look at dead letters now and then, not each time."""
    with calls() as asked:
        flush = deployment.load("flush")
        flush()
        flush()

    assert asked.count("sqs.GetQueueAttributes") == 1


def test_refused_dead_letters(deployment: Deployment, queues: Queues) -> None:
    """Without the permission to send them back nothing is lost, the flush goes on, and it fails."""
    deployment.dirty.add([row(deployment, "a.html")])

    with listening("before-call.sqs.SendMessageBatch", lambda **_: refusal("AccessDenied", "No")):
        flush = deployment.load("flush")
        with pytest.raises(ExceptionGroup) as failure:
            flush()

    assert failure.group_contains(ClientError, match="AccessDenied")
    assert invalidations(deployment) == [["/a.html"]]
    assert queues.depth("dead") == 1


@pytest.mark.parametrize("name", ["DIRTY_TABLE", "FLUSHES_TABLE"])
def test_misconfigured(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Without its settings the function fails with a line that names what is missing."""
    monkeypatch.delenv(name)
    flush = deployment.load("flush")

    with pytest.raises(Exception, match=name):
        flush()


def test_unwired(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bucket whose wiring was undone is counted at once, and not at every tick."""
    boto3.client("s3").create_bucket(Bucket="site")
    monkeypatch.setenv("BUCKET", "site")
    flush = deployment.load("flush")

    with calls() as asked:
        flush()
        flush()

    assert asked.count("s3.GetBucketNotificationConfiguration") == 1
    assert [line["bucket"] for line in flush.lines("ERROR")] == ["site"]
    assert capsys.readouterr().out.count('"UnwiredBuckets":[1.0]') == 1


def test_spell(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket that publishes again after a spell has all that is served invalidated, once."""
    monkeypatch.setenv("BUCKET", "site")
    monkeypatch.setenv("QUIET_SECONDS", "0")
    monkeypatch.setattr("edgesweep.flush.gaps.SETTLED", timedelta())
    with notifications_of("site"):
        bucket = Bucket(boto3.client("s3"), "site")
        for published in (True, False, True):
            bucket.replace({EVENTBRIDGE: {}} if published else {})
            monkeypatch.setattr("edgesweep.flush.gaps.DAILY", timedelta())
            flush = deployment.load("flush")
            flush()

    assert [line["bucket"] for line in flush.lines("WARNING")] == ["site"]
    deployment.load("flush")()
    deployment.load("flush")()
    assert invalidations(deployment) == [["/*"]]


def test_wired(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bucket that is wired is not spoken of, nor is one that cannot be looked at counted."""
    complaints = []
    with notifications_of("site"):
        Bucket(boto3.client("s3"), "site").replace({EVENTBRIDGE: {}})
        for bucket in ("site", "not-there"):
            monkeypatch.setenv("BUCKET", bucket)
            flush = deployment.load("flush")
            flush()
            complaints.append([line["message"] for line in flush.lines("WARNING")])

    told, (complaint,) = complaints
    assert told == []
    assert complaint.startswith("The notifications of the bucket not-there cannot be read: ")
    assert "UnwiredBuckets" not in capsys.readouterr().out


def test_unpaid_guarantee(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guarantee that the budget cannot pay for ends the function with what it would take."""
    deployment.dirty.add([row(deployment, "a.html")])
    monkeypatch.setenv("GUARANTEE_MINUTES", "5")
    flush = deployment.load("flush")

    with pytest.raises(BadInput) as refusal:
        flush()

    assert str(refusal.value) == (
        'Parameter guaranteeMinutes is "5": A flush every 5 minutes takes 8,928 paths a month, '
        "$39.64; your budget pays for one every 45 minutes at most"
    )
    assert dirty(deployment) == ["a.html"]
