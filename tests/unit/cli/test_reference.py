"""The reference of the command, and what shells complete."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgesweep.cli.commands import main
from infra.local.reference import reference

ROOT = Path(__file__).parents[3]
EDGESWEEP = Path(sys.executable).with_name("edgesweep")


def test_current() -> None:
    """The reference in the repository is the one that the code generates: `make docs` renews it."""
    assert (ROOT / "docs" / "cli.md").read_text() == reference()


def test_complete() -> None:
    """Every command has its section, with its help as a terminal shows it."""
    text = reference()

    for name in main.commands:
        assert f"## edgesweep {name}\n" in text
        shown = CliRunner(env={"COLUMNS": "82"}).invoke(main, [name, "-h"], prog_name="edgesweep")
        assert shown.output in text


def test_linked() -> None:
    """Who reads the README finds it."""
    assert "(docs/cli.md)" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script(shell: str) -> None:
    """Each shell gets a script that asks the command for completions."""
    result = CliRunner().invoke(main, ["completion", shell])

    assert result.exit_code == 0
    assert f"_EDGESWEEP_COMPLETE={shell}_complete" in result.stdout


def test_other_shell() -> None:
    """A shell that is not known is named."""
    result = CliRunner().invoke(main, ["completion", "csh"])

    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "'csh' is not one of 'bash', 'zsh', 'fish'" in line


def test_completion() -> None:
    """What such a script asks for is answered: commands, and their options."""
    asked = {
        "_EDGESWEEP_COMPLETE": "bash_complete",
        "COMP_WORDS": "edgesweep flu",
        "COMP_CWORD": "1",
    }
    told = subprocess.run(
        [EDGESWEEP], env=os.environ | asked, check=False, capture_output=True, text=True
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.split() == ["plain,flush", "plain,flushes"]
