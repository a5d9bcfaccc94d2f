"""The README's first command does what the README shows."""

import re
import subprocess
import sys
from collections.abc import Sequence

from infra.local.aws import ROOT

# What differs from run to run: ids of invalidations, and seconds.
VARYING = re.compile(r"\bI[A-Z0-9]{13}\b|\d+\.\d s\b")


def test_demo() -> None:
    """The demo finds every change swept, and prints the tables that the README shows."""
    command = [sys.executable, "-m", "infra.local.demo"]
    demo = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert tables((ROOT / "README.md").read_text()) == tables(demo.stdout)
    assert "Checked: a later invalidation matches each of the 1,004 changes," in demo.stdout
    assert "no reader got old bytes after a sweep" in demo.stdout


def tables(text: str) -> Sequence[Sequence[str]]:
    """Return the cells of every row, without what differs from run to run."""
    rows = [line.strip().strip("│") for line in text.splitlines() if line.strip().startswith("│")]
    return [[VARYING.sub("*", cell).strip() for cell in row.split("│")] for row in rows]
