"""What the queue of dead letters has to do, whether it is in memory or in SQS."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from moto import mock_aws
from moto.sqs import models

from edgesweep.aws.sqs import REDRIVEN, DeadLetterQueue, Queue
from edgesweep.flush.redrive import ATTEMPTS, DeadLetters, Letter
from tests.aws import listening
from tests.fakes.letters import DeadLettersInMemory


@dataclass(frozen=True)
class Post:
    """Two queues.

    Attributes:
        dead: the dead letters.
        bury: lets messages with these bodies be dead letters.
        arrived: the bodies of the messages in the queue, each with how often it was sent back.
        later: lets time pass.
    """

    dead: DeadLetters
    bury: Callable[[Sequence[str]], None]
    arrived: Callable[[], Sequence[tuple[str, int]]]
    later: Callable[[timedelta], None]


def in_memory() -> Iterator[Post]:
    """Yield the fake."""
    dead = DeadLettersInMemory(datetime.now(UTC))

    def bury(bodies: Sequence[str]) -> None:
        dead.bury(*(Letter(body, body, dead.now) for body in bodies))

    def later(span: timedelta) -> None:
        dead.now += span

    yield Post(dead, bury, lambda: [(one.body, one.redriven) for one in dead.queue], later)


def in_sqs() -> Iterator[Post]:
    """Yield the adapter, and queues that moto keeps."""
    passed = 0.0
    clock = patch.object(models, "unix_time_millis", lambda: (time.time() + passed) * 1_000)
    with mock_aws(), clock:
        client = boto3.client("sqs")
        urls = [client.create_queue(QueueName=name)["QueueUrl"] for name in ("dead", "queue")]

        def bury(bodies: Sequence[str]) -> None:
            for body in bodies:
                client.send_message(QueueUrl=urls[0], MessageBody=body)

        def arrived() -> Sequence[tuple[str, int]]:
            queue = DeadLetterQueue(client, urls[1], urls[0])
            return [(one.body, one.redriven) for one in iter_all(queue)]

        def later(span: timedelta) -> None:
            nonlocal passed
            passed += span.total_seconds()

        yield Post(DeadLetterQueue(client, *urls), bury, arrived, later)


def iter_all(dead: DeadLetters) -> Iterator[Letter]:
    """Yield every message that can be taken."""
    while taken := dead.take():
        yield from taken


@pytest.fixture(params=[in_memory, in_sqs])
def post(request: pytest.FixtureRequest) -> Iterator[Post]:
    """Return each implementation in turn."""
    yield from request.param()


def test_empty(post: Post) -> None:
    """Without dead letters nothing waits and nothing is taken."""
    assert (post.dead.waiting(), list(post.dead.take())) == (0, [])


def test_take(post: Post) -> None:
    """Every message is received once, a few at a time, with the time when it was sent."""
    bodies = [f"body {number}" for number in range(23)]
    post.bury(bodies)

    assert post.dead.waiting() == 23
    taken = list(iter_all(post.dead))

    assert sorted(letter.body for letter in taken) == sorted(bodies)
    assert {letter.redriven for letter in taken} == {0}
    assert all(abs(datetime.now(UTC) - one.sent_at) < timedelta(minutes=5) for one in taken)


def test_send_back(post: Post) -> None:
    """A letter that is sent back is in the queue, is counted, and is no longer a dead letter."""
    post.bury(["a", "b", "c"])
    taken = post.dead.take()

    assert post.dead.send_back([one for one in taken if one.body != "b"]) == 2

    assert sorted(post.arrived()) == [("a", 1), ("c", 1)]
    assert post.dead.waiting() == 1


def test_taken(post: Post) -> None:
    """A message that was taken, and that nobody removes, can be taken again two minutes later."""
    post.bury(["a", "b"])
    post.dead.take()
    assert list(post.dead.take()) == []

    post.later(timedelta(minutes=3))

    assert len(post.dead.take()) == 2


def test_hide(post: Post) -> None:
    """Each hidden message waits, and can be taken again once its own time has passed."""
    post.bury([f"body {number}" for number in range(12)])
    taken = [letter for _ in range(2) for letter in post.dead.take()]

    post.dead.hide({letter: timedelta(minutes=20 * n) for n, letter in enumerate(taken, 1)})

    assert post.dead.waiting() == len(taken) == 12
    post.later(timedelta(minutes=10))
    for letter in taken:
        assert list(post.dead.take()) == []
        post.later(timedelta(minutes=20))
        (back,) = post.dead.take()
        assert back.body == letter.body
        post.dead.hide({back: timedelta(hours=4)})


def test_hide_nothing(post: Post) -> None:
    """Nothing to hide is not an error, and changes nothing."""
    post.bury(["body"])

    post.dead.hide({})

    assert len(list(iter_all(post.dead))) == 1


def test_not_sent() -> None:
    """A message that SQS does not take back stays a dead letter."""

    def refuse(parsed: dict[str, Any], **_: object) -> None:
        parsed["Failed"] = [parsed["Successful"].pop()]

    with listening("after-call.sqs.SendMessageBatch", refuse):
        for post in in_sqs():
            post.bury(["a", "b", "c"])

            assert post.dead.send_back(post.dead.take()) == 2
            assert post.dead.waiting() == 1


def test_large() -> None:
    """Messages that are too large for one batch go in several."""
    for post in in_sqs():
        post.bury([letter * 100_000 for letter in "abcde"])

        assert post.dead.send_back(post.dead.take()) == 5
        assert len(post.arrived()) == 5
        assert post.dead.waiting() == 0


@pytest.mark.parametrize(
    ("kind", "value", "redriven"),
    [
        ("Number", "3", 3),
        ("Number", "-1", ATTEMPTS),
        ("Number", "1.5", ATTEMPTS),
        ("String", "often", ATTEMPTS),
    ],
)
def test_strange_count(kind: str, value: str, redriven: int) -> None:
    """A count that is none keeps a message where it is, and stops nothing."""
    with mock_aws():
        client = boto3.client("sqs")
        url = client.create_queue(QueueName="dead")["QueueUrl"]
        count = {REDRIVEN: {"DataType": kind, "StringValue": value}}
        client.send_message(QueueUrl=url, MessageBody="body", MessageAttributes=count)  # type: ignore[arg-type]  # a TypedDict

        (letter,) = DeadLetterQueue(client, url, url).take()

    assert letter.redriven == redriven


def test_depth() -> None:
    """A hidden message waits as well, and is counted apart."""
    with mock_aws():
        client = boto3.client("sqs")
        url = client.create_queue(QueueName="queue")["QueueUrl"]
        for body in "abc":
            client.send_message(QueueUrl=url, MessageBody=body)
        client.receive_message(QueueUrl=url, MaxNumberOfMessages=1)

        assert Queue(client, url).depth() == (2, 1)
        assert Queue(client, url).waiting() == 3
