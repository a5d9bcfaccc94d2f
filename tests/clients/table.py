"""A site that a client syncs step by step, and what Edgesweep makes of each step."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import boto3

from edgesweep import wiring
from edgesweep.aws.s3 import HEAD_CONFIG, S3Heads
from edgesweep.record.headers import fingerprints
from edgesweep.record.recorder import Message, Recorder
from edgesweep.record.unchanged import UnchangedFilter
from infra.local.aws import ACCOUNT, REGION, EmbeddedAws
from tests.clients.clients import CLIENTS, Client
from tests.fakes.catalogue import CatalogueInMemory
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.routes import RoutesInMemory

SECONDS = 900
# A write to this bucket is told after all that a client has done before.
END = "end-of-a-step"
HEADED = "docs/3.html"


def _touch(folder: Path) -> None:
    for path in folder.rglob("*.*"):
        os.utime(path)


def _edit(folder: Path) -> None:
    for number in range(3):
        (folder / f"docs/{number}.html").write_text(f"edited {number}")


def _rename(folder: Path) -> None:
    (folder / "docs/4.html").rename(folder / "docs/four.html")


def _remove(folder: Path) -> None:
    for number in (5, 6):
        (folder / f"docs/{number}.html").unlink()


# A step -> what happens to the folder before the client syncs it; None: a header changes instead.
STEPS: Mapping[str, Callable[[Path], None] | None] = {
    "first sync": lambda _: None,
    "same again": lambda _: None,
    "touched times": _touch,
    "three edits": _edit,
    "rename": _rename,
    "two removals": _remove,
    "one header": None,
}


@dataclass(frozen=True)
class Result:
    """What came of a step.

    Attributes:
        events: how many S3 published.
        paths: the objects that are invalidated.
        missed: objects of which viewers get something else, without a path.
        needless: objects with a path of which they get the same.
    """

    events: int
    paths: frozenset[str]
    missed: frozenset[str]
    needless: frozenset[str]


@dataclass
class Bucket:
    """A bucket of an embedded AWS that publishes its events, and who records them."""

    aws: EmbeddedAws
    name: str
    writer: DirtyRowsInMemory = field(default_factory=DirtyRowsInMemory)

    def __post_init__(self) -> None:
        self.s3, self.sqs = self.aws.client("s3"), self.aws.client("sqs")
        self.queue = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"
        told = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        for bucket in (self.name, END):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [told]}
            )
        session = boto3.Session("test", "test", region_name=REGION)
        client = session.client("s3", endpoint_url=self.aws.endpoint, config=HEAD_CONFIG)
        tokens = count(1)
        self.recorder = Recorder(
            RoutesInMemory({self.name: ("E1",)}),
            self.writer,
            lambda: f"{next(tokens):08x}",
            unchanged=UnchangedFilter(
                CatalogueInMemory(), S3Heads(client, None), wiring.row_token, wiring.now
            ),
        )

    def events(self) -> Sequence[str]:
        """Return the events up to now."""
        self.s3.put_object(Bucket=END, Key="end", Body=b"")
        bodies: list[str] = []
        # A queue keeps no order: the end is reached once it is seen and nothing else is left.
        while not any(END in body for body in bodies):
            bodies += self._receive(5)
        while more := self._receive(0):
            bodies += more
        return [body for body in bodies if END not in body and "s3:TestEvent" not in body]

    def _receive(self, seconds: int) -> Sequence[str]:
        messages = self.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=seconds
        ).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]

    def record(self, bodies: Sequence[str]) -> frozenset[str]:
        """Record events; return the keys of the new rows."""
        before = len(self.writer.rows)
        messages = [Message(str(number), body) for number, body in enumerate(bodies)]
        assert not self.recorder.record(messages, wiring.now()).failed
        return frozenset(row.change.key for row in [*self.writer.rows][before:])

    def viewed(self) -> Mapping[str, tuple[str, str]]:
        """Return what viewers get of each object: a digest of its bytes, and its headers."""
        listed = self.s3.list_objects_v2(Bucket=self.name).get("Contents", [])
        return {held["Key"]: self._viewed(held["Key"]) for held in listed}

    def _viewed(self, key: str) -> tuple[str, str]:
        answer: Any = self.s3.get_object(Bucket=self.name, Key=key)
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return hashlib.sha256(answer["Body"].read()).hexdigest(), fingerprints(headers)[0]


def table(aws: EmbeddedAws, name: str) -> Mapping[str, Result]:
    """Let a client take every step; return what came of each."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "site"
        (folder / "docs").mkdir(parents=True)
        for number in range(12):
            (folder / f"docs/{number}.html").write_text(f"page {number}")
        (folder / "c++.html").write_text("plus")
        (folder / "style.css").write_text("p {}")
        bucket = Bucket(aws, "".join(letter if letter.isalnum() else "-" for letter in name))
        results = {}
        for step, prepare in STEPS.items():
            before = bucket.viewed()
            if prepare:
                prepare(folder)
            _run(CLIENTS[name], aws, folder, bucket.name, headed=prepare is None)
            bodies = bucket.events()
            paths, after = bucket.record(bodies), bucket.viewed()
            changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
            results[step] = Result(
                len(bodies), paths, frozenset(changed - paths), frozenset(paths - changed)
            )
        return results


def _run(client: Client, aws: EmbeddedAws, folder: Path, bucket: str, *, headed: bool) -> None:
    names = {
        "folder": str(folder),
        "bucket": bucket,
        "endpoint": aws.endpoint,
        "host": aws.endpoint.removeprefix("http://"),
        "key": HEADED,
    }
    command = [part.format(**names) for part in (client.header if headed else client.sync)]
    more = {name: value.format(**names) for name, value in client.environment.items()}
    environment = {**aws.environment, **more, "HOME": str(folder.parent)}
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert not ran.returncode, ran.stderr[-2_000:]
