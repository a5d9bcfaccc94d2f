"""The flush function, on the way that events take to the recorder."""

from datetime import timedelta
from typing import NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError

from edgesweep.aws.s3 import Bucket
from edgesweep.aws.sqs import Queue
from edgesweep.flush import redrive
from edgesweep.flush.gaps import EVENTBRIDGE
from tests.aws import calls, listening
from tests.fakes.stack import refusal
from tests.fakes.wiring import notifications_of
from tests.handlers.conftest import Deployment, invalidations, row


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


@pytest.fixture
def queues(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Queues:
    """Give the function a queue, and a dead-letter queue with a message that is due."""
    assert deployment
    sqs = boto3.client("sqs")
    urls = Queues(*(sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("queue", "dead")))
    monkeypatch.setenv("QUEUE", urls.queue)
    monkeypatch.setenv("DEAD_LETTER_QUEUE", urls.dead)
    monkeypatch.setattr(redrive, "FIRST_WAIT", -timedelta(days=1))
    sqs.send_message(QueueUrl=urls.dead, MessageBody="a change")
    return urls


def test_dead_letters(deployment: Deployment, queues: Queues) -> None:
    """Dead letters go back to the queue without anybody's help, and the log says so."""
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
    monkeypatch.setattr(redrive, "FIRST_WAIT", timedelta(minutes=1))

    deployment.load("flush")()

    assert queues.bodies("queue") == queues.bodies("dead") == []
    assert queues.depth("dead") == 1


def test_given_up(deployment: Deployment, queues: Queues, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead letter that is given up has all that is served invalidated, once."""
    monkeypatch.setenv("BUCKET", "site")
    monkeypatch.setenv("QUIET_SECONDS", "0")
    monkeypatch.setattr("edgesweep.flush.redrive.ATTEMPTS", 0)
    monkeypatch.setattr("edgesweep.flush.gaps.ATTEMPTS", 0)
    # SQS keeps the time of this machine.
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
    """Without the permission to look how old messages are, the function says so and continues."""
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
    """Without the permission to send dead letters back nothing is lost, but the function fails."""
    deployment.dirty.add([row(deployment, "a.html")])

    with listening("before-call.sqs.SendMessageBatch", lambda **_: refusal("AccessDenied", "No")):
        flush = deployment.load("flush")
        with pytest.raises(ExceptionGroup) as failure:
            flush()

    assert failure.group_contains(ClientError, match="AccessDenied")
    assert invalidations(deployment) == [["/a.html"]]
    assert queues.depth("dead") == 1


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
    assert capsys.readouterr().out.count('"Unswept":[1.0]') == 1


def test_spell(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket that publishes again after a spell has all that is served invalidated, once."""
    monkeypatch.setenv("BUCKET", "site")
    monkeypatch.setenv("QUIET_SECONDS", "0")
    # SQS keeps the time of this machine.
    monkeypatch.setattr("edgesweep.flush.gaps.SETTLED", -timedelta(days=1))
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
    assert "Unswept" not in capsys.readouterr().out
