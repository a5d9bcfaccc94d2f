"""The pace prices paths by what is left of a month and by what was taken so far."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import exp, log2

import pytest

from edgesweep.cover import find_candidates
from edgesweep.flush.pace import LADDER, MEMORY_DAYS, NOTHING_SEEN, STEP, Demand, demanded
from edgesweep.prices import PATH_PRICE, REFETCH_COST

NOW = datetime(2026, 11, 10, tzinfo=UTC)
DAY = timedelta(days=1)
# Halved from each price of the ladder to the next.
HALVING = tuple(2**rung for rung in reversed(range(len(LADDER))))


def test_ladder() -> None:
    """Prices rise by even steps to the list price, which is the last."""
    assert LADDER[-1] == PATH_PRICE
    assert {high / low for low, high in pairwise(LADDER)} == {STEP}
    assert REFETCH_COST / LADDER[0] > 12


def test_nothing_seen() -> None:
    """Before the first flush a path is nearly free, unless none is left."""
    assert NOTHING_SEEN.price(1, 20 * DAY, NOW) == LADDER[0]
    assert NOTHING_SEEN.price(0, 20 * DAY, NOW) == PATH_PRICE
    assert NOTHING_SEEN.price(-5, 20 * DAY, NOW) == PATH_PRICE


@pytest.mark.parametrize(("left", "rung"), [(256, 0), (128, 1), (16, 4), (1, 8)])
def test_rungs(left: int, rung: int) -> None:
    """The price is the lowest at which the rest of the month takes what is left."""
    demand = NOTHING_SEEN.after(HALVING, NOW)

    assert demand.price(left, DAY, NOW) == LADDER[rung]


def test_between() -> None:
    """Between two prices demand falls evenly: half a step of price for half a step of demand."""
    demand = NOTHING_SEEN.after(tuple(64 * paths for paths in HALVING), NOW)

    between = demand.price(round(32 * 64 / 2**0.5), DAY, NOW)

    assert float(between / LADDER[3]) == pytest.approx(STEP**0.5, rel=0.01)


def test_out_of_reach() -> None:
    """Where no price makes the paths last, a path is worth what it costs and no more."""
    demand = NOTHING_SEEN.after((9,) * len(LADDER), NOW)

    assert demand.price(8, DAY, NOW) == PATH_PRICE
    assert demand.price(9, DAY, NOW) == LADDER[0]


def test_rate() -> None:
    """Demand is reckoned by the days in which it was seen; a shorter past counts for one day."""
    first = NOTHING_SEEN.after(HALVING, NOW)
    sixth = first
    for day in range(2, 12, 2):
        sixth = sixth.after(HALVING, NOW + day * DAY)
    flushes = sum(exp(-day / MEMORY_DAYS) for day in range(0, 12, 2))
    days = MEMORY_DAYS * (1 - exp(-10 / MEMORY_DAYS))

    at_once = first.price(16, DAY, NOW + DAY / 24)
    later = sixth.price(16, 2 * DAY, NOW + 10 * DAY)

    assert float(at_once / LADDER[4]) == pytest.approx(1, rel=0.01)
    # Demand halves where the price is a step higher.
    assert float(later / LADDER[4]) == pytest.approx(STEP ** log2(2 * flushes / days), rel=0.01)


def test_end_of_month() -> None:
    """What is left at the end of a month is for nothing, so a path is nearly free."""
    demand = NOTHING_SEEN.after(HALVING, NOW)

    prices = [demand.price(10, timedelta(hours=hours), NOW) for hours in (480, 48, 12, 0.5, 0)]

    assert prices == sorted(prices, reverse=True)
    assert prices[-2:] == [LADDER[0]] * 2


def test_frequent() -> None:
    """The more often a site changes, the dearer a path is; what is long ago counts less."""
    weekly, daily = NOTHING_SEEN, NOTHING_SEEN
    for day in range(60):
        daily = daily.after(HALVING, NOW + day * DAY)
        if day % 7 == 0:
            weekly = weekly.after(HALVING, NOW + day * DAY)
    end = NOW + 60 * DAY

    assert daily.price(500, 15 * DAY, end) > weekly.price(500, 15 * DAY, end)
    assert daily.price(500, 15 * DAY, end) > daily.price(500, 15 * DAY, end + 60 * DAY)


def test_memory() -> None:
    """One flush a day is one flush a day, however long that has been going on."""
    demand = NOTHING_SEEN
    for day in range(400):
        demand = demand.after(HALVING, NOW + day * DAY)

    assert demand.days == pytest.approx(MEMORY_DAYS, rel=0.01)
    assert demand.paths[-1] / (demand.days + 1) == pytest.approx(1, rel=0.02)


def test_skewed_clock() -> None:
    """A clock that is behind the last one takes nothing back."""
    demand = NOTHING_SEEN.after(HALVING, NOW)

    late = demand.after(HALVING, NOW - timedelta(seconds=10))

    assert late == Demand(NOW - timedelta(seconds=10), 0.0, tuple(2.0 * paths for paths in HALVING))


def test_demanded() -> None:
    """Demand at each price is what the cover takes at it: fewer paths where they are dearer."""
    live = [f"/i/{number:04}.png" for number in range(1_500)]
    candidates = find_candidates([*live[:3], *live[1_000:1_003], "/index.html"], live)

    paths = demanded(candidates, REFETCH_COST, 13)

    assert paths == (7, 7, 7, 7, 3, 3, 3, 3, 1)
    assert demanded(candidates, Decimal(0), 13) == (1,) * len(LADDER)
