"""Bursts of changes, and a change every second: dollars, calls and seconds, with wakes and without.

    python -m bench.bursts

Each row is what a burst adds to an idle month, at list prices and without free tiers; times of
functions are the estimates of `notebooks.cost.workload`. How long wakes sleep follows from the
deployed rule on a simulated clock. One claim is checked: a change every second, day and night,
keeps no function asleep for more than a quarter of the time.
"""

import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from edgesweep.flush.policy import Policy
from edgesweep.flush.wake import NEWEST, WITHIN, Haste, Upload
from edgesweep.lab.paced import TICK
from notebooks.cost.bill import bill
from notebooks.cost.prices import Item
from notebooks.cost.workload import EVENTS_A_BATCH, WAKE_SECONDS, Workload, used

BEGINS = datetime(2026, 11, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY_SECONDS = 86_400
# Files of an upload in a second.
RATE = 50
LEAST_AWAKE = 4


@dataclass(frozen=True, slots=True)
class Burst:
    """Changes at even distances: how many, and how many in a second."""

    name: str
    changes: int
    rate: int

    def awake(self) -> "Awake":
        """Return what wakes do on a clock that passes by their sleep, ticks beside them."""
        return Awake([BEGINS + number * SECOND / self.rate for number in range(self.changes)])


class Awake:
    """The wakes of changes at these moments: each is called with the first row after the last.

    Attributes:
        wakes: how often rows woke a function.
        slept: for how long, in all.
        flushes: how many were sent, by wakes or by ticks.
    """

    def __init__(self, moments: Sequence[datetime]) -> None:
        self.wakes = self.flushes = 0
        self.slept = timedelta()
        self._moments = moments
        self._policy = Policy()
        self._sent = row = 0
        while row < len(moments):
            self.wakes += 1
            now = self._wake(moments[row])
            row = max(row + 1, bisect_right(moments, now))
        self.flushes += self._sent < len(moments)

    def _wake(self, now: datetime) -> datetime:
        """Return when a wake has ended that began now."""
        until = now + WITHIN
        while (upload := self._look(now)) and upload.awaited(now, until):
            if upload.rests_at <= now:
                self._flush(now)
            else:
                self.slept += upload.rests_at - now
                now = upload.rests_at
        return now + float(WAKE_SECONDS) * SECOND

    def _look(self, now: datetime) -> Upload | None:
        """Return the upload as it is now; a tick has sent what waited for the longest time."""
        longest = self._policy.max_wait + TICK / 2
        if self._sent < len(self._moments) and now - self._moments[self._sent] > longest:
            self._flush(now)
        last = bisect_right(self._moments, now)
        recorded = self._moments[max(self._sent, last - NEWEST) : last][::-1]
        if not recorded:
            return None
        return Upload.of(self._moments[self._sent], recorded, self._policy.quiet, Haste.QUICK)

    def _flush(self, now: datetime) -> None:
        self.flushes += 1
        self._sent = bisect_right(self._moments, now)


BURSTS = (
    Burst("1 change", 1, RATE),
    Burst("10 changes", 10, RATE),
    Burst("1,000 changes", 1_000, RATE),
    Burst("1 a second, a day", DAY_SECONDS, 1),
)


def main() -> int:
    """Print the table; return 1 if the claim does not hold."""
    print(f"{'':<20} {'wakes':>6} {'dollars':>10} {'calls':>8} {'seconds':>9} {'asleep':>8}")
    for burst in BURSTS:
        awake = burst.awake()
        plain = Workload(events=burst.changes, flushes=awake.flushes, heads=burst.changes)
        asleep = awake.slept / SECOND
        woken = replace(plain, wakes=awake.wakes, slept=round(asleep))
        for name, work in ((f"{burst.name}, ticks", plain), ("  with wakes", woken)):
            print(_row(name, work))
    holds = LEAST_AWAKE * asleep <= DAY_SECONDS
    print(
        f"{EVENTS_A_BATCH} messages a batch; asleep at 1 change a second: {asleep:,.0f} s of a day"
    )
    print(f"at most a quarter of the time: {'holds' if holds else 'DOES NOT HOLD'}")
    return 0 if holds else 1


def _row(name: str, work: Workload) -> str:
    added = {item: many - IDLE.get(item, 0) for item, many in used(work).items()}
    added[Item.METRICS] = Decimal(0)
    calls = sum(added[item] for item in (Item.INVOCATIONS, Item.READS, Item.WRITES, Item.HEADS))
    dollars = bill(added).gross
    return (
        f"{name:<20} {work.wakes:>6,} {dollars:>10.6f} {calls:>8,} "
        f"{added[Item.GB_SECONDS]:>9,.1f} {work.slept:>8,}"
    )


IDLE = used(Workload())

if __name__ == "__main__":
    sys.exit(main())
