"""What the stack itself costs: while nothing happens, and for a million changes."""

from dataclasses import replace
from decimal import Decimal

from edgesweep.pricing import PATH_PRICE
from edgesweep.pricing.bill import Bill
from edgesweep.pricing.prices import VIRGINIA, Item
from edgesweep.pricing.workload import MINUTES_A_DAY, Workload, month_bill

DAYS = 31
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


def in_paths(dollars: Decimal) -> Decimal:
    """Return how many invalidation paths the same money buys."""
    return dollars / PATH_PRICE
