"""SQS between the buckets and the recorder: at least once, in any order, at any time.

A message that came five times and was never acknowledged goes to the dead-letter queue, with the
time at which it was sent. In either queue it is gone after `RETENTION`. Functions reach the
dead-letter queue through boto3's client.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from edgesweep.aws.sqs import REDRIVEN
from tests.fakes.cloudfront import refusal
from tests.faults.process import NoAnswer, here
from tests.faults.world import World

# As infra/queue.yml has them.
RETENTION = timedelta(days=14)
VISIBILITY_SECONDS = 200
RECEIVES = 5

QUEUE, DEAD = "queue", "dead"
_BATCH = 10
_NEVER = datetime.min.replace(tzinfo=UTC)
# "The maximum is 12 hours from the time that Amazon SQS receives the ReceiveMessage request."
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
_LONGEST_HIDDEN = timedelta(hours=12)


@dataclass(slots=True)
class Letter:
    """A message.

    Attributes:
        body: what S3 reported.
        sent_at: when it was sent to the first queue.
        attributes: what its sender said beside.
        visible_at: from when anybody may receive it.
        received_at: when it was received last.
        receives: how often it was received since it came to this queue.
        receipt: what its last receiver can remove it with.
    """

    body: str
    sent_at: datetime
    attributes: Mapping[str, Any] = field(default_factory=dict)
    visible_at: datetime = _NEVER
    received_at: datetime = _NEVER
    receives: int = 0
    receipt: str = ""

    @property
    def redriven(self) -> int:
        """How often it was sent back."""
        return int(self.attributes[REDRIVEN]["StringValue"]) if self.attributes else 0


class Queues:
    """The queue of changes and its dead-letter queue.

    Attributes:
        waiting: message id -> message of the queue, those in somebody's hands included.
        dead: likewise, of the dead-letter queue.
        given_up: messages that were there for too long.
        ages: when a message left the queue, and how old it was.
        sent: what was ever sent.
        done: what was ever worked off.
        revived: when messages were worked off that had been dead.
    """

    def __init__(self, world: World, receive: Callable[[Mapping[str, str]], None]) -> None:
        self._world = world
        self._receive = receive
        self.waiting: dict[str, Letter] = {}
        self.dead: dict[str, Letter] = {}
        self.given_up: list[Letter] = []
        self.ages: list[tuple[datetime, timedelta]] = []
        self.sent: dict[str, datetime] = {}
        self.done: set[str] = set()
        self.revived: list[datetime] = []
        self._sent = 0

    def send(self, body: str, attributes: Mapping[str, Any] | None = None) -> None:
        """Take a message, and let it be seen after a while."""
        self._sent += 1
        now = self._world.now
        self.sent.setdefault(body, now)
        self.waiting[f"m{self._sent}"] = letter = Letter(body, now, attributes or {})
        self._hide([letter], self._world.random.random() * 2)

    def bury(self, body: str, redriven: int) -> None:
        """Let a message be dead that was sent back so often before."""
        self._sent += 1
        told = {REDRIVEN: {"DataType": "Number", "StringValue": str(redriven)}}
        sent_at = self._world.now - RETENTION / 2
        self.dead[f"m{self._sent}"] = Letter(body, sent_at, told)

    def acknowledge(self, messages: Sequence[str]) -> None:
        """Forget messages that were worked off."""
        for message in messages:
            letter = self._leave(message)
            if letter is not None:
                self.done.add(letter.body)
            if letter is not None and letter.attributes:
                self.revived.append(self._world.now)

    def expire(self) -> None:
        """Forget what was there for too long."""
        oldest = self._world.now - RETENTION
        for message in [name for name, one in self.waiting.items() if one.sent_at < oldest]:
            self.given_up += filter(None, [self._leave(message)])
        for message in [name for name, one in self.dead.items() if one.sent_at < oldest]:
            self.given_up.append(self.dead.pop(message))

    def oldest(self, since: datetime) -> timedelta:
        """Return how old the oldest message of the queue was since a moment."""
        left = [age for moment, age in self.ages if moment >= since]
        now = self._world.now
        waiting = [now - letter.sent_at for letter in self.waiting.values()]
        return max(left + waiting, default=timedelta())

    def _leave(self, message: str) -> Letter | None:
        letter = self.waiting.pop(message, None)
        if letter is not None:
            self.ages.append((self._world.now, self._world.now - letter.sent_at))
        return letter

    def _hide(self, letters: Sequence[Letter], seconds: float) -> None:
        visible_at = self._world.now + timedelta(seconds=seconds)
        for letter in letters:
            letter.visible_at = visible_at
        self._world.after(seconds, self._deliver)

    def _deliver(self) -> None:
        self.expire()
        now = self._world.now
        visible = [name for name, letter in self.waiting.items() if letter.visible_at <= now]
        for message in [name for name in visible if self.waiting[name].receives >= RECEIVES]:
            self._world.tell("queue", f"{message} is dead")
            letter = self._leave(message)
            assert letter
            letter.receives = 0
            self.dead[message] = letter
            visible.remove(message)
        self._world.random.shuffle(visible)
        batch = visible[:_BATCH]
        if batch:
            letters = [self.waiting[message] for message in batch]
            for letter in letters:
                letter.receives += 1
            self._hide(letters, VISIBILITY_SECONDS)
            self._receive({message: self.waiting[message].body for message in batch})
            self._world.after(0.1, self._deliver)


class SqsClient:
    """SQS's boto3 client in a process."""

    def __init__(self, queues: Queues, world: World) -> None:
        self._queues = queues
        self._world = world
        self._receipts = 0

    def get_queue_attributes(self, *, QueueUrl: str, **_: object) -> Mapping[str, Any]:
        """Tell how many messages wait."""

        def count() -> Mapping[str, Any]:
            self._queues.expire()
            now, letters = self._world.now, self._of(QueueUrl).values()
            shown = sum(letter.visible_at <= now for letter in letters)
            depth = {
                "ApproximateNumberOfMessages": str(shown),
                "ApproximateNumberOfMessagesNotVisible": str(len(letters) - shown),
            }
            return {"Attributes": depth}

        return self._call("depth", count)

    def receive_message(
        self, *, QueueUrl: str, MaxNumberOfMessages: int, VisibilityTimeout: int, **_: object
    ) -> Mapping[str, Any]:
        """Hand a few messages out, the oldest first, and hide them."""

        def take() -> Mapping[str, Any]:
            self._queues.expire()
            now, letters = self._world.now, self._of(QueueUrl)
            shown = [name for name, letter in letters.items() if letter.visible_at <= now]
            shown.sort(key=lambda name: letters[name].sent_at)
            taken = shown[:MaxNumberOfMessages]
            for name in taken:
                self._receipts += 1
                letters[name].receipt = f"r{self._receipts}"
                letters[name].received_at = now
                letters[name].visible_at = now + timedelta(seconds=VisibilityTimeout)
            return {"Messages": [_told(name, letters[name]) for name in taken]} if taken else {}

        return self._call("receive", take)

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Mapping[str, Any]:
        """Take messages; some of them may be refused."""
        assert QueueUrl == QUEUE

        def send() -> Mapping[str, Any]:
            refused = self._refused(Entries)
            for entry in Entries:
                if entry["Id"] not in refused:
                    self._queues.send(entry["MessageBody"], entry.get("MessageAttributes"))
            return self._answer(Entries, refused)

        return self._call("send", send)

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Mapping[str, Any]:
        """Remove messages; some of them may stay."""

        def delete() -> Mapping[str, Any]:
            refused, letters = self._refused(Entries), self._of(QueueUrl)
            for entry in Entries:
                name = self._holder(QueueUrl, entry["ReceiptHandle"])
                if name is not None and entry["Id"] not in refused:
                    del letters[name]
            return self._answer(Entries, refused)

        return self._call("remove", delete)

    def change_message_visibility_batch(
        self, *, QueueUrl: str, Entries: Sequence[Any]
    ) -> Mapping[str, Any]:
        """Hide messages for longer, or show them at once; some may be refused."""

        def hide() -> Mapping[str, Any]:
            refused, letters, now = self._refused(Entries), self._of(QueueUrl), self._world.now
            for entry in Entries:
                name = self._holder(QueueUrl, entry["ReceiptHandle"])
                until = now + timedelta(seconds=entry["VisibilityTimeout"])
                if name is None or letters[name].received_at + _LONGEST_HIDDEN < until:
                    refused = refused | {entry["Id"]}
                elif entry["Id"] not in refused:
                    letters[name].visible_at = until
            return self._answer(Entries, refused)

        return self._call("hide", hide)

    def _of(self, url: str) -> dict[str, Letter]:
        return {QUEUE: self._queues.waiting, DEAD: self._queues.dead}[url]

    def _holder(self, url: str, receipt: str) -> str | None:
        found = (name for name, letter in self._of(url).items() if letter.receipt == receipt)
        return next(found, None)

    def _refused(self, entries: Sequence[Any]) -> frozenset[str]:
        weather, random = self._world.weather, self._world.random
        return frozenset(one["Id"] for one in entries if random.random() < weather.refused)

    def _answer(self, entries: Sequence[Any], refused: frozenset[str]) -> Mapping[str, Any]:
        done = [{"Id": one["Id"]} for one in entries if one["Id"] not in refused]
        failed = [{"Id": identity, "SenderFault": False} for identity in sorted(refused)]
        return {"Successful": done} | ({"Failed": failed} if failed else {})

    def _call(self, name: str, execute: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        return here().call(
            f"sqs.{name}", execute, NoAnswer, lambda: refusal("RequestThrottled", "Slower")
        )


def _told(name: str, letter: Letter) -> Mapping[str, Any]:
    milliseconds = int(letter.sent_at.timestamp() * 1000)
    return {
        "MessageId": name,
        "ReceiptHandle": letter.receipt,
        "Body": letter.body,
        "Attributes": {"SentTimestamp": str(milliseconds)},
        "MessageAttributes": letter.attributes,
    }
