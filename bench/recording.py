"""Recording a large deploy: how fast, in how many calls, and whether any key is lost.

    python -m bench.recording

10,000 objects change, a tenth of the messages is delivered twice, and all are shuffled. Rows go to
the wire and no further: the network and DynamoDB are answered for on the spot. Reading the same
messages as JSON is the yardstick.
"""

import itertools
import json
import os
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import boto3
import botocore.handlers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from edgesweep.aws.dynamodb import DirtyTable
from edgesweep.dirty import DirtyRow, DirtyWriter
from edgesweep.record.recorder import Recorder
from edgesweep.routes import everywhere

MESSAGES = 10_000
DUPLICATES = MESSAGES // 10
# The most messages of one invocation.
BATCH = 1_000
SEED = 20_261_123
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
}
# One distribution serves every object.
EVERYWHERE = everywhere(["E2QWRUHEXAMPLE"])


class Memory:
    """A writer that only keeps keys."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Keep the keys of `rows`."""
        self.keys += [row.change.key for row in rows]
        return {}


@dataclass
class Wire:
    """Takes every request to DynamoDB and writes nothing.

    Attributes:
        requests: their bodies.
    """

    requests: list[bytes] = field(default_factory=list)

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Answer that everything was processed."""
        if isinstance(request.body, bytes):
            self.requests.append(request.body)
        return AWSResponse(request.url, 200, HTTPHeaders(), self)

    def stream(self) -> Iterator[bytes]:
        """Yield the body of an answer."""
        yield b'{"UnprocessedItems": {}}'

    def keys(self) -> Iterator[str]:
        """Yield the key of each row that was sent."""
        for request in self.requests:
            for write in json.loads(request)["RequestItems"]["dirty"]:
                yield write["PutRequest"]["Item"]["key"]["S"]


def object_keys() -> list[str]:
    """Return the keys that change."""
    return [f"posts/{n % 100:02}/été {n}.html" for n in range(MESSAGES)]


def deliveries() -> list[tuple[str, str]]:
    """Return what SQS delivers: a message for each key, a tenth of them twice, shuffled."""
    messages = [(f"m{n}", notification(key)) for n, key in enumerate(object_keys())]
    random.seed(SEED)
    delivered = messages + random.sample(messages, DUPLICATES)
    random.shuffle(delivered)
    return delivered


def batches(delivered: Sequence[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """Cut deliveries as Lambda does."""
    for start in range(0, len(delivered), BATCH):
        yield dict(delivered[start : start + BATCH])


def recorded(delivered: Sequence[tuple[str, str]], writer: DirtyWriter) -> tuple[int, float]:
    """Record everything; return the rows written and the seconds taken."""
    numbers = itertools.count()
    recorder = Recorder(EVERYWHERE, writer, lambda: f"{next(numbers):016x}")
    started = time.perf_counter()
    rows = sum(recorder.record(batch, NOW).rows for batch in batches(delivered))
    return rows, time.perf_counter() - started


def read(delivered: Sequence[tuple[str, str]]) -> float:
    """Return the seconds that reading the messages as JSON takes."""
    started = time.perf_counter()
    for _, body in delivered:
        json.loads(body)
    return time.perf_counter() - started


def main() -> int:
    """Run it; return 1 if a key is lost."""
    delivered, wire, memory = deliveries(), Wire(), Memory()
    baseline = read(delivered)
    rows_alone, alone = recorded(delivered, memory)
    botocore.handlers.BUILTIN_HANDLERS.append(("before-send.dynamodb", wire))
    os.environ.update(ACCOUNT)
    rows, seconds = recorded(delivered, DirtyTable("dirty", boto3.Session()))
    lost = len(set(object_keys()) - set(wire.keys())) + len(set(object_keys()) - set(memory.keys))
    calls = len(wire.requests)
    print(f"{len(delivered):,} messages about {MESSAGES:,} keys, {BATCH:,} to a batch")
    print(f"{'':20}  {'rows':>6}  {'rows/s':>7}  ratio")
    for name, written, taken in (
        ("reading JSON alone", len(delivered), baseline),
        ("without the table", rows_alone, alone),
        ("to the wire", rows, seconds),
    ):
        print(f"{name:20}  {written:6,}  {written / taken:7,.0f}  {taken / baseline:5.1f}")
    print(
        f"AWS calls: {calls}, {calls / MESSAGES * 1_000:.1f} for 1,000 changes; keys lost: {lost}"
    )
    return 1 if lost else 0


def notification(key: str) -> str:
    """Return what S3 says of an upload."""
    s3_object = {"key": key.replace(" ", "+").replace("é", "%C3%A9"), "size": 5, "eTag": "b1946ac9"}
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": "2026-11-23T11:59:58.250Z",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "site"}, "object": s3_object},
    }
    return json.dumps({"Records": [record]})


if __name__ == "__main__":
    sys.exit(main())
