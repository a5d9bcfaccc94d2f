"""The operator's guide, followed to the letter: deploy, use, remove, deploy again, delete."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from infra.local.aws import ROOT, EmbeddedAws, embedded_aws
from infra.local.watch import Watch
from tests.e2e.conftest import PATIENCE_SECONDS, SPEED, make_distribution
from tests.e2e.shell import run

GUIDE = (ROOT / "docs" / "operating.md").read_text()
SITES = ("my-site", "my-other-site")
STACK = "edgesweep-prod"


@dataclass
class Reader:
    """Somebody who follows the guide.

    Attributes:
        aws: where.
        distribution: serves the first site.
        tables: the tables of each deployment.
    """

    aws: EmbeddedAws
    distribution: str
    tables: list[tuple[str, str]] = field(default_factory=list)

    def follow(self, section: str) -> str:
        """Run every command of a section; return what they print."""
        text = GUIDE[GUIDE.index(section) :]
        (block,) = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[:1]
        return run(self.aws, block)

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the stack."""
        (stack,) = self.aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

    def use(self, key: str) -> None:
        """Upload an object, and wait until the edge is fresh."""
        outputs = self.outputs()
        self.tables.append((outputs["DirtyTable"], outputs["FlushesTable"]))
        self.aws.client("s3").put_object(Bucket=SITES[0], Key=key, Body=key.encode())
        self.await_fresh(f"/{key}", datetime.now(UTC))

    def await_fresh(self, path: str, since: datetime) -> None:
        """Wait until the first site's edge has forgotten a path."""
        watch = Watch(self.aws, {**self.outputs(), "Distribution": self.distribution})
        watch.await_sweep({path: since}, PATIENCE_SECONDS)

    def flushes(self, table: str) -> Sequence[str]:
        """Return the flushes of the first site that a table holds, none without the table.

        The distribution of the other one, which is added later, gets one `/*` at some time.
        """
        try:
            found = self.aws.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
        except ClientError:
            return []
        return [
            item["sk"]["S"] for item in found if item["pk"]["S"] == f"flush#{self.distribution}"
        ]

    def left(self) -> Sequence[str]:
        """Return what there is of the stack beside its tables."""
        clients = self.aws.client
        return [
            *(one["FunctionName"] for one in clients("lambda").list_functions()["Functions"]),
            *(one["Name"] for one in clients("scheduler").list_schedules()["Schedules"]),
            *(one["Name"] for one in clients("events").list_rules()["Rules"]),
            *clients("sqs").list_queues().get("QueueUrls", []),
            *(one["RoleName"] for one in clients("iam").list_roles()["Roles"]),
        ]


@pytest.fixture(scope="module", name="reader")
def _reader() -> Iterator[Reader]:
    with embedded_aws(speed=SPEED, name="e2e-guide") as aws:
        for site in SITES:
            aws.client("s3").create_bucket(Bucket=site)
        distributions = [make_distribution(aws, site) for site in SITES]
        yield Reader(aws, distributions[0])


def test_blocks() -> None:
    """Every block of commands belongs to a step of the test below."""
    assert len(re.findall(r"^```sh\n", GUIDE, re.MULTILINE)) == len(STEPS)
    assert all(GUIDE.count(step) == 1 for step in STEPS)


STEPS = (
    "## Attach it to an existing site",
    "**Several sites**",
    "## See into it",
    "## Invalidate something else",
    "## Upgrade",
    "## Remove it",
    "**Deploying again**",
    "**Delete the tables**",
)


def test_guide(reader: Reader) -> None:
    """Every command does what the guide says, and no data goes but what is deleted on purpose."""
    attach, several, see, invalidate, upgrade, remove, again, delete = STEPS
    before, began = reader.left(), datetime.now(UTC)

    reader.follow(attach)
    reader.follow(several)
    reader.use("first.html")
    assert reader.follow(see).endswith("[]\n")
    reader.follow(invalidate)
    reader.await_fresh("/blog/a.html", began)
    reader.follow(upgrade)
    reader.follow(remove)
    first = reader.tables[0]
    kept = reader.flushes(first[1])
    assert len(kept) == 2
    assert reader.left() == before
    assert not _attached(reader)

    reader.follow(again)
    reader.use("second.html")
    second = reader.tables[1]
    assert set(first).isdisjoint(second)
    assert reader.flushes(first[1]) == kept
    assert len(reader.flushes(second[1])) == 1

    reader.follow(delete)
    assert _tables(reader).isdisjoint(first)
    assert _tables(reader) >= set(second)


def _tables(reader: Reader) -> set[str]:
    return set(reader.aws.client("dynamodb").list_tables()["TableNames"])


def _attached(reader: Reader) -> bool:
    wiring = [
        reader.aws.client("s3").get_bucket_notification_configuration(Bucket=site) for site in SITES
    ]
    return any("EventBridgeConfiguration" in one for one in wiring)
