"""Route the rows that wait in `UNROUTED`, some in each tick, after the flushes.

Goal: however many wait, no flush waits for them, and every row gets its turn.

Plan: we read the rows in the order in which they were recorded, and keep our place with the
distributions. No distribution serves a row before that place, so we read it again only after the
distributions change, from the start. A row may be written some time after its stamp, so the place
stays `LATE` behind the clock, and it never passes a row that could not be moved.

A copy has the place and time of its row.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice, takewhile

from edgesweep.dirty import UNROUTED, DirtyRow
from edgesweep.flush.rows import DirtyRows, chunks
from edgesweep.routes import Routes
from edgesweep.routes.kept import Kept

# One tick reads at most this many rows, and starts no chunk after this time.
MAX_ROUTED = 20_000
ROUTE_TIME = timedelta(seconds=30)

# A row is written at most this long after its stamp; recording a batch takes less.
LATE = timedelta(minutes=5)


def route(
    dirty: DirtyRows, kept: Kept, routes: Routes, clock: Callable[[], datetime]
) -> tuple[Kept, int]:
    """Route a portion of the rows; return the record with the new place, and how many are left."""
    now, place, passed, left = clock(), kept.place, kept.passed, 0
    for chunk in chunks(islice(dirty.read(UNROUTED, after=place), MAX_ROUTED)):
        copies = {row: _copies(row, routes) for row in chunk if routes.serves(row.change.bucket)}
        stay, failed = set(chunk) - copies.keys(), dirty.move(copies).keys()
        left += len(stay) + len(failed)
        for row in _old(chunk, failed, now):
            place, passed = row.position, passed + (row in stay)
        if failed or clock() - now >= ROUTE_TIME:
            break
    return replace(kept, place=place, passed=passed), kept.passed + left


def _old(
    chunk: Sequence[DirtyRow], failed: Collection[DirtyRow], now: datetime
) -> Iterator[DirtyRow]:
    """Return the rows up to the first that has to be read again."""
    return takewhile(lambda row: row not in failed and now - row.recorded_at > LATE, chunk)


def _copies(row: DirtyRow, routes: Routes) -> Sequence[DirtyRow]:
    serving = routes.distributions(row.change.bucket, row.change.key)
    return [replace(row, distribution=distribution) for distribution in serving]
