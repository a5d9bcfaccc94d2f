"""How old messages are, as CloudWatch reports it."""

from datetime import UTC, datetime, timedelta

import boto3
from moto import mock_aws

from edgesweep.aws.sqs import oldest_age

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/changes"
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
HOUR = timedelta(hours=1)


def test_oldest_age() -> None:
    """It is the greatest age that was measured since the moment; of other queues it is not."""
    with mock_aws():
        client = boto3.client("cloudwatch")
        for queue, ago, seconds in [
            ("changes", 9 * HOUR, 90_000),
            ("changes", 3 * HOUR, 7_200),
            ("changes", HOUR, 60),
            ("others", HOUR, 80_000),
        ]:
            datum = {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": queue}],
                "Timestamp": NOW - ago,
                "Value": seconds,
            }
            client.put_metric_data(Namespace="AWS/SQS", MetricData=[datum])  # type: ignore[list-item]  # a TypedDict

        ages = [oldest_age(client, URL, NOW - since, NOW) for since in (8 * HOUR, 2 * HOUR)]
        unknown = oldest_age(client, URL.replace("changes", "idle"), NOW - HOUR, NOW)

    assert ages == [2 * HOUR, timedelta(minutes=1)]
    assert unknown == timedelta()
