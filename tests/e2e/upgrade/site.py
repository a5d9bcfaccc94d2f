"""A bucket, its distribution and the stack that sweeps it, which ticks when it is called.

Either release is reached through AWS alone.
"""

import json
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.aws import EmbeddedAws
from infra.local.watch import Watch, uncovered
from tests.e2e.conftest import PATIENCE_SECONDS

_EDGESWEEP = str(Path(sys.executable).with_name("edgesweep"))
# A lease whose owner was killed holds for 45 s of these.
_PATIENCE = 2 * PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class Site:
    """A site.

    Attributes:
        aws: where it is.
        stage: the stage of its stack.
        outputs: the stack's outputs.
        bucket: what the stack sweeps.
        distribution: the id of the distribution that serves it.
    """

    aws: EmbeddedAws
    stage: str
    outputs: Mapping[str, str]
    bucket: str
    distribution: str = ""

    @property
    def watch(self) -> Watch:
        """Looks at the site from outside."""
        return Watch(self.aws, {**self.outputs, "Distribution": self.distribution})

    def put(self, *keys: str) -> Mapping[str, datetime]:
        """Upload objects whose bytes are their keys; return when each viewer path changed."""
        for key in keys:
            self.aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=key.encode())
        return dict.fromkeys((f"/{key}" for key in keys), datetime.now(UTC))

    def await_rows(self, *keys: str) -> None:
        """Return once these objects have a dirty row each, and no other has one."""
        deadline = time.monotonic() + _PATIENCE
        while sorted(self._dirty()) != sorted(keys):
            assert time.monotonic() < deadline, f"{self._dirty()} have rows"
            time.sleep(0.2)

    def _dirty(self) -> list[str]:
        scan = self.aws.client("dynamodb").get_paginator("scan")
        pages = scan.paginate(TableName=self.outputs["DirtyTable"], ConsistentRead=True)
        return [item["key"]["S"] for page in pages for item in page["Items"]]

    def tick(self, *, complaints: bool = False) -> None:
        """Call the flush function, which has to succeed unless it may complain."""
        answer = self.aws.client("lambda").invoke(
            FunctionName=self.outputs["FlushFunction"], LogType="Tail"
        )
        assert complaints or "FunctionError" not in answer, b64decode(answer["LogResult"]).decode()

    def sweep(self, changes: Mapping[str, datetime], *, complaints: bool = False) -> None:
        """Tick until changes are invalidated and nothing waits, and twice more."""
        deadline = time.monotonic() + _PATIENCE
        while (waiting := self.watch.waiting()) or self.missed(changes):
            assert time.monotonic() < deadline, f"{waiting} wait, missed: {self.missed(changes)}"
            self.tick(complaints=complaints)
            time.sleep(0.2)
        self.tick(complaints=complaints)
        self.tick(complaints=complaints)

    def missed(self, changes: Mapping[str, datetime]) -> list[str]:
        """Return the viewer paths that no invalidation created after their change matches."""
        return list(uncovered(changes, self.watch.invalidations()))

    def billed(self) -> list[str]:
        """Return the paths of all invalidations, the oldest first."""
        return [path for one in self.watch.invalidations() for path in one.paths]

    def charged(self) -> int:
        """Return how many paths of the stack's own the ledger holds."""
        found = self.aws.client("dynamodb").query(
            TableName=self.outputs["FlushesTable"],
            KeyConditionExpression="pk = :ledger",
            ExpressionAttributeValues={":ledger": {"S": "ledger"}},
            ConsistentRead=True,
        )
        spent = sum(int(item["paths"]["N"]) for item in found["Items"])
        others = (json.loads(item["others"]["S"]) for item in found["Items"] if "others" in item)
        return spent - sum(sum(tally) for one in others for tally in one.values())

    def dead_letters(self) -> int:
        """Return how many dead letters there are, those that are hidden included."""
        dead = {**self.outputs, "QueueUrl": self.outputs["DeadLetterQueueUrl"]}
        return Watch(self.aws, dead).messages()

    def reads(self, *arguments: str) -> Any:  # noqa: ANN401  # JSON
        """Return what a command of this tree says of the stack."""
        ended = subprocess.run(
            [_EDGESWEEP, *arguments, "--stage", self.stage, "--json"],
            env=self.aws.environment,
            check=True,
            capture_output=True,
        )
        return json.loads(ended.stdout)


def make_bucket(aws: EmbeddedAws, bucket: str) -> str:
    """Create a bucket that reports to EventBridge, and return its name."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    return bucket
