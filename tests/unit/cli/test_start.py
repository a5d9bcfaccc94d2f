"""A command starts at once: what it does not need, it does not import."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from edgesweep import cli

CLI = Path(cli.__file__).parent
SLOW = {"boto3", "botocore", "edgesweep.settings", "pynamodb", "rich"}
# The installed command, which prints at its end the modules that it has imported.
TELLING = """
import atexit, sys
from edgesweep.cli.commands import main
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
main()
"""
COMPLETING = {
    "_EDGESWEEP_COMPLETE": "zsh_complete",
    "COMP_WORDS": "edgesweep ",
    "COMP_CWORD": "1",
}


def start(*arguments: str, more: Mapping[str, str] | None = None) -> tuple[str, set[str]]:
    """Return what the command prints, and the modules that it imports."""
    ended = subprocess.run(
        [sys.executable, "-c", TELLING, *arguments],
        env={**os.environ, **(more or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout, set(ended.stderr.split())


@pytest.mark.parametrize("arguments", [("--version",), ("-h",), ("plan", "-h"), ("plan", "-")])
def test_light(arguments: tuple[str, ...]) -> None:
    """A command that asks nothing of AWS imports none of AWS's libraries, nor the settings."""
    assert not SLOW & start(*arguments)[1]


@pytest.mark.parametrize("package", ["aws_lambda_powertools", "matplotlib", "moto"])
def test_not_needed(package: str) -> None:
    """Commands do without what only the functions, the notebook or the tests need."""
    modules = [f"edgesweep.cli.{path.stem}" for path in CLI.glob("*.py") if path.stem != "__init__"]
    without = f"import sys; sys.modules[{package!r}] = None; import {', '.join(modules)}"

    ended = subprocess.run(
        [sys.executable, "-c", without], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_completion() -> None:
    """A shell that completes gets each command with what it does, as the help lists it."""
    completions, imported = start(more=COMPLETING)
    listed = start("-h")[0].partition("Commands:\n")[2].splitlines()

    described = completions.splitlines()
    shown = zip(described[1::3], described[2::3], strict=True)
    assert [f"  {name:<10}  {text}" for name, text in shown] == listed
    assert not SLOW & imported
