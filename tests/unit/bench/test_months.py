"""Months of every traffic stay within their budget and within their guarantee."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bench.months import DAYS, TRAFFIC, simulate, table
from edgesweep.flush.policy import TICKS_APART, Policy

# A month of these is many thousand changes: some days are enough to spend all but the reserve.
BUSY = {"edits every 2 minutes": 4, "continuous stream": 4}


@pytest.mark.parametrize("distributions", [1, 3])
@pytest.mark.parametrize("traffic", TRAFFIC)
def test_nothing(traffic: str, distributions: int) -> None:
    """At $0 a month costs nothing, and no change waits for longer than the interval guarantees."""
    month = simulate(traffic, distributions, Decimal(0), BUSY.get(traffic, DAYS))

    assert month.dollars == 0
    assert month.fullest <= 1_000
    assert month.quantile(1) <= timedelta(minutes=89.28) * distributions + timedelta(minutes=2)
    assert month.guaranteed == timedelta(minutes=89.28) * distributions + timedelta(minutes=2)


@pytest.mark.parametrize("usd", [Decimal(5), Decimal(50), None])
@pytest.mark.parametrize("traffic", TRAFFIC)
def test_budgets(traffic: str, usd: Decimal | None) -> None:
    """At every budget the ledger is within the allowance, and the edge within the guarantee."""
    month = simulate(traffic, 3, usd, BUSY.get(traffic, DAYS) // 2)

    assert month.allowance == (None if usd is None else 1_000 + 200 * usd)
    assert month.affordable
    assert month.fresh
    assert usd is None or month.dollars <= usd


def test_busy() -> None:
    """The busy days are so busy that the $0 budget holds flushes; no budget is patient at most."""
    held, free = (simulate("edits every 2 minutes", 1, usd, 4) for usd in (Decimal(0), None))

    assert held.quantile(0.99) > timedelta(hours=1)
    assert free.quantile(1) <= Policy().patience + TICKS_APART
    assert held.flushes < free.flushes


def test_claims() -> None:
    """A month that is dearer or staler than it may be is reported."""
    month = simulate("weekly deploy", 1, Decimal(0), 7)

    assert month.affordable
    assert month.fresh
    assert not replace(month, fullest=1_001).affordable
    assert not replace(month, staleness=Counter({91.3 * 60: 1})).fresh


def test_quantiles() -> None:
    """Quantiles count changes, not flushes."""
    month = replace(
        simulate("weekly deploy", 1, None, 7), staleness=Counter({30.0: 98, 60.0: 1, 300.0: 1})
    )

    assert [month.quantile(part).total_seconds() for part in (0.5, 0.99, 1)] == [30, 60, 300]
    assert list(table([month]))[1].split()[-4:] == ["0.5", "1.0", "5.0", "7.0"]
