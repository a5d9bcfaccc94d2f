"""Backlogs against the limits of the flush function: its memory, its time, and who else waits.

    python -m bench.backlogs

Measured: one tick over 200,000 rows with keys of 1,000 bytes, among a million live objects, in a
process of its own: all that the deployed code does, with answers of DynamoDB and S3 that are made
up on the spot. The waits for these are modelled: what one partition of DynamoDB gives at most, and
a fixed time for each other call.

Modelled: how backlogs of millions end, minute by minute, with another distribution's change every
ten minutes. The real flusher runs on a clock that passes by what was measured for each row and what
is modelled for each call. Its ticks overlap, and end after the function's timeout.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from unittest import mock

import boto3
import botocore.handlers

from bench.flushing import Stopwatch, Timed, timeout
from bench.minutes import WATCHED, Minutes, Pace, make_flusher, settled, smaller
from bench.stand_ins import Backlog, BacklogRows, DynamoDb, Edge, Objects
from edgesweep import wiring
from edgesweep.aws.dynamodb import DirtyTable
from edgesweep.cover.survey import CachedListing
from edgesweep.flush.flusher import Flusher
from edgesweep.operate.dry_run import JournalInMemory
from infra.local.aws import REGION

ROWS = 200_000
LIVE = 1_000_000
SOME_ROWS = 50_000
LONG_KEYS = 1_000
SHORT_KEYS = 60
BACKLOGS = (1_000_000, 2_000_000, 5_000_000)
MOST_MB = 700
MOST_TICKS = 2

# "At 1,769 MB, a function has the equivalent of one vCPU"; the flush function has 1,024 MB.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
SLOWER = 1_769 / 1_024


@dataclass(frozen=True, slots=True)
class Measured:
    """What ticks over some rows have taken until none was left.

    Attributes:
        rows: how many there were.
        ticks: how many it took.
        peak_mb: megabytes at the peak, beside those of the runtime before the first tick.
        seconds: of this processor in the longest tick, by phase.
        waits: seconds of waiting for AWS in it, by phase: modelled.
        unattended: seconds of this processor, the longest without a look at the lease.
    """

    rows: int
    ticks: int
    peak_mb: float
    seconds: Mapping[str, float]
    waits: Mapping[str, float]
    unattended: float

    def on_lambda(self, phase: str) -> float:
        """Return the seconds that a phase takes in the deployed function."""
        return self.seconds.get(phase, 0) * SLOWER + self.waits.get(phase, 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return 1 if a limit is passed."""
    parser = argparse.ArgumentParser(prog="python -m bench.backlogs", description=__doc__)
    parser.add_argument("--scale", type=int, default=100, help="rows that each row stands for")
    parser.add_argument("--measure", type=int, nargs=3, metavar=("ROWS", "LENGTH", "LIVE"))
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(asdict(measured(*options.measure))))
        return 0
    long = in_its_own_process(ROWS, LONG_KEYS, LIVE)
    print("\n".join(limits_told(long)), flush=True)
    pace = pace_of(in_its_own_process(SOME_ROWS, SHORT_KEYS, SOME_ROWS))
    backlogs = []
    for count in BACKLOGS:
        minutes = Minutes.of(count // options.scale, pace.times(options.scale))
        with smaller(options.scale):
            minutes.run()
        backlogs.append(minutes)
        print(minutes_told(count, minutes), flush=True)
    return int(
        long.peak_mb > MOST_MB
        or sum(map(long.on_lambda, long.seconds)) > timeout()
        or any(max(minutes.delays) > MOST_TICKS for minutes in backlogs)
    )


def in_its_own_process(rows: int, length: int, live: int) -> Measured:
    """Measure ticks in a process that has done nothing before."""
    command = [sys.executable, "-m", "bench.backlogs", "--measure", *map(str, (rows, length, live))]
    nobody = {"AWS_ACCESS_KEY_ID": "-", "AWS_SECRET_ACCESS_KEY": "-", "AWS_DEFAULT_REGION": REGION}
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ | nobody)  # noqa: S603  # ours
    return Measured(**json.loads(ran.stdout))


