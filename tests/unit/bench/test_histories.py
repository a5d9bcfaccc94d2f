"""The comparison over histories measures what it says."""

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.histories import PEER, PRICE_LADDER, Spent, claims, costs, main, measure, total
from edgesweep.cli.commands import main as edgesweep
from edgesweep.lab import STRATEGIES


def write(path: Path, *records: object) -> None:
    """Write one JSON object a line."""
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(record) + "\n" for record in records)


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Path:
    """1,600 images, of which two runs of ten change at one deploy, and one image at the next."""
    site = tmp_path / "site"
    deploy = {"commit": "c0ffee", "time": 0, "added": [], "deleted": []}
    write(site / "live.jsonl.gz", *({"path": f"i/{n:04}.png", "size": 1} for n in range(1_600)))
    write(
        site / "deploys.jsonl.gz",
        deploy
        | {"modified": [f"i/{n:04}.png" for n in [*range(1_000, 1_010), *range(1_500, 1_510)]]},
        deploy | {"modified": ["i/0000.png"]},
        deploy | {"modified": []},
    )
    return site


def test_measure(site: Path) -> None:
    """Paths and collateral are those of the deploys; a dear refetch weighs in on its own cover."""
    measured = measure(site)

    assert measured.spent["edgesweep"] == Spent(2, 580, 1)
    assert measured.spent[PEER] == Spent(2, 1_580, 1)
    assert measured.dear == Spent(3, 0, 2)
    assert (measured.name, measured.deploys, measured.worse) == ("site", 3, 0)
    assert measured.matched.paths <= 2
    assert measured.dollars("edgesweep", 10) == Decimal("0.015")


def test_claims(site: Path) -> None:
    """Every claim is printed with its figures; the one on half the cost fails on this site."""
    checked = list(claims([measure(site)]))

    assert [claim.text[:3] for claim in checked] == ["(a)", "(b)", "(c)", "(c)", "(c)"]
    assert [claim.holds for claim in checked] == [True, True, True, True, False]


def test_replayed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first table is what `edgesweep replay` prints; our covers are those at list prices."""
    main([str(site.parent)])
    printed = capsys.readouterr().out

    header, ours, *others = CliRunner().invoke(edgesweep, ["replay", str(site)]).stdout.splitlines()

    assert len(others) == len(STRATEGIES) - 1
    assert printed.splitlines()[0] == header
    assert printed.splitlines()[2 : 2 + len(others)] == others
    assert printed.splitlines()[1].split()[-1] == ours.split()[-1] == "edgesweep"


def test_costs(site: Path) -> None:
    """There is one line for each strategy and site, and for all sites together."""
    measured = measure(site)

    lines = list(costs([measured, total([measured, measured])]))

    assert len(lines) == 1 + 2 * len(STRATEGIES)
    assert [line.split()[:3] for line in lines[1::6]] == [
        ["site", "edgesweep", "2"],
        ["all", "edgesweep", "4"],
    ]


def test_price_ladder() -> None:
    """The path prices that are tried rise from a fraction of a refetch to a dollar."""
    assert sorted(set(PRICE_LADDER)) == PRICE_LADDER
    assert (PRICE_LADDER[0], PRICE_LADDER[-1]) == (Decimal("1e-8"), Decimal(1))


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["nowhere"]])
def test_bad_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Bad use is one line and exit status 2."""
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
