"""What a month costs: of the stack while nothing happens, of a million changes, of a site."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from edgesweep.lab.cost.bill import Bill
from edgesweep.lab.cost.prices import VIRGINIA, Item
from edgesweep.lab.cost.sites import DAYS
from edgesweep.lab.cost.workload import MINUTES_A_DAY, Workload, month_bill
from edgesweep.lab.replay.history import Source
from edgesweep.lab.replay.paced import Swept
from edgesweep.prices import PATH_PRICE

MILLION = 1_000_000
TICKS_A_MONTH = DAYS * MINUTES_A_DAY
# What is charged for a tick, whether or not it finds anything.
OF_A_TICK = frozenset(
    {
        Item.TICKS,
        Item.INVOCATIONS,
        Item.GB_SECONDS,
        Item.READS,
        Item.LOG_INGESTION,
        Item.LOG_STORAGE,
    }
)


def idle_month(region: str = VIRGINIA) -> Bill:
    """Return the bill of a month in which nothing changed."""
    return month_bill(Workload(days=DAYS), region)


def ticks(bill: Bill) -> Bill:
    """Return the part of an idle month's bill that its ticks are charged for."""
    return Bill(tuple(line for line in bill.lines if line.item in OF_A_TICK))


def month_in_use(changes: int = 1, a_flush: int = 100, region: str = VIRGINIA) -> Bill:
    """Return the bill of a month with changes, invalidation paths apart.

    Args:
        changes: of objects.
        a_flush: how many of them a flush sends.
        region: where the stack runs.
    """
    return month_bill(Workload(days=DAYS, events=changes, flushes=-(-changes // a_flush)), region)


def more_changes(count: int = MILLION, a_flush: int = 100, region: str = VIRGINIA) -> Bill:
    """Return what so many changes cost on top of as many; nothing is free, it is used up."""
    once, twice = (month_in_use(times * count, a_flush, region) for times in (1, 2))
    before = {line.item: line.quantity for line in once.lines}
    more = ((line, line.quantity - before[line.item]) for line in twice.lines)
    return Bill(
        tuple(replace(line, quantity=units, free=Decimal(0)) for line, units in more if units)
    )


def month_of(site: Source, swept: Swept, region: str = VIRGINIA) -> Bill:
    """Return the bill of an average month of a site: paths, refetches and the stack.

    Args:
        site: its history, which counts as a month at least.
        swept: what came of sweeping it.
        region: where the stack runs.
    """
    steps = [(step.at, len(step.dirty)) for step in site.steps()]
    span = steps[-1][0] - steps[0][0] if steps else timedelta(0)
    days = max(DAYS, -(-span // timedelta(days=1)))

    def monthly(count: int) -> int:
        return -(-count * DAYS // days)

    work = Workload(
        days=DAYS,
        events=monthly(sum(changed for _, changed in steps)),
        flushes=monthly(len(swept.flushes)),
        paths=monthly(swept.row.paths),
        collateral=monthly(swept.row.collateral),
    )
    return month_bill(work, region)


def itemised(bill: Bill) -> str:
    """Return a bill in columns of dollars: list prices, what the free tier pays, what is left."""
    header = f"{'units':>14} {'list':>9} {'free tier':>10} {'to pay':>9}  item"
    lines = [
        f"{line.quantity:>14,.2f} {line.gross:>9.4f} {line.saved:>10.4f} {line.dollars:>9.4f}  "
        f"{line.service}: {line.item}"
        for line in bill.lines
    ]
    saved = bill.gross - bill.dollars
    total = f"{'':>14} {bill.gross:>9.4f} {saved:>10.4f} {bill.dollars:>9.4f}  all together"
    return "\n".join([header, *lines, total])


def in_paths(dollars: Decimal) -> Decimal:
    """Return how many invalidation paths the same money buys."""
    return dollars / PATH_PRICE