def measured(count: int, length: int, live: int) -> Measured:
    """Tick until no row is left of a deploy that came to rest a minute ago.

    Args:
        count: how many rows there are, each of another object.
        length: of their keys, in bytes.
        live: how many objects there are.
    """
    began = wiring.now() - timedelta(seconds=60 + count / 1_000)
    objects = Objects(live, length)
    rows = BacklogRows(Backlog(WATCHED, objects, count, began, every=live // count))
    table, stopwatch = DynamoDb(rows), Stopwatch(time.process_time)
    watch = Attention(table)
    hooks = [*botocore.handlers.BUILTIN_HANDLERS, ("before-send.dynamodb", table.answer)]
    with mock.patch.object(botocore.handlers, "BUILTIN_HANDLERS", hooks):
        flusher = make_flusher(
            Timed(
                DirtyTable("dirty", boto3.Session()),
                stopwatch,
                span="peek",
                read="read",
                delete="delete",
            ),
            Timed(JournalInMemory(), stopwatch),
            Timed(CachedListing(objects, wiring.now), stopwatch, page="survey"),
            Edge(watch.clock),
            watch.clock,
        )
        before, ticks = memory_mb(), []
        while rows.span(WATCHED):
            ticks.append(one_tick(flusher, table, stopwatch))
    seconds, waits = max(ticks, key=lambda tick: sum(tick[0].values()) + sum(tick[1].values()))
    return Measured(count, len(ticks), memory_mb() - before, seconds, waits, watch.longest)


def one_tick(
    flusher: Flusher, table: DynamoDb, stopwatch: Stopwatch
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Tick once; return the seconds of this processor and those of waiting, by phase."""
    for counted in (stopwatch.seconds, table.seconds, table.waits):
        counted.clear()
    started = time.process_time()
    settled(flusher.tick([WATCHED]))
    total = time.process_time() - started
    own: dict[str, float] = {**stopwatch.seconds}
    own["plan"] = total - sum(own.values())
    for phase, operation in (("read", "Query"), ("delete", "BatchWriteItem")):
        own[phase] = own.get(phase, 0) - table.seconds[operation]
    waits = {"read": table.waits["Query"], "delete": table.waits["BatchWriteItem"]}
    return own, waits


class Attention:
    """A clock that notes for how long this processor worked without asking it.

    Attributes:
        longest: in seconds, without those in which answers were made up.
    """

    def __init__(self, table: DynamoDb) -> None:
        self.longest = 0.0
        self._table = table
        self._seen = self._worked()

    def clock(self) -> datetime:
        """Return the time; everybody who looks at the lease asks for it."""
        worked = self._worked()
        self.longest, self._seen = max(self.longest, worked - self._seen), worked
        return wiring.now()

    def _worked(self) -> float:
        return time.process_time() - self._table.total


def memory_mb() -> float:
    """Return the most megabytes that this process has had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1_000_000 if sys.platform == "darwin" else most * 1_024 / 1_000_000


def limits_told(found: Measured) -> Iterator[str]:
    """Yield what was measured, beside the limits of the function."""
    yield f"{found.rows:,} rows with keys of {LONG_KEYS:,} bytes among {LIVE:,} live objects"
    yield f"peak memory   {found.peak_mb:.0f} MB beside the runtime (at most {MOST_MB})"
    yield f"ticks         {found.ticks}, of which the longest:"
    yield f"{'phase':8}  {'processor':>9}  {'in Lambda':>9}  {'of the timeout':>14}"
    for phase in found.seconds:
        taken = found.on_lambda(phase)
        yield f"{phase:8}  {found.seconds[phase]:9.1f}  {taken:9.1f}  {taken / timeout():14.1%}"
    total = sum(map(found.on_lambda, found.seconds))
    yield f"{'all':8}  {sum(found.seconds.values()):9.1f}  {total:9.1f}  {total / timeout():14.1%}"
    yield f"longest without a look at the lease: {found.unattended * SLOWER:.1f} s in Lambda"


def pace_of(found: Measured) -> Pace:
    """Return what a row takes in the deployed function."""
    read, plan, survey, delete = (
        found.on_lambda(phase) / found.rows for phase in ("read", "plan", "survey", "delete")
    )
    return Pace(read, plan + survey, delete)


def minutes_told(count: int, minutes: Minutes) -> str:
    """Return what became of a backlog."""
    worst = max(minutes.delays)
    return (
        f"{count:,} rows: empty after {minutes.ticks} ticks, {minutes.ended} ended by the timeout; "
        f"{len(minutes.delays)} changes of another distribution: sent with tick {worst} after them "
        f"at the latest (at most {MOST_TICKS})"
    )


if __name__ == "__main__":
    sys.exit(main())
