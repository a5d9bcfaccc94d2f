"""The bill of an idle month is printed whole."""

import re

import pytest

from bench.idle import main, table
from notebooks.cost.bill import bill
from notebooks.cost.workload import Workload, used


def test_bill(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of the bill is there, alarms apart, and the sum is below five cents."""
    assert main() == 0

    printed = capsys.readouterr().out
    for line in bill(used(Workload())).lines:
        assert f"{line}" in printed
    assert printed.index("apart, for watching it") < printed.index("CloudWatch: alarms")
    assert "custom metrics: none while idle; 10 series, $3.00" in printed
    assert re.search(r"^an idle month: \$0\.0\d+; .* holds$", printed, re.MULTILINE)


def test_sum() -> None:
    """The sums are those of the bill."""
    month = bill(used(Workload(events=1_000_000, paths=3_000)))

    *_, total = table(month.lines)

    assert total.split() == ["sum", f"{month.gross:.4f}", f"{month.dollars:.4f}"]
