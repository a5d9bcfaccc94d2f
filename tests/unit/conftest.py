"""A deployed stack in memory, and the commands that operate it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from edgesweep import wiring
from edgesweep.aws.dynamodb import DirtyTable, FlushTable
from edgesweep.cli.commands import main
from edgesweep.dirty import Change, DirtyRow, Kind
from tests.aws import create_distribution, create_table
from tests.clock import stepping
from tests.fakes.stack import ENVIRONMENT, OUTPUTS, DeployedStack, deployed

# Objects that no test changes: they keep a wildcard from matching changed ones only.
UNCHANGED = ("zebra.html", "docs/zebra.html")


@dataclass(frozen=True)
class Operated:
    """A deployed stack.

    Attributes:
        stack: what CloudFormation tells of it.
        distribution: the id of its distribution.
        dirty: its table of dirty rows.
        journal: its journal.
    """

    stack: DeployedStack
    distribution: str
    dirty: DirtyTable
    journal: FlushTable
    _tokens: Iterator[int] = field(default_factory=lambda: count(1))

    def run(self, *arguments: str) -> Result:
        """Run a command."""
        return CliRunner().invoke(main, arguments)

    def change(
        self, *keys: str, age: timedelta = timedelta(hours=1), to: str | None = None
    ) -> None:
        """Let objects have changed some time ago; rows go to the distribution unless told."""
        moment = wiring.now() - age
        self.dirty.add(
            [
                DirtyRow(
                    to or self.distribution,
                    Change("site", key, Kind.CREATED, moment),
                    moment,
                    f"{next(self._tokens):08x}",
                )
                for key in keys
            ]
        )

    def invalidations(self) -> Sequence[Sequence[str]]:
        """Return the paths of each invalidation that CloudFront was asked for."""
        cloudfront = boto3.client("cloudfront")
        listed = cloudfront.list_invalidations(DistributionId=self.distribution)
        return [
            cloudfront.get_invalidation(DistributionId=self.distribution, Id=item["Id"])[
                "Invalidation"
            ]["InvalidationBatch"]["Paths"]["Items"]
            for item in listed["InvalidationList"].get("Items", [])
        ]

    def send(self, queue: str, *bodies: str) -> None:
        """Send messages to the queue that an output names."""
        for body in bodies:
            url = self.stack.outputs[queue]
            boto3.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    def depth(self, queue: str) -> int:
        """Return how many messages wait in the queue that an output names."""
        attributes = boto3.client("sqs").get_queue_attributes(
            QueueUrl=self.stack.outputs[queue], AttributeNames=["All"]
        )["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])


@pytest.fixture
def operated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Operated]:
    """Deploy an empty stack, whose leases last however slow the machine is."""
    monkeypatch.setattr(wiring, "now", stepping())
    with mock_aws():
        create_table("dirty")
        create_table("flushes")
        boto3.client("s3").create_bucket(Bucket="site")
        for key in UNCHANGED:
            boto3.client("s3").put_object(Bucket="site", Key=key, Body=b"")
        sqs = boto3.client("sqs")
        urls = {
            output: sqs.create_queue(QueueName=output)["QueueUrl"]
            for output in ("QueueUrl", "DeadLetterQueueUrl")
        }
        distribution = create_distribution()
        told = {"BUCKET": "site", "DISTRIBUTION": distribution}
        with deployed(outputs=OUTPUTS | urls, environment=ENVIRONMENT | told) as stack:
            yield Operated(
                stack,
                distribution,
                DirtyTable("dirty", boto3.Session()),
                FlushTable("flushes", boto3.Session()),
            )
