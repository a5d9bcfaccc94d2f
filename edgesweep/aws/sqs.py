"""Queues through boto3: how many messages wait, and the redrive of dead letters."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from edgesweep.dirty import chunks, packs
from edgesweep.flush.redrive import ATTEMPTS, Letter

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

# "ReceiveMessage: 1 to 10"; the same bound holds for the batches.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
_BATCH = 10
# "The total size of all messages that you send in a single SendMessageBatch call can't exceed" the
# limit of one message: 262,144 bytes, unless a queue was made for more.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
_BATCH_BYTES = 250_000
_HIDDEN_SECONDS = 120

_VISIBLE: Final = "ApproximateNumberOfMessages"
_HIDDEN: Final = "ApproximateNumberOfMessagesNotVisible"

# The message attribute that counts how often a message was sent back.
REDRIVEN = "EdgesweepRedriven"

# "The period must be a multiple of 60"; a day has fewer periods than an answer may hold.
_PERIOD_SECONDS = 300


def oldest_age(client: "CloudWatchClient", url: str, since: datetime, now: datetime) -> timedelta:
    """Return the greatest age that a message of a queue has reached since, by CloudWatch."""
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    points = client.get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": url.rpartition("/")[2]}],
        StartTime=since - timedelta(seconds=_PERIOD_SECONDS),
        EndTime=now,
        Period=_PERIOD_SECONDS,
        Statistics=["Maximum"],
    )["Datapoints"]
    return timedelta(seconds=max((point["Maximum"] for point in points), default=0))


class Queue:
    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, body: str) -> None:
        self._client.send_message(QueueUrl=self._url, MessageBody=body)

    def waiting(self) -> int:
        return sum(self.depth())

    def depth(self) -> tuple[int, int]:
        """Return about how many messages are visible, and about how many are hidden."""
        ask = self._client.get_queue_attributes
        depth = ask(QueueUrl=self._url, AttributeNames=[_VISIBLE, _HIDDEN])["Attributes"]
        return int(depth[_VISIBLE]), int(depth[_HIDDEN])


class DeadLetterQueue(Queue):
    """A dead-letter queue; StartMessageMoveTask would move all of it and count no redrives."""

    def __init__(self, client: "SQSClient", url: str, queue: str) -> None:
        super().__init__(client, url)
        self._queue = queue

    def take(self) -> Sequence[Letter]:
        taken = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=_BATCH,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=1,  # asks all servers of SQS, not just some
            MessageAttributeNames=[REDRIVEN],
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        return list(map(_letter, taken.get("Messages", [])))

    def send_back(self, letters: Sequence[Letter]) -> int:
        batches = packs(letters, lambda letter: len(letter.body.encode()), _BATCH_BYTES)
        sent = [letter for batch in batches for letter in self._sent(batch)]
        if sent:
            entries = _numbered({"ReceiptHandle": one.receipt} for one in sent)
            self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
        return len(sent)

    def hide(self, waits: Mapping[Letter, timedelta]) -> None:
        entries = _numbered(
            {"ReceiptHandle": one.receipt, "VisibilityTimeout": ceil(wait.total_seconds())}
            for one, wait in waits.items()
        )
        for batch in chunks(entries, _BATCH):
            self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=batch)

    def _sent(self, letters: Sequence[Letter]) -> Iterator[Letter]:
        counts = [{"DataType": "Number", "StringValue": str(one.redriven + 1)} for one in letters]
        entries = _numbered(
            {"MessageBody": one.body, "MessageAttributes": {REDRIVEN: count}}
            for one, count in zip(letters, counts, strict=True)
        )
        answer = self._client.send_message_batch(QueueUrl=self._queue, Entries=entries)
        return (letters[int(one["Id"])] for one in answer.get("Successful", []))


def _numbered(entries: Iterable[Mapping[str, object]]) -> list[Any]:
    return [{"Id": str(number), **entry} for number, entry in enumerate(entries)]


def _letter(message: "MessageTypeDef") -> Letter:
    attributes = message.get("MessageAttributes", {})
    count = attributes[REDRIVEN].get("StringValue", "") if REDRIVEN in attributes else "0"
    # If the count is not a number, somebody else wrote it, and we do not redrive the message.
    redriven = int(count) if count.isdecimal() else ATTEMPTS
    sent_at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    return Letter(message["ReceiptHandle"], message["Body"], sent_at, redriven)
