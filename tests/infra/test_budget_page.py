"""The page on the budget names every parameter and series of the policy, with true figures."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from bench.months import Month, simulate
from edgesweep.flush.metrics import Series
from infra.local.aws import ROOT
from tests.infra.test_parameters import PACKAGE

PAGE = (ROOT / "docs" / "budget.md").read_text()
POLICY = (
    "budgetUsd", "freePaths", "others", "guaranteeMinutes", "quietSeconds", "maxWaitSeconds",
    "patienceMinutes", "urgent", "shards",
    "headroom", "refetchUsd", "missUsd",
)  # fmt: skip


def rows() -> Mapping[str, list[str]]:
    """Return the cells of each table row that begins with a name, by that name."""
    found = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    return {name: rest.split(" | ") for name, rest in found}


def test_names() -> None:
    """Each series has its row, and the page names each parameter of the policy."""
    assert list(rows()) == [*Series]
    assert [name for name in POLICY if f"`{name}`" not in PAGE] == []


def test_units() -> None:
    """Units are those that are published."""
    units = {series: rows()[series][0].replace("dollars", "none") for series in Series}

    assert units == {series: series.unit.lower() for series in Series}


@pytest.mark.parametrize(
    ("named", "traffic"),
    [
        ("a weekly deploy", "weekly deploy"),
        ("ten deploys a day", "ten deploys a day"),
        ("a full rebuild every night", "nightly rebuild"),
    ],
)
def test_months(named: str, traffic: str) -> None:
    """Months of quiet traffic are as they are simulated; the busy ones take long, see `bench`."""
    (told,) = re.findall(rf"^\| {named} \| (.*) \|$", PAGE, re.MULTILINE)

    free, small, unlimited = (simulate(traffic, 1, usd) for usd in (Decimal(0), Decimal(5), None))
    assert told.split(" | ") == [
        f"{free.paths}",
        _waits(free),
        f"{small.dollars:.2f}",
        _waits(small),
        f"{unlimited.dollars:.2f}",
        _waits(unlimited),
    ]


def _waits(month: Month) -> str:
    half, worst = (month.quantile(part) / timedelta(minutes=1) for part in (0.5, 1))
    return f"{half:.1f}, {worst:.1f}"


def test_refusal() -> None:
    """The refusal is what a deployment says."""
    assert PACKAGE.check(guaranteeMinutes="5").stderr in PAGE
