"""Flushing a huge deploy: how long it takes against the function's timeout, phase by phase.

    python -m bench.flushing

100,000 objects have changed, and one tick flushes them in an embedded AWS on this machine. Its
waits for that AWS are no measure of the real one; the rest of the tick's time is.
"""

import argparse
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import boto3

from edgesweep import wiring
from edgesweep.cover import choose
from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.flush.flusher import Outcome
from edgesweep.settings import Settings
from infra.local.aws import REGION, ROOT, embedded_aws

ROWS = 100_000
BUCKET = "site"
KEYS = (("pk", "HASH", "S"), ("sk", "RANGE", "S"))


@dataclass
class Stopwatch:
    """Where the seconds go.

    Attributes:
        clock: seconds.
        seconds: of each phase.
    """

    clock: Callable[[], float] = time.perf_counter
    seconds: Counter[str] = field(default_factory=Counter)

    def timed(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose time counts for a phase, also that of what it yields."""

        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  # as the function
            with self.running(phase):
                result = function(*arguments, **named)
            return self._drawn(phase, result) if isinstance(result, Iterator) else result

        return call

    def running(self, phase: str) -> "_Lap":
        """Return a context whose time counts for a phase."""
        return _Lap(self, phase)

    def _drawn(self, phase: str, items: Iterator[Any]) -> Iterator[Any]:
        while True:
            with self.running(phase):
                item = next(items, self)
            if item is self:
                return
            yield item


@dataclass
class _Lap:
    stopwatch: Stopwatch
    phase: str
    started: float = 0.0

    def __enter__(self) -> None:
        self.started = self.stopwatch.clock()

    def __exit__(self, *_: object) -> None:
        taken = self.stopwatch.clock() - self.started
        self.stopwatch.seconds[self.phase] += taken  # type: ignore[assignment]  # seconds count too


class Timed:
    """A port whose calls count for the phases that are named for them."""

    def __init__(self, port: object, stopwatch: Stopwatch, **phases: str) -> None:
        self._port = port
        self._stopwatch = stopwatch
        self._phases = phases

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the port has
        """Return a method of the port."""
        phase = self._phases.get(name, "journal")
        return self._stopwatch.timed(phase, getattr(self._port, name))


def main() -> int:
    """Run it; return 1 if a row is left, or the tick takes longer than the function may."""
    parser = argparse.ArgumentParser(prog="python -m bench.flushing", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    count = parser.parse_args().rows
    with embedded_aws(enforce_iam=False, name="bench") as aws:
        os.environ.update(aws.environment)
        adapters, tick, stopwatch = prepared()
        started = time.perf_counter()
        unwritten = adapters.dirty.add(rows(count))
        written = time.perf_counter() - started
        started, worked = time.perf_counter(), time.process_time()
        (outcome,) = tick()
        total, worked = time.perf_counter() - started, time.process_time() - worked
        left = adapters.dirty.span(outcome.distribution)
    show(stopwatch, count, written, total)
    print(f"of which this process worked for {worked:.1f} s, and waited for the embedded AWS else")
    flush = outcome.flush
    print(f"{flush.state if flush else outcome.error}, {len(flush.paths) if flush else 0} paths")
    return bool(unwritten or left or total > timeout())


def prepared() -> tuple[wiring.Adapters, Callable[[], Sequence[Outcome]], Stopwatch]:
    """Return the adapters of a site in the embedded AWS, a tick over it, and its stopwatch."""
    for name in ("dirty", "flushes"):
        create_table(name)
    boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET)
    settings = Settings.from_mapping(
        {
            "DIRTY_TABLE": "dirty",
            "FLUSHES_TABLE": "flushes",
            "BUCKET": BUCKET,
            "DISTRIBUTION": create_distribution(),
        }
    )
    real, stopwatch = wiring.Adapters.real(settings, boto3.Session()), Stopwatch()
    listing = Timed(real.listing, stopwatch, list="survey")
    dirty = Timed(real.dirty, stopwatch, span="peek", read="read", delete="delete", add="write")
    edge = Timed(real.edge, stopwatch, invalidate="send", in_progress="send")
    adapters = replace(
        real, dirty=dirty, journal=Timed(real.journal, stopwatch), edge=edge, listing=listing
    )
    known = wiring.tick(settings, adapters, print).discovery.look()
    flusher = wiring.flusher(adapters, known.routes, settings.policy, print)
    timed = stopwatch.timed("cover", choose)

    def tick() -> Sequence[Outcome]:
        stopwatch.seconds.clear()
        with mock.patch("edgesweep.flush.planning.choose", timed):
            return flusher.tick(known.routes.ids)

    return adapters, tick, stopwatch


def show(stopwatch: Stopwatch, count: int, written: float, total: float) -> None:
    """Print where the time went."""
    rest = total - sum(stopwatch.seconds.values())
    print(f"{count:,} rows, written in {written:.1f} s")
    print(f"{'phase':10}  {'seconds':>7}  {'of the timeout':>14}")
    for phase, seconds in [*stopwatch.seconds.items(), ("the rest", rest), ("all", total)]:
        print(f"{phase:10}  {seconds:7.1f}  {seconds / timeout():14.1%}")


def rows(count: int) -> Sequence[DirtyRow]:
    """Return rows of a deploy that came to rest a minute ago."""
    at = datetime.now(UTC) - timedelta(minutes=1)
    distribution = os.environ["BENCH_DISTRIBUTION"]
    changes = (
        Change(BUCKET, f"posts/{n % 1_000:03}/{n:06}.html", Kind.CREATED, at) for n in range(count)
    )
    return [DirtyRow(distribution, change, at, f"{n:08x}") for n, change in enumerate(changes)]


def timeout() -> int:
    """Return the seconds after which Lambda ends a flush."""
    deployed = (ROOT / "serverless.yml").read_text()
    found = re.search(r"handlers/flush\.handler.*?timeout: (\d+)", deployed, re.DOTALL)
    return int(found[1]) if found else 0


def create_table(name: str) -> None:
    """Create a table as it is deployed."""
    boto3.client("dynamodb", region_name=REGION).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": t} for k, _, t in KEYS],  # type: ignore[typeddict-item]  # S
        KeySchema=[{"AttributeName": k, "KeyType": role} for k, role, _ in KEYS],  # type: ignore[typeddict-item]  # as above
    )


def create_distribution() -> str:
    """Create a distribution in front of the bucket and return its id."""
    origin = {
        "Id": BUCKET,
        "DomainName": f"{BUCKET}.s3.{REGION}.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    config: Any = {
        "CallerReference": BUCKET,
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": BUCKET,
            "ViewerProtocolPolicy": "redirect-to-https",
            "DefaultTTL": 86_400,
            "MaxTTL": 31_536_000,
        },
    }
    made = boto3.client("cloudfront").create_distribution(DistributionConfig=config)
    os.environ["BENCH_DISTRIBUTION"] = made["Distribution"]["Id"]
    return made["Distribution"]["Id"]


if __name__ == "__main__":
    sys.exit(main())
