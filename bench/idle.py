"""A month in which nothing changes: what the stack costs, line by line.

    python -m bench.idle

What each service is asked for is in `edgesweep.lab.cost.workload`. The free tiers are those of
every account, however old it is; another user of the account may use them up, so both sums are
shown.
"""

import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal

from edgesweep.lab.cost.bill import Line
from edgesweep.lab.cost.prices import PRICES, REGIONS, Item, unit_price
from edgesweep.lab.cost.workload import STACK, Workload, month_bill

BOUND = Decimal("0.05")
# What CloudWatch charges for being looked at, apart from the work that is done.
WATCHING = (Item.METRICS, Item.ALARMS, Item.DASHBOARDS)


def table(lines: Iterable[Line]) -> Iterator[str]:
    """Yield a line for each item, and the sum of all."""
    shown = tuple(lines)
    for line in shown:
        yield _row(f"{line.service}: {line.item}", line.quantity, line.gross, line.dollars)
    gross = sum((line.gross for line in shown), Decimal(0))
    yield _row("sum", None, gross, sum((line.dollars for line in shown), Decimal(0)))


def main() -> int:
    """Print the bill; return 1 if it is not below its bound in some region."""
    lines = month_bill(Workload()).lines
    print(f"{'':<44} {'units':>9} {'none free':>10} {'to pay':>10}")
    print(*table(line for line in lines if line.item not in WATCHING), sep="\n")
    print("\napart, for watching it")
    print(*table(line for line in lines if line.item in WATCHING), sep="\n")
    series = STACK.metrics * unit_price(Item.METRICS, REGIONS[0])
    print(
        f"custom metrics: none while idle; {STACK.metrics} series, ${series:.2f} for a month in "
        f"which each has a value in every hour, {PRICES[Item.METRICS].free} free"
    )
    polls = next(line for line in lines if line.item is Item.MESSAGES)
    print(
        f"{STACK.pollers} pollers ask the queue all the time: ${polls.gross:.2f} where others use "
        f"up the {PRICES[Item.MESSAGES].free:,} free requests; without a maximum concurrency they "
        "would be two, and a flood of changes could take every function of the account"
    )
    sums = {region: month_bill(Workload(), region).dollars for region in REGIONS}
    told = ", ".join(f"{region} ${dollars:.4f}" for region, dollars in sums.items())
    holds = max(sums.values()) < BOUND
    print(f"an idle month: {told}; below ${BOUND}: {'holds' if holds else 'DOES NOT HOLD'}")
    return 0 if holds else 1


def _row(name: str, units: Decimal | None, gross: Decimal, dollars: Decimal) -> str:
    quantity = "" if units is None else f"{units:,.4f}".rstrip("0").rstrip(".")
    return f"{name:<44} {quantity:>9} {gross:>10.4f} {dollars:>10.4f}"


if __name__ == "__main__":
    sys.exit(main())
