"""The comparison of spellings measures what it says."""

import gzip
import json
from pathlib import Path

import pytest

from bench.histories import Spent
from bench.spellings import ALL, ONE, OWN, main, measure, table, total


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Path:
    """Images and a page, of which a key with a space and one with a colon change, then others."""
    site = tmp_path / "site"
    site.mkdir()
    many = [f"a/{n:04}.png" for n in range(3_000)]
    live = [*many, *(f"b/{n:04}.png" for n in range(10)), "index.html"]
    deploy = {"commit": "c0ffee", "time": 0, "added": [], "deleted": []}
    deploys = (
        deploy | {"added": ["a/0 b.png", "b/0:c.png"], "modified": []},
        deploy | {"modified": ["b/0000.png", "index.html"]},
    )
    for name, records in (
        ("live", ({"path": path, "size": 1} for path in live)),
        ("deploys", deploys),
    ):
        with gzip.open(site / f"{name}.jsonl.gz", "wt", encoding="utf-8") as lines:
            lines.writelines(json.dumps(record) + "\n" for record in records)
    return site


def test_measure(site: Path) -> None:
    """Other keys cost the same; a space is two paths, and a wildcard stops before a colon."""
    measured = measure(site)

    assert (measured.deploys, measured.spelt, measured.differing) == (2, 2, 0)
    assert measured.spent[OWN] == measured.spent[ONE] == Spent(5, 0, 0)
    assert measured.spent[ALL] == Spent(6, 10, 0)


def test_table(site: Path) -> None:
    """There is a line for each rule of each site and of all together."""
    measured = measure(site)

    lines = list(table([measured, total([measured, measured])]))

    assert len(lines) == 1 + 3 + 3
    assert lines[3].split() == ["site", ALL, "6", "10", "0.03", "2", "1", "10"]
    assert lines[-1].split() == ["all", ALL, "12", "20", "0.06", "4", "2", "20"]


def test_compare(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The claim is printed, and holds."""
    assert main([str(site.parent)]) == 0
    assert "0 of 2: holds" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["nowhere"]])
def test_bad_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Bad use is one line and exit status 2."""
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
