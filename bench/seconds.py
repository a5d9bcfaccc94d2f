"""Seconds from an upload to CloudFront's acceptance, and to a reader's first fresh answer.

    python -m bench.seconds [--uploads 30] [--syncs 10] [--rounds 20]

The stack is deployed into an embedded AWS whose schedule runs at true speed, cold starts included.
One page is uploaded at random moments, then a site of 1,000 files in 20 s, several times. Then
files change at random, and each round of `aws s3 sync && edgesweep wait --completed` is followed by
readers of all of them. On a machine that has anything else to do the figures of (a) to (c) are no
measure. Four claims are checked:

(a) the median of the pages is accepted within 6 s, and nine of ten within 10 s;
(b) nine of ten syncs are one invalidation;
(c) each sync is accepted within 15 s of its last upload;
(d) once a wait has returned, no reader gets old bytes, and another one finds nothing to wait for.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import TypeVar

from infra.local.aws import ROOT, embedded_aws
from infra.local.edge.server import serving
from infra.local.readers import Reader
from infra.local.rounds import play
from infra.local.site import generate
from infra.local.watch import Invalidation, Watch

T = TypeVar("T")

SEED = 20_261_126
PAGE = "index.html"
SYNC_SECONDS = 20
MEDIAN, NINE_OF_TEN, AFTER_A_SYNC = 6.0, 10.0, 15.0
SLOW = 5.0  # seconds until an edge has taken an invalidation, where that is waited for
_AT_ONCE = 8
_PATIENCE_SECONDS = 300
# Until then the environments of the functions are idle, and the flush before is long over.
_PAUSES = (20.0, 70.0)


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload of one page: seconds until it was accepted, and until a reader got it."""

    accepted: float
    fresh: float


@dataclass(frozen=True, slots=True)
class Sync:
    """A sync: how many invalidations it took, and seconds from its last upload to the last one."""

    invalidations: int
    accepted: float


