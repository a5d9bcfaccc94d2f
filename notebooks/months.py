"""What the cost notebook asks about months of sites, where the answer takes more than a line."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from edgesweep.cover import Limits, climb, find_candidates
from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from edgesweep.lab import BASELINES, Replayed, replay
from edgesweep.lab.generators import START
from edgesweep.lab.history import Deploy, History, HistorySource
from edgesweep.lab.paced import sweep
from edgesweep.prices import PATH_PRICE, REFETCH_COST, S3_GET_PRICE
from notebooks.cost.bill import Bill, Line

MINUTE = timedelta(minutes=1)
DAYS = 31

# Dollars for a path, and what the covers come to that are the cheapest ones at this price.
Point = tuple[Decimal, int, int]


def of(strategy: str, rows: Iterable[Replayed]) -> Mapping[str, Replayed]:
    """Return what a strategy did on each site."""
    return {row.history: row for row in rows if row.strategy == strategy}


def at_no_cost(site: HistorySource) -> Sequence[Replayed]:
    """Replay all strategies over a site: Edgesweep, held to the free paths, comes first."""
    return [sweep(site, Policy(Budget())).row, *replay(site, BASELINES)]


def frontier(site: HistorySource, prices: Sequence[Decimal]) -> Sequence[Point]:
    """Return how paths trade for collateral on a site, one point for each path price.

    The price is the same at every deploy: of all ways to spend that many paths, none hits less.
    """
    paths, collateral = [0] * len(prices), [0] * len(prices)
    for step in site.steps():
        candidates = find_candidates(step.dirty, step.live)
        for rung, cover in enumerate(climb(candidates, prices, REFETCH_COST, Limits())):
            paths[rung] += len(cover.members)
            collateral[rung] += cover.collateral
    return list(zip(prices, paths, collateral, strict=True))


def added(busy: Bill, idle: Bill) -> Bill:
    """Return what a busy month costs more than an idle one."""
    before = {line.item: line for line in idle.lines}
    nothing = Decimal(0)
    lines = []
    for line in busy.lines:
        old = before.get(line.item, Line(line.item, nothing, nothing, nothing))
        more = line.quantity - old.quantity, line.gross - old.gross, line.dollars - old.dollars
        lines += [Line(line.item, *more)] if any(more) else []
    return Bill(lines, busy.gross - idle.gross, busy.dollars - idle.dollars)


def everything_from(objects: int, caches: int) -> int:
    """Return from how many changed objects on `/*` costs no more than one path for each.

    With n of them changed `/*` costs p + r * (objects - n), and single paths p * n, where p is the
    price of a path and r that of fetching an object again: n = (p + r * objects) / (p + r).

    Args:
        objects: of the whole site, at least 1.
        caches: how many fetch each object again.
    """
    refetch = S3_GET_PRICE * caches
    least = (PATH_PRICE + refetch * objects) / (PATH_PRICE + refetch)
    return int(least.to_integral_value(rounding="ROUND_CEILING"))


def restless() -> History:
    """Return a site of which an eighth changes every minute, scattered over all of its folders."""
    pages = [f"{folder}/{number}.html" for folder in "abcdefgh" for number in range(8)]
    deploys = [
        Deploy(START + minute * MINUTE + MINUTE / 2, pages[minute % 8 :: 8])
        for minute in range(DAYS * 1_440)
    ]
    return History("restless", pages, deploys)
