"""What a month's work uses: from counts of events and flushes to units that are charged for.

The counts are those of a policy over a publish history; what each of them takes is in `Stack`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

from edgesweep.errors import BadInput
from edgesweep.lab.cost.bill import Bill, bill
from edgesweep.lab.cost.prices import VIRGINIA, Item
from edgesweep.prices import EDGE_CACHES

MINUTES_A_DAY = 1_440
_SECONDS_A_DAY = 86_400
_GB = 10**9
# "One read request unit represents one strongly consistent read per second for an item up to 4 KB",
# "one write request unit represents one write for an item up to 1 KB".
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
_READ_UNIT = 4_096
_WRITE_UNIT = 1_024
# Lambda takes up to ten messages with a request, and deletes as many with another.
_MESSAGES_A_REQUEST = 10
_DAYS_A_MONTH = 30


@dataclass(frozen=True, slots=True)
class Workload:
    """What happened in a month.

    Attributes:
        days: of the month.
        distributions: how many are swept.
        events: changes of objects that S3 reported.
        through_eventbridge: whether EventBridge delivered them, as for buckets that were there
            before the stack, and not S3 itself.
        flushes: invalidations sent.
        paths: invalidation paths in them.
        collateral: unchanged objects that were hit, each at every flush.
        listings: requests that list up to 1,000 keys.
        heads: requests for an object's headers, one for each upload where there is a catalogue.
        unchanged: events among them that the catalogue passed over.

    Raises:
        BadInput: a count is negative, or more was passed over than looked at.
    """

    days: int = 31
    distributions: int = 1
    events: int = 0
    through_eventbridge: bool = True
    flushes: int = 0
    paths: int = 0
    collateral: int = 0
    listings: int = 0
    heads: int = 0
    unchanged: int = 0

    def __post_init__(self) -> None:
        for one in fields(self):
            if getattr(self, one.name) < 0:
                msg = f"{one.name} must be at least 0, not {getattr(self, one.name)}"
                raise BadInput(msg)
        most = min(self.events, self.heads)
        if self.unchanged > most:
            msg = f"unchanged must be at most {most}, the events looked at, not {self.unchanged}"
            raise BadInput(msg)

    @property
    def rows(self) -> int:
        """Dirty rows, one for each event that was not passed over."""
        return self.events - self.unchanged


@dataclass(frozen=True, slots=True)
class Stack:
    """What the deployed stack takes for each of these counts.

    Memory, pollers, metrics, alarms and days are what it is deployed with; reads and writes are
    counted in its code. Times and bytes are estimates, not measured on AWS.

    Attributes:
        record_gb: memory of the record function.
        record_seconds: for one event.
        head_seconds: that it takes longer with a HEAD.
        events_a_batch: that one record invocation gets, on average.
        flush_gb: memory of the flush function.
        tick_seconds: of a tick that finds nothing.
        flush_seconds: that a tick takes longer when it flushes.
        pollers: that wait at the queue all the time. Without a maximum concurrency there would be
            two on an idle queue, and a flood of changes would take all of the account's functions.
        poll_seconds: that each of their requests waits.
        redrive_minutes: after which a tick looks for dead letters again.
        tick_reads: read units of a tick that finds nothing: the routes and the unrouted rows.
        look_reads: more of them for each distribution: its rows and its lease.
        flush_reads: read units of a flush besides its rows.
        flush_writes: write units of a flush besides its rows.
        row_bytes: of a dirty row, stored.
        flush_bytes: of a flush in the journal.
        journal_days: that a flush is kept.
        log_bytes: of one invocation.
        log_days: that logs are kept.
        metrics: custom metrics, of which a stack without changes publishes none.
        alarms: of the stack.
        dashboards: of the stack.
    """

    record_gb: Decimal = Decimal(1)
    record_seconds: Decimal = Decimal("0.001")
    head_seconds: Decimal = Decimal("0.002")
    events_a_batch: int = 100
    flush_gb: Decimal = Decimal(1)
    tick_seconds: Decimal = Decimal("0.03")
    flush_seconds: Decimal = Decimal(2)
    pollers: int = 5
    poll_seconds: int = 20
    redrive_minutes: int = 10
    tick_reads: int = 2
    look_reads: int = 2
    flush_reads: int = 6
    flush_writes: int = 20
    row_bytes: int = 400
    flush_bytes: int = 2_000
    journal_days: int = 400
    log_bytes: int = 1_000
    log_days: int = 30
    metrics: int = 10
    alarms: int = 10
    dashboards: int = 0


STACK = Stack()


def used(work: Workload, stack: Stack = STACK) -> Mapping[Item, Decimal]:
    """Return the units of each item that a month's work uses."""
    ticks = work.days * MINUTES_A_DAY
    batches = _requests(work.events, stack.events_a_batch)
    polls = stack.pollers * work.days * _SECONDS_A_DAY // stack.poll_seconds
    polls += ticks // stack.redrive_minutes
    logs = Decimal((ticks + batches) * stack.log_bytes) / _GB
    kept = Decimal(work.flushes * stack.flush_bytes * stack.journal_days) / work.days / _GB
    units: Mapping[Item, Decimal | int] = {
        Item.PATHS: work.paths,
        Item.GETS: work.collateral * EDGE_CACHES,
        Item.HEADS: work.heads,
        Item.LISTS: work.listings,
        Item.EVENTS: work.events * work.through_eventbridge,
        Item.TICKS: ticks,
        Item.MESSAGES: work.events + 2 * _requests(work.events, _MESSAGES_A_REQUEST) + polls,
        Item.INVOCATIONS: ticks + batches,
        Item.GB_SECONDS: _gb_seconds(work, stack),
        # A row is written and removed, what is known of a changed object forgotten and learnt.
        Item.WRITES: 2 * work.rows * _requests(stack.row_bytes, _WRITE_UNIT)
        + 2 * (work.heads - work.unchanged)
        + work.flushes * stack.flush_writes,
        Item.READS: ticks * (stack.tick_reads + work.distributions * stack.look_reads)
        + work.flushes * stack.flush_reads
        + work.heads
        + _requests(work.rows * stack.row_bytes, _READ_UNIT),
        Item.STORAGE: kept,
        Item.BACKUP: kept,
        Item.LOG_INGESTION: logs,
        Item.LOG_STORAGE: logs * stack.log_days / _DAYS_A_MONTH,
        Item.METRICS: stack.metrics if work.events or work.flushes else 0,
        Item.ALARMS: stack.alarms,
        Item.DASHBOARDS: stack.dashboards,
    }
    return {item: Decimal(quantity) for item, quantity in units.items()}


def month_bill(
    work: Workload,
    region: str = VIRGINIA,
    free: Mapping[Item, int] | None = None,
    stack: Stack = STACK,
) -> Bill:
    """Return what a month's work costs; see `bill`."""
    return bill(used(work, stack), region, free)


def _gb_seconds(work: Workload, stack: Stack) -> Decimal:
    ticks = work.days * MINUTES_A_DAY
    flushing = ticks * stack.tick_seconds + work.flushes * stack.flush_seconds
    recording = work.events * stack.record_seconds + work.heads * stack.head_seconds
    return stack.flush_gb * flushing + stack.record_gb * recording


def _requests(units: int, a_request: int) -> int:
    return -(-units // a_request)
