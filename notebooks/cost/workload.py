"""The usage of a month: from counts of events and flushes to charged units.

The counts come from a policy over a publish history. Memory, pollers, metrics and alarms match the
deployed stack, and reads and writes its code; times and bytes are estimates, not measured on AWS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from edgesweep.prices import EDGE_CACHES
from notebooks.cost.prices import Item

# Gigabytes of each function, and seconds: of a batch and of an event recorded, of its HEAD, of a
# tick that finds nothing, of what a flush takes on top, and of a wake besides its sleep.
RECORD_GB = FLUSH_GB = 1
BATCH_SECONDS = Decimal("0.03")
RECORD_SECONDS, HEAD_SECONDS = Decimal("0.001"), Decimal("0.002")
TICK_SECONDS, FLUSH_SECONDS, WAKE_SECONDS = Decimal("0.03"), 2, Decimal("0.05")
EVENTS_A_BATCH = 10
# Each waits at the queue all the time. Without a maximum concurrency there would be two on an idle
# queue, and a flood of changes would take all of the account's functions.
POLLERS, POLL_SECONDS = 5, 20
# After this time a tick checks for dead letters again.
REDRIVE_MINUTES = 10
# Units of a tick that finds nothing: of the routes and the unrouted rows; of a distribution's rows
# and lease; and of a flush besides its rows.
TICK_READS, LOOK_READS, WAKE_READS = 2, 2, 10
FLUSH_READS, FLUSH_WRITES = 7, 20
# Units an hour of the looks at what others spend, in an account of a few distributions.
AUDIT_READS, AUDIT_WRITES = 2, 4
ROW_BYTES, FLUSH_BYTES, JOURNAL_DAYS = 400, 2_000, 400
LOG_BYTES, LOG_DAYS = 1_000, 30
METRICS, ALARMS = 10, 10

_HOURS_A_DAY, _MINUTES_A_DAY, _SECONDS_A_DAY = 24, 1_440, 86_400
_DAYS_A_MONTH, _GB = 30, 10**9
# "One read request unit represents one strongly consistent read per second for an item up to 4 KB",
# "one write request unit represents one write for an item up to 1 KB".
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
_READ_UNIT = 4_096
# Lambda takes up to ten messages with a request, and deletes as many with another.
_MESSAGES_A_REQUEST = 10


@dataclass(frozen=True, slots=True)
class Workload:
    """The events and flushes of a month of 31 days, for one distribution."""

    events: int = 0  # changes of objects that S3 reported through EventBridge
    flushes: int = 0  # invalidations sent, with `paths` in all
    paths: int = 0
    collateral: int = 0  # unchanged objects that were hit, each at every flush
    # Requests for an object's headers, one for each upload where there is a catalogue.
    heads: int = 0
    unchanged: int = 0  # events among them that the catalogue passed over
    wakes: int = 0  # how often rows woke a function, which slept for `slept` seconds in all
    slept: int = 0
    days: int = 31


# A million uploads that EventBridge reports, with the catalogue that is deployed by default.
MILLION = Workload(events=10**6, flushes=1_000, heads=10**6, wakes=10_000, slept=20_000)


def used(work: Workload) -> Mapping[Item, Decimal]:
    """Return the units of each item that a month's work uses."""
    ticks, rows = work.days * _MINUTES_A_DAY, work.events - work.unchanged
    batches = ceil(work.events / EVENTS_A_BATCH)
    polls = POLLERS * work.days * _SECONDS_A_DAY // POLL_SECONDS + ticks // REDRIVE_MINUTES
    invoked = ticks + batches + work.wakes
    logs = Decimal(invoked * LOG_BYTES) / _GB
    kept = Decimal(work.flushes * FLUSH_BYTES * JOURNAL_DAYS) / work.days / _GB
    flushing = ticks * TICK_SECONDS + work.flushes * FLUSH_SECONDS
    waking = work.wakes * WAKE_SECONDS + work.slept
    recording = batches * BATCH_SECONDS + work.events * RECORD_SECONDS + work.heads * HEAD_SECONDS
    units: Mapping[Item, Decimal | int] = {
        Item.PATHS: work.paths,
        Item.GETS: work.collateral * EDGE_CACHES,
        Item.HEADS: work.heads,
        Item.EVENTS: work.events + work.flushes,  # each flush is announced
        Item.TICKS: ticks,
        Item.MESSAGES: work.events + 2 * ceil(work.events / _MESSAGES_A_REQUEST) + polls,
        Item.INVOCATIONS: invoked,
        Item.GB_SECONDS: FLUSH_GB * (flushing + waking) + RECORD_GB * recording,
        # A row is written and removed; the entry of a changed object is forgotten and learnt.
        Item.WRITES: 2 * (rows + work.heads - work.unchanged)
        + work.flushes * FLUSH_WRITES
        + work.days * _HOURS_A_DAY * AUDIT_WRITES,
        Item.READS: ticks * (TICK_READS + LOOK_READS)
        + work.flushes * FLUSH_READS
        + work.days * _HOURS_A_DAY * AUDIT_READS
        + work.wakes * WAKE_READS
        + work.heads
        + ceil(rows * ROW_BYTES / _READ_UNIT),
        Item.STORAGE: kept,
        Item.BACKUP: kept,
        Item.LOG_INGESTION: logs,
        Item.LOG_STORAGE: logs * LOG_DAYS / _DAYS_A_MONTH,
        # A stack without changes publishes none.
        Item.METRICS: METRICS if work.events or work.flushes else 0,
        Item.ALARMS: ALARMS,
    }
    return {item: Decimal(quantity) for item, quantity in units.items()}