@dataclass(frozen=True, slots=True)
class Stand:
    """A deployed stack, and the edge in front of its site."""

    watch: Watch
    edge: str
    chance: random.Random

    def put(self, key: str, body: bytes) -> None:
        """Upload an object."""
        s3, bucket = self.watch.aws.client("s3"), self.watch.outputs["SiteBucket"]
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/html")

    def page(self, number: int) -> Upload:
        """Upload the page at a random moment, while somebody reads it."""
        time.sleep(self.chance.uniform(*_PAUSES))
        body, reader = f"page {number} {SEED}".encode(), Reader(self.edge, f"/{PAGE}")
        with reader.reading():
            began = datetime.now(UTC)
            self.put(PAGE, body)
            accepted = self._since(began)[0].created_at
            _await(lambda: any(seen.shows(body) for seen in list(reader.seen)))
        fresh = next(seen.at for seen in reader.seen if seen.shows(body))
        return Upload(_seconds(accepted - began), _seconds(fresh - began))

    def sync(self, site: Mapping[str, bytes], number: int) -> Sync:
        """Upload every file of a site again, evenly, and wait for all that this leads to."""
        time.sleep(self.chance.uniform(*_PAUSES))
        began = datetime.now(UTC)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            puts = []
            for index, (key, body) in enumerate(site.items()):
                due = began + timedelta(seconds=SYNC_SECONDS * index / len(site))
                time.sleep(max(0.0, _seconds(due - datetime.now(UTC))))
                puts.append(pool.submit(self.put, key, body + b"%d" % number))
            for put in puts:
                put.result()
        ended = datetime.now(UTC)
        _await(lambda: not self.watch.waiting())
        made = self._since(began)
        return Sync(len(made), _seconds(made[-1].created_at - ended))

    def wait(self, folder: Path) -> bool:
        """Sync a folder as a pipeline does, and wait; return whether anything had changed."""
        run = partial(subprocess.run, env=self.watch.aws.environment, check=True)
        bucket = f"s3://{self.watch.outputs['SiteBucket']}"
        run([ROOT / ".envs/awscli/bin/aws", "s3", "sync", folder, bucket, "--only-show-errors"])
        edgesweep = [Path(sys.executable).with_name("edgesweep"), "wait", "--stage", "demo"]
        options = ["--completed", "--after", folder, "--json"]
        ended = run([*edgesweep, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return bool(json.loads(ended.stdout)["changed"])

    def rounds(self, number: int) -> Sequence[bool]:
        """Play some rounds of a pipeline; return whether the claim holds, nothing without any."""
        if not number:
            return []
        names, waits = [f"waited/{name}.html" for name in range(20)], list[float]()

        def pipeline(folder: Path) -> None:
            began = time.monotonic()
            self.wait(folder)
            waits.append(time.monotonic() - began)

        with tempfile.TemporaryDirectory() as name:
            played = play(Path(name), names, self.edge, pipeline, self.chance)
            stale = [one.stale for one in islice(map(_told, played), number)]
            idle = not self.wait(Path(name))
        if len(waits) > 1:
            print(f"sync and wait: median {_median(waits):.1f} s, longest {max(waits):.1f} s")
        fresh = sum(not one for one in stale)
        text = f"(d) no reader got old bytes: {fresh} of {number} rounds"
        return [_claimed(text, holds=idle and fresh == number)]

    def _since(self, began: datetime) -> Sequence[Invalidation]:
        """Return the invalidations that were created since, once there is one."""

        def found() -> Sequence[Invalidation]:
            return [one for one in self.watch.invalidations() if one.created_at >= began]

        _await(lambda: bool(found()))
        return found()


def main() -> int:
    """Measure; return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.seconds", description=__doc__)
    parser.add_argument("--uploads", type=int, default=30)
    parser.add_argument("--syncs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    with embedded_aws(name="seconds") as aws:
        watch = Watch(aws, aws.deploy("demo", demo="true"))
        clients = {name: aws.client(name) for name in ("s3", "cloudfront")}
        distribution = watch.outputs["Distribution"]
        with serving(clients, distribution, listable=False) as edge:
            stand = Stand(watch, edge.url, random.Random(SEED))
            stand.put(PAGE, b"first")
            _await(lambda: not watch.waiting())
            uploads = [_told(stand.page(number)) for number in range(asked.uploads)]
            site = generate(SEED)
            syncs = [_told(stand.sync(site, number)) for number in range(asked.syncs)]
        with serving(clients, distribution, listable=False, delay=SLOW) as edge:
            fresh = replace(stand, edge=edge.url).rounds(asked.rounds)
    print("load average", *(f"{load:.1f}" for load in os.getloadavg()))
    return 0 if all([*_pages(uploads), *_syncs(syncs), *fresh]) else 1


def _pages(uploads: Sequence[Upload]) -> Sequence[bool]:
    if len(uploads) <= 1:
        return []
    for name in ("accepted", "fresh"):
        values = sorted(getattr(one, name) for one in uploads)
        print(
            f"{name}: median {_median(values):.1f} s, nine of ten {_ninth(values):.1f} s,", end=" "
        )
        print(f"longest {values[-1]:.1f} s, of {len(values)} pages")
    accepted = [one.accepted for one in uploads]
    quick = _median(accepted) <= MEDIAN and _ninth(accepted) <= NINE_OF_TEN
    return [_claimed("(a) pages within 6 s, nine of ten within 10 s", holds=quick)]


def _syncs(syncs: Sequence[Sync]) -> Sequence[bool]:
    once = sum(one.invalidations == 1 for one in syncs)
    slowest = max((one.accepted for one in syncs), default=0.0)
    return [
        _claimed(
            f"(b) one invalidation: {once} of {len(syncs)}", holds=10 * once >= 9 * len(syncs)
        ),
        _claimed(f"(c) slowest sync {slowest:.1f} s of 15 s", holds=slowest <= AFTER_A_SYNC),
    ]


def _claimed(text: str, *, holds: bool) -> bool:
    print(f"{text}: {'holds' if holds else 'DOES NOT HOLD'}")
    return holds


def _told(one: T) -> T:
    print(one, flush=True)
    return one


def _median(values: Sequence[float]) -> float:
    return quantiles(values, n=10, method="inclusive")[4]


def _ninth(values: Sequence[float]) -> float:
    return quantiles(values, n=10, method="inclusive")[8]


def _seconds(time: timedelta) -> float:
    return time.total_seconds()


def _await(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            msg = f"It did not happen within {_PATIENCE_SECONDS} s"
            raise TimeoutError(msg)
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
