"""The whole of Edgesweep, deployed twice into an embedded AWS that enforces IAM.

Once with the demo site, whose bucket notifies the queue directly, and once with an existing,
versioned bucket whose events come through EventBridge.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.aws import ROOT, EmbeddedAws, embedded_aws
from infra.local.watch import Watch, uncovered

SPEED = 20
# The schedule is there and does not fire: a test that calls the functions itself is not disturbed.
RESTING = 0.001
# Only what is broken takes this long, on a machine that has much else to do as well.
PATIENCE_SECONDS = 900
EXISTING = "existing-bucket"

Keys = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack and the bucket that it sweeps."""

    aws: EmbeddedAws
    outputs: Mapping[str, str]
    bucket: str

    @property
    def watch(self) -> Watch:
        """Looks at the stack from outside."""
        return Watch(self.aws, self.outputs)

    @property
    def s3(self) -> Any:  # noqa: ANN401  # a boto3 client
        """A client with the permissions of the account's root user."""
        return self.aws.client("s3")

    def cli(self, *arguments: str) -> str:
        """Run a command of the AWS command line and return what it prints."""
        command = [str(ROOT / ".envs" / "awscli" / "bin" / "aws"), *arguments]
        return subprocess.run(
            command, env=self.aws.environment, check=True, capture_output=True, text=True
        ).stdout

    def dirty_keys(self) -> frozenset[str]:
        """Return the object keys of all dirty rows."""
        table = self.aws.client("dynamodb").get_paginator("scan")
        pages = table.paginate(TableName=self.outputs["DirtyTable"], ConsistentRead=True)
        return frozenset(item["key"]["S"] for page in pages for item in page["Items"])

    @contextmanager
    def resting_schedule(self) -> Iterator[None]:
        """Keep the schedule from firing during the block, and rows from waking a flush."""
        self._switch_schedule("DISABLED")
        try:
            with self.resting_wakes():
                self._await_rest("FlushFunction")
                yield
        finally:
            self._switch_schedule("ENABLED")

    @contextmanager
    def resting_wakes(self) -> Iterator[None]:
        """Keep rows from waking a flush during the block."""
        self._switch_wakes(on=False)
        try:
            self._await_rest("WakeFunction")  # it may sleep, and look again
            yield
        finally:
            self._switch_wakes(on=True)

    def _await_rest(self, function: str) -> None:
        await_true(lambda: not self.aws.at_work(self.outputs[function]))

    def _switch_wakes(self, *, on: bool) -> None:
        functions, wake = self.aws.client("lambda"), self.outputs["WakeFunction"]
        mappings = functions.list_event_source_mappings(FunctionName=wake)["EventSourceMappings"]
        for mapping in mappings:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)

    def _switch_schedule(self, state: str) -> None:
        scheduler = self.aws.client("scheduler")
        schedule = scheduler.get_schedule(Name=self.outputs["Schedule"])
        kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        scheduler.update_schedule(State=state, **{name: schedule[name] for name in kept})


@dataclass(frozen=True, slots=True)
class Changes:
    """Keys that were changed, by operation, and what became of them."""

    stack: Stack
    keys: Keys
    made_at: datetime
    recorded: frozenset[str]

    def unrecorded(self, operation: str) -> Sequence[str]:
        """Return the keys that got no row."""
        return [key for key in self.keys[operation] if key not in self.recorded]

    def missed(self, operation: str) -> Sequence[str]:
        """Return the viewer paths that no invalidation created after all changes matches."""
        return uncovered(self.paths(operation), self.stack.watch.invalidations())

    def paths(self, *operations: str) -> Mapping[str, datetime]:
        """Return the changed viewer paths of some operations, or of all."""
        chosen = operations or self.keys.keys()
        return {f"/{key}": self.made_at for name in chosen for key in self.keys[name]}


def sweep(
    stacks: Mapping[str, Stack], change: Callable[[str, Stack], Keys]
) -> Mapping[str, Changes]:
    """Change objects of every stack while the schedules rest, then let them sweep."""
    made = {}
    with ExitStack() as resting:
        for name, stack in stacks.items():
            resting.enter_context(stack.resting_schedule())
            keys = change(name, stack)
            recorded = _recorded(stack, {key for changed in keys.values() for key in changed})
            made[name] = Changes(stack, keys, datetime.now(UTC), recorded)
    for changes in made.values():
        changes.stack.watch.await_sweep(changes.paths(), PATIENCE_SECONDS)
    return made


def await_true(condition: Callable[[], bool]) -> None:
    """Return once something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _recorded(stack: Stack, keys: set[str]) -> frozenset[str]:
    """Return the keys that have a dirty row, once all of `keys` have one or patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not keys <= (recorded := stack.dirty_keys()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return recorded


@pytest.fixture(scope="session", name="stacks")
def _stacks() -> Iterator[Mapping[str, Stack]]:
    with embedded_aws(speed=SPEED, name="e2e") as aws:
        yield {"notified": deploy_site(aws), "attached": deploy_attached(aws)}


def deploy_site(aws: EmbeddedAws) -> Stack:
    """Deploy the demo site."""
    outputs = aws.deploy("test", demo="true")
    return Stack(aws, outputs, outputs["SiteBucket"])


def deploy_attached(aws: EmbeddedAws, **more: str) -> Stack:
    """Deploy a stack for an existing bucket and distribution, both made here, and attach it.

    Args:
        aws: where.
        more: deploy parameters beside those.
    """
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=EXISTING)
    s3.put_bucket_versioning(Bucket=EXISTING, VersioningConfiguration={"Status": "Enabled"})
    edgesweep = Path(sys.executable).with_name("edgesweep")
    subprocess.run([edgesweep, "attach", EXISTING], env=aws.environment, check=True)
    given = {"bucket": EXISTING, "distribution": make_distribution(aws, EXISTING), "shards": "3"}
    outputs = aws.deploy("prod", **given, **more)
    return Stack(aws, outputs, EXISTING)


def make_distribution(aws: EmbeddedAws, bucket: str) -> str:
    """Create a distribution in front of a bucket and return its id."""
    origin = {
        "Id": "existing",
        "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    made = aws.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": bucket,
            "Comment": "An existing distribution",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {
                "TargetOriginId": "existing",
                "ViewerProtocolPolicy": "redirect-to-https",
                "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            },
        }
    )
    identity: str = made["Distribution"]["Id"]
    return identity
