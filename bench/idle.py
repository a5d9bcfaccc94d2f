"""A month in which nothing changes: what the stack costs, line by line.

    python -m bench.idle

`notebooks.cost.workload` has the requests to each service. The free tiers never expire; another
user of the account may use them up, so both sums are shown.
"""

import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal

from notebooks.cost.bill import Line, bill
from notebooks.cost.prices import Item
from notebooks.cost.workload import METRICS, POLLERS, Workload, used

BOUND = Decimal("0.05")
# CloudWatch's charges for watching the stack, apart from its work.
WATCHING = (Item.METRICS, Item.ALARMS, Item.DASHBOARDS)


def table(lines: Iterable[Line]) -> Iterator[str]:
    """Yield a line for each item, and the sum of all."""
    shown = tuple(lines)
    for line in shown:
        yield _row(f"{line}", line.quantity, line.gross, line.dollars)
    gross = sum((line.gross for line in shown), Decimal(0))
    yield _row("sum", None, gross, sum((line.dollars for line in shown), Decimal(0)))


def main() -> int:
    """Print the bill; return 1 if it is not below its bound."""
    month = bill(used(Workload()))
    lines = month.lines
    print(f"{'':<44} {'units':>9} {'none free':>10} {'to pay':>10}")
    print(*table(line for line in lines if line.item not in WATCHING), sep="\n")
    print("\napart, for watching it")
    print(*table(line for line in lines if line.item in WATCHING), sep="\n")
    series = METRICS * Item.METRICS.usd
    print(
        f"custom metrics: none while idle; {METRICS} series, ${series:.2f} for a month in "
        f"which each has a value in every hour, {Item.METRICS.free} free"
    )
    polls = next(line for line in lines if line.item is Item.MESSAGES)
    print(
        f"{POLLERS} pollers ask the queue all the time: ${polls.gross:.2f} where others use "
        f"up the {Item.MESSAGES.free:,} free requests; without a maximum concurrency they "
        "would be two, and a flood of changes could take every function of the account"
    )
    holds = month.dollars < BOUND
    told = "holds" if holds else "DOES NOT HOLD"
    print(f"an idle month: ${month.dollars:.4f}; below ${BOUND}: {told}")
    return 0 if holds else 1


def _row(name: str, units: Decimal | None, gross: Decimal, dollars: Decimal) -> str:
    quantity = "" if units is None else f"{units:,.4f}".rstrip("0").rstrip(".")
    return f"{name:<44} {quantity:>9} {gross:>10.4f} {dollars:>10.4f}"


if __name__ == "__main__":
    sys.exit(main())
