"""Listens to the events of buckets, as Edgesweep's own rule does."""

import json
from collections.abc import Iterable, Mapping, Sequence

from infra.local.aws import ACCOUNT, REGION, EmbeddedAws

_NAME = "listener"
_PATTERN = {"source": ["aws.s3"], "detail-type": ["Object Created", "Object Deleted"]}


class Listener:
    """A queue that gets the events of all buckets through EventBridge."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._sqs, events = aws.client("sqs"), aws.client("events")
        self._queue = self._sqs.create_queue(QueueName=_NAME)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{_NAME}"
        sender = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}
        policy = {"Statement": [{**sender, "Action": "sqs:SendMessage", "Resource": arn}]}
        self._sqs.set_queue_attributes(
            QueueUrl=self._queue, Attributes={"Policy": json.dumps(policy)}
        )
        events.put_rule(Name=_NAME, EventPattern=json.dumps(_PATTERN))
        events.put_targets(Rule=_NAME, Targets=[{"Id": _NAME, "Arn": arn}])

    def events(self, buckets: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """Return for each bucket the events that it published since the last call."""
        found: dict[str, list[str]] = {bucket: [] for bucket in buckets}
        # S3 has reported a change here before whoever made it gets the answer.
        while bodies := self._receive():
            for body in bodies:
                found[json.loads(body)["detail"]["bucket"]["name"]].append(body)
        return found

    def _receive(self) -> Sequence[str]:
        messages = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        received = messages.get("Messages", [])
        for message in received:
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in received]
