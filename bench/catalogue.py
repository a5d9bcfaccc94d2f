"""Uploads that change nothing: the time and the cost of skipping them.

    python -m bench.catalogue

A batch of 1,000 uploads is recorded: all unchanged, all changed, all excluded, and without a
catalogue. S3 and DynamoDB are answered for on the spot, so the time is this machine's own. The cost
that every event has anyway, from S3 to the queue, is left out; the cost of a flush that removes the
row is not.
"""

import io
import itertools
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import boto3
import botocore.handlers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from bench.recording import ACCOUNT, EVERYWHERE, NOW, notification
from edgesweep.aws.dynamodb import CatalogueTable, DirtyTable
from edgesweep.aws.s3 import HEAD_CONFIG, S3Heads
from edgesweep.record.headers import fingerprints
from edgesweep.record.recorder import Recorder, Selection
from edgesweep.record.unchanged import UnchangedFilter
from notebooks.cost.bill import Bill, bill
from notebooks.cost.prices import Item

EVENTS = 1_000
EVERYTHING = Selection()
MILLION = 1_000_000
HEADERS = {
    "etag": '"b1946ac9"',
    "content-type": "text/html",
    "last-modified": "Mon, 23 Nov 2026 11:59:58 GMT",
    "date": "Mon, 23 Nov 2026 12:00:00 GMT",
}
# "At 1,769 MB, a function has the equivalent of one vCPU", and less in proportion.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
GB_OF_A_CPU = Decimal("1.769")


@dataclass
class Wire:
    """S3 and DynamoDB, which hold a site that the catalogue knows or does not know.

    Attributes:
        known: whether it does.
        calls: how often each operation was called.
        units: what was used of each item.
    """

    known: bool
    calls: Counter[str] = field(default_factory=Counter)
    units: Counter[Item] = field(default_factory=Counter)

    def head(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Answer HeadObject."""
        self.calls["HeadObject"] += 1
        self.units[Item.HEADS] += 1
        return _response(request, b"", HEADERS)

    def dynamodb(self, request: Any, **_: object) -> AWSResponse:  # noqa: ANN401  # AWSPreparedRequest
        """Answer whatever the tables ask."""
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        self.calls[operation] += 1
        answer = getattr(self, operation)(json.loads(request.body))
        return _response(request, json.dumps(answer).encode(), {})

    def BatchGetItem(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802  # AWS's name
        """Return what is known."""
        keys = asked["RequestItems"]["catalogue"]["Keys"]
        self.units[Item.READS] += len(keys)
        told = {"etag": {"S": "b1946ac9"}, "headers": {"S": fingerprints(HEADERS)[0]}}
        items = [{**key, **told} for key in keys] if self.known else []
        return {"Responses": {"catalogue": items}, "UnprocessedKeys": {}}

    def BatchWriteItem(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802  # AWS's name
        """Write; a flush removes a dirty row in another unit."""
        for table, requests in asked["RequestItems"].items():
            self.units[Item.WRITES] += len(requests) * (2 if table == "dirty" else 1)
        return {"UnprocessedItems": {}}

    def PutItem(self, _asked: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802  # AWS's name
        """Write."""
        self.units[Item.WRITES] += 1
        return {}


@dataclass(frozen=True, slots=True)
class Measured:
    """The measurements of recording a batch.

    Attributes:
        name: what kind of batch it was.
        rows: rows written.
        seconds: by the clock.
        cpu_seconds: of work.
        wire: what was asked of AWS.
    """

    name: str
    rows: int
    seconds: float
    cpu_seconds: float
    wire: Wire

    def bill(self) -> Bill:
        """Return what a million such events cost."""
        gb_seconds = Decimal(self.cpu_seconds) * GB_OF_A_CPU
        used = {item: Decimal(units) for item, units in self.wire.units.items()}
        scale = Decimal(MILLION) / EVENTS
        return bill({item: u * scale for item, u in {**used, Item.GB_SECONDS: gb_seconds}.items()})


def measure(
    name: str, *, known: bool, checked: bool = True, selection: Selection = EVERYTHING
) -> Measured:
    """Record a batch, once more than is measured."""
    numbers = itertools.count()
    wire = Wire(known)
    handlers = [("before-send.s3", wire.head), ("before-send.dynamodb", wire.dynamodb)]
    botocore.handlers.BUILTIN_HANDLERS.extend(handlers)
    unchanged = UnchangedFilter(
        CatalogueTable("catalogue", boto3.Session()),
        S3Heads(boto3.Session().client("s3", config=HEAD_CONFIG), patience=None),
        lambda: f"{next(numbers):016x}",
        lambda: NOW,
    )
    recorder = Recorder(
        EVERYWHERE,
        DirtyTable("dirty", boto3.Session()),
        unchanged.token,
        selection=selection,
        unchanged=unchanged if checked else None,
    )
    batch = {f"m{n}": notification(f"posts/{n}.html") for n in range(EVENTS)}
    recorder.record(batch, NOW)
    wire.calls.clear()
    wire.units.clear()
    started, worked = time.perf_counter(), time.process_time()
    rows = recorder.record(batch, NOW).rows
    taken, work = time.perf_counter() - started, time.process_time() - worked
    for handler in handlers:
        botocore.handlers.BUILTIN_HANDLERS.remove(handler)
    return Measured(name, rows, taken, work, wire)


def tables(measured: Sequence[Measured]) -> Sequence[str]:
    """Return the lines that show what it took and what a million cost."""
    lines = [
        f"{EVENTS:,} uploads in one batch",
        f"{'':24} {'rows':>6} {'s':>7} {'CPU s':>7}  calls",
    ]
    for one in measured:
        calls = ", ".join(f"{n:,} {name}" for name, n in sorted(one.wire.calls.items()))
        lines.append(
            f"{one.name:24} {one.rows:>6,} {one.seconds:>7.2f} {one.cpu_seconds:>7.2f}  {calls}"
        )
    names = "".join(f"{one.name:>24}" for one in measured)
    lines += ["", "Dollars a million events, free tiers left out", f"{'':24}{names}"]
    bills = [one.bill() for one in measured]
    items = dict.fromkeys(line.item for each in bills for line in each.lines)
    for item in items:
        dollars = [sum(line.gross for line in each.lines if line.item == item) for each in bills]
        lines.append(f"{item:24}" + "".join(f"{usd:>24.3f}" for usd in dollars))
    lines.append(f"{'together':24}" + "".join(f"{each.gross:>24.3f}" for each in bills))
    return lines


def main() -> int:
    """Run it; return 1 if an unchanged upload got a row, or another none."""
    os.environ.update(ACCOUNT)
    measured = [
        measure("unchanged", known=True),
        measure("changed", known=False),
        measure("excluded", known=True, selection=Selection(exclude=["posts/*"])),
        measure("without a catalogue", known=False, checked=False),
    ]
    print("\n".join(tables(measured)))
    return 0 if [one.rows for one in measured] == [0, EVENTS, 0, EVENTS] else 1


def _response(request: AWSPreparedRequest, body: bytes, headers: Mapping[str, str]) -> AWSResponse:
    held = HTTPHeaders()
    for name, value in headers.items():
        held[name] = value
    return AWSResponse(request.url, 200, held, _Body(body))


class _Body(io.BytesIO):
    """The body of an answer, as urllib3 streams it."""

    def stream(self) -> Sequence[bytes]:
        return [self.getvalue()]


if __name__ == "__main__":
    sys.exit(main())
