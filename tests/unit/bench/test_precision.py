"""The comparison at a budget of $0 measures what it says."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.precision import ALL, BEST, OURS, PEER, Result, claims, main, measure, table
from edgesweep.lab.history import Deploy, History

START = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = [f"i/{number:04}.png" for number in range(500)]
DEPLOYS = [Deploy(START + timedelta(days=day), KEYS[day::250][:2]) for day in range(40)]


@pytest.fixture(name="results", scope="module")
def _results() -> list[Result]:
    """Two images that are far apart, every day for 40 days."""
    return list(measure(History("images", KEYS, DEPLOYS)))


def test_measure(results: list[Result]) -> None:
    """Two paths a day hit nothing needless, one wildcard hits everything else, all in time."""
    rows = {result.row.strategy: result.row for result in results}

    assert list(rows) == [OURS, BEST, PEER, ALL]
    assert (rows[OURS].paths, rows[OURS].collateral, rows[OURS].missed) == (80, 0, 0)
    assert (rows[ALL].paths, rows[ALL].collateral) == (40, 40 * 498)
    assert {row.deploys for row in rows.values()} == {40}
    assert [result.late for result in results] == [0, 0, 0, 0]


def test_claims(results: list[Result]) -> None:
    """Each claim is judged by its figures; made-up sites are held to the first alone."""
    ours, *others = results
    far = replace(ours.row, months=Counter({"2026-01": 1_001}), collateral=10**6)
    worse = [Result(far, late=1), *others]

    # The peer does as well here: nothing is a sixteenth of nothing.
    assert [holds for _, holds in claims(results, real=True)] == [True, True, True, True]
    assert [holds for _, holds in claims(worse, real=True)] == [False, False, False, False]
    assert len(list(claims(results, real=False))) == 1


def test_table(results: list[Result]) -> None:
    """There is a line for each strategy of each site and of all together."""
    lines = list(table(results))

    assert len(lines) == 1 + 4 + 4
    assert lines[1].split()[:3] == ["images", OURS, "80"]
    assert lines[-1].split() == ["all", ALL, "40", "31", "0", f"{40 * 498:,}", "100.000%"]


@pytest.mark.parametrize("arguments", [["a", "b"], ["nowhere"]])
def test_bad_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Bad use is one line and exit status 2."""
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
