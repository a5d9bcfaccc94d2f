"""How the events of a bucket are wired, beside whatever else is wired to it."""

import boto3
import pytest

from edgesweep.aws.s3 import Bucket
from edgesweep.flush.gaps import EVENTBRIDGE, Notifications, reaches
from edgesweep.operate.buckets import deliver
from tests.fakes.wiring import notifications_of

QUEUE = {
    "Id": "thumbnails",
    "QueueArn": "arn:aws:sqs:us-east-1:123456789012:thumbnails",
    "Events": ["s3:ObjectCreated:*"],
    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "img/"}]}},
}
TOPIC = {
    "Id": "audit",
    "TopicArn": "arn:aws:sns:us-east-1:123456789012:audit",
    "Events": ["s3:ObjectRemoved:*"],
}
FUNCTION = {
    "Id": "résumé & <index>",
    "LambdaFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:index",
    "Events": ["s3:ObjectCreated:Put", "s3:ObjectTagging:*"],
    "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": "+%20.html"}]}},
}
OTHERS = {
    "QueueConfigurations": [QUEUE],
    "TopicConfigurations": [TOPIC],
    "LambdaFunctionConfigurations": [FUNCTION],
}


class Wires(Bucket):
    """The notification configuration of a bucket, in memory; counts how often it is replaced."""

    def __init__(self, configuration: Notifications) -> None:
        self.configuration = configuration
        self.replaced = 0

    def notifications(self) -> Notifications:
        """Return the configuration."""
        return self.configuration

    def replace(self, notifications: Notifications) -> None:
        """Put another configuration in place."""
        self.configuration = notifications
        self.replaced += 1


@pytest.mark.parametrize("others", [{}, OTHERS])
def test_attach(others: Notifications) -> None:
    """Attaching adds EventBridge and keeps every other notification as it is."""
    wires = Wires(others)

    assert deliver(wires, on=True)[0]

    assert wires.configuration == {**others, EVENTBRIDGE: {}}


def test_attach_twice() -> None:
    """Attaching again changes nothing and writes nothing."""
    wires = Wires(OTHERS)
    deliver(wires, on=True)

    assert not deliver(wires, on=True)[0]

    assert wires.configuration == {**OTHERS, EVENTBRIDGE: {}}
    assert wires.replaced == 1


@pytest.mark.parametrize("others", [{}, OTHERS])
def test_detach(others: Notifications) -> None:
    """Detaching removes EventBridge and keeps every other notification as it is."""
    wires = Wires({**others, EVENTBRIDGE: {}})

    assert deliver(wires, on=False)[0]
    assert not deliver(wires, on=False)[0]

    assert wires.configuration == others
    assert wires.replaced == 1


@pytest.mark.parametrize("to", [True, False])
@pytest.mark.parametrize("before", [OTHERS, {**OTHERS, EVENTBRIDGE: {}}])
def test_dry_run(to: bool, before: Notifications) -> None:  # noqa: FBT001  # a parameter
    """A dry run says what would change and writes nothing."""
    wires, twin = Wires(before), Wires(before)

    assert deliver(wires, on=to, dry_run=True) == deliver(twin, on=to)

    assert wires.configuration == before
    assert wires.replaced == 0


def test_inputs_stay() -> None:
    """The configuration that was read is not changed in place."""
    before = {**OTHERS}

    deliver(Wires(before), on=True)

    assert before == OTHERS


def test_wire() -> None:
    """Through boto3 a bucket is attached and detached; other notifications stay, to the byte."""
    with notifications_of("site") as wiring:
        bucket = Bucket(boto3.client("s3"), "site")
        bucket.replace(OTHERS)
        bucket.replace(bucket.notifications())
        before = wiring.configuration

        assert deliver(bucket, on=True)[0]
        assert wiring.configuration.replace(b"<EventBridgeConfiguration />", b"") == before
        assert not deliver(bucket, on=True)[0]
        assert bucket.notifications() == {**OTHERS, EVENTBRIDGE: {}}
        assert deliver(bucket, on=False)[0]
        assert not deliver(bucket, on=False)[0]

        assert bucket.notifications() == OTHERS
        assert wiring.configuration == before
        assert len(wiring.puts) == 4


def test_destinations() -> None:
    """The call asks S3 not to test the destinations, which belong to other people."""
    with notifications_of("site") as wiring:
        deliver(Bucket(boto3.client("s3"), "site"), on=True)

        (headers,) = wiring.puts

    assert headers["x-amz-skip-destination-validation"] == b"true"


def test_bare_bucket() -> None:
    """A bucket without any notification has an empty configuration."""
    with notifications_of("site"):
        assert Bucket(boto3.client("s3"), "site").notifications() == {}


QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:queue"
NOTIFIED: Notifications = {
    "QueueArn": QUEUE_ARN,
    "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
}


@pytest.mark.parametrize(
    ("notifications", "queue", "reached"),
    [
        ({}, None, False),
        ({}, QUEUE_ARN, False),
        ({EVENTBRIDGE: {}}, None, True),
        ({EVENTBRIDGE: {}}, QUEUE_ARN, False),
        ({"QueueConfigurations": [NOTIFIED]}, QUEUE_ARN, True),
        ({"QueueConfigurations": [NOTIFIED]}, None, False),
        (
            {"QueueConfigurations": [{**NOTIFIED, "QueueArn": f"{QUEUE_ARN}-other"}]},
            QUEUE_ARN,
            False,
        ),
        (
            {"QueueConfigurations": [{**NOTIFIED, "Events": ["s3:ObjectCreated:*"]}]},
            QUEUE_ARN,
            False,
        ),
        ({"QueueConfigurations": [{**NOTIFIED, "Filter": {"Key": {}}}]}, QUEUE_ARN, False),
    ],
)
def test_reaches(notifications: Notifications, queue: str | None, reached: bool) -> None:  # noqa: FBT001  # a parameter
    """Changes reach us by the way that is ours, all of them, or not at all."""
    assert reaches(notifications, queue) is reached
