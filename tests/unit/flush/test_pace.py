"""The pace prices paths by what is left of a month and by what was taken so far."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import exp, log2

import pytest

from edgesweep.flush.pace import (
    LADDER,
    MEMORY_DAYS,
    NO_PATHS,
    NOTHING_SEEN,
    STEP,
    Demand,
    Purse,
    Terms,
)
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
    assert NOTHING_SEEN.price(NO_PATHS, 1, 20 * DAY, NOW) == LADDER[0]
    assert NOTHING_SEEN.price(NO_PATHS, 0, 20 * DAY, NOW) == PATH_PRICE
    assert NOTHING_SEEN.price(NO_PATHS, -5, 20 * DAY, NOW) == PATH_PRICE


@pytest.mark.parametrize(("left", "rung"), [(256, 0), (128, 1), (16, 4), (1, 8)])
def test_rungs(left: int, rung: int) -> None:
    """The price is the lowest at which the rest of the month takes what is left."""
    demand = NOTHING_SEEN.after(HALVING, NOW)

    assert demand.price(NO_PATHS, left, DAY, NOW) == LADDER[rung]


def test_between() -> None:
    """Between two prices demand falls evenly: half a step of price for half a step of demand."""
    demand = NOTHING_SEEN.after(tuple(64 * paths for paths in HALVING), NOW)

    between = demand.price(NO_PATHS, round(32 * 64 / 2**0.5), DAY, NOW)

    assert float(between / LADDER[3]) == pytest.approx(STEP**0.5, rel=0.01)


def test_out_of_reach() -> None:
    """Where no price makes the paths last, a path is worth what it costs and no more."""
    demand = NOTHING_SEEN.after((9,) * len(LADDER), NOW)

    assert demand.price(NO_PATHS, 8, DAY, NOW) == PATH_PRICE
    assert demand.price(NO_PATHS, 9, DAY, NOW) == LADDER[0]


def test_rate() -> None:
    """Demand is reckoned by the days in which it was seen; a shorter past counts for one day."""
    first = NOTHING_SEEN.after(HALVING, NOW)
    sixth = first
    for day in range(2, 12, 2):
        sixth = sixth.after(HALVING, NOW + day * DAY)
    flushes = sum(exp(-day / MEMORY_DAYS) for day in range(0, 12, 2))
    days = MEMORY_DAYS * (1 - exp(-10 / MEMORY_DAYS))

    at_once = first.price(NO_PATHS, 16, DAY, NOW + DAY / 24)
    later = sixth.price(NO_PATHS, 16, 2 * DAY, NOW + 10 * DAY)

    assert float(at_once / LADDER[4]) == pytest.approx(1, rel=0.01)
    # Demand halves where the price is a step higher.
    assert float(later / LADDER[4]) == pytest.approx(STEP ** log2(2 * flushes / days), rel=0.01)


def test_end_of_month() -> None:
    """What is left at the end of a month is for nothing, so a path is nearly free."""
    demand = NOTHING_SEEN.after(HALVING, NOW)

    prices = [
        demand.price(NO_PATHS, 10, timedelta(hours=hours), NOW) for hours in (480, 48, 12, 0.5, 0)
    ]

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

    assert daily.price(NO_PATHS, 500, 15 * DAY, end) > weekly.price(NO_PATHS, 500, 15 * DAY, end)
    assert daily.price(NO_PATHS, 500, 15 * DAY, end) > daily.price(
        NO_PATHS, 500, 15 * DAY, end + 60 * DAY
    )


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

    twice = tuple(2.0 * paths for paths in HALVING)
    assert late == Demand(NOW - timedelta(seconds=10), 0.0, 2.0, twice)


def test_own() -> None:
    """The flush itself takes part: it pays the more for a path, the more of them it wants."""
    demand = NOTHING_SEEN.after(HALVING, NOW)

    prices = [
        demand.price([times * paths for paths in HALVING], 64, DAY, NOW) for times in range(4)
    ]

    assert prices[0] == LADDER[2]
    assert prices[1] == LADDER[3]
    assert prices == sorted(prices)
    assert demand.price([65] * len(LADDER), 64, DAY, NOW) == PATH_PRICE


def test_chance() -> None:
    """The next flush is the likelier to come in time, the more often flushes came."""
    daily = NOTHING_SEEN
    for day in range(100):
        daily = daily.after(HALVING, NOW + day * DAY)
    end = NOW + 99 * DAY

    assert daily.chance(DAY, 1, end) == pytest.approx(1 - exp(-1), abs=0.02)
    assert daily.chance(DAY, 4, end) == pytest.approx(1 - exp(-1 / 4), abs=0.01)
    assert daily.chance(DAY, 1, end + 30 * DAY) < daily.chance(DAY, 1, end)
    assert daily.chance(-DAY, 1, end) == NOTHING_SEEN.chance(DAY, 1, NOW) == 0


def test_bought() -> None:
    """Paths beyond the free ones are counted for one month."""
    november = NOTHING_SEEN.after(HALVING, NOW, 3).after(HALVING, NOW + DAY, 4)
    december = november.after(HALVING, NOW + 30 * DAY, 5)

    assert (november.bought_in("2026-11"), november.bought_in("2026-12")) == (7, 0)
    assert (december.bought_in("2026-11"), december.bought_in("2026-12")) == (0, 5)
    assert NOTHING_SEEN.bought_in("2026-11") == 0


@pytest.mark.parametrize(
    ("wants", "free", "paid", "terms"),
    [
        (1, 100, 0, Terms(LADDER[0], 50, 50)),
        (50, 100, 9, Terms(LADDER[0], 50, 50)),
        (51, 100, 9, Terms(PATH_PRICE, 59, 50)),
        (51, 100, 0, Terms(PATH_PRICE, 50, 50)),
        (1, 1, 9, Terms(LADDER[0], 1, 1)),
        (1, 0, 9, Terms(PATH_PRICE, 9, 0)),
        (1, -5, 9, Terms(PATH_PRICE, 9, 0)),
    ],
)
def test_terms(wants: int, free: int, paid: int, terms: Terms) -> None:
    """A flush takes half of the free paths at most, and buys others at the list price alone."""
    purse = Purse(NOTHING_SEEN, 2 * free, free, paid, DAY, NOW)

    assert purse.terms([wants] * len(LADDER)) == terms


@pytest.mark.parametrize(
    ("demand", "remaining", "free"),
    [
        (NOTHING_SEEN, 17 * DAY / 24, 49),
        (NOTHING_SEEN, 16 * DAY / 24, 99),
        (Demand(NOW, 30.0, 2.0), 7 * DAY, 49),
        (Demand(NOW, 30.0, 2.0), 6 * DAY, 99),
    ],
)
def test_last_flush(demand: Demand, remaining: timedelta, free: int) -> None:
    """A flush takes all free paths where the month is likely to end before the next one."""
    purse = Purse(demand, 99, 99, 0, remaining, NOW)

    assert purse.terms([100] * len(LADDER)) == Terms(PATH_PRICE, free, free)
