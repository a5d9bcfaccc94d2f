"""A command starts at once: what it does not need, it does not import."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

SLOW = {"boto3", "botocore", "pynamodb", "rich"}
# The installed command, which tells at its end which packages it has imported.
TELLING = """
import atexit, sys
from edgesweep.cli import main
atexit.register(lambda: print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr))
main(prog_name="edgesweep")
"""
COMPLETING = {
    "_EDGESWEEP_COMPLETE": "zsh_complete",
    "COMP_WORDS": "edgesweep ",
    "COMP_CWORD": "1",
}


def start(*arguments: str, more: Mapping[str, str] | None = None) -> tuple[str, set[str]]:
    """Return what the command prints, and the packages that it imports."""
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
    """A command that asks nothing of AWS imports none of AWS's libraries."""
    assert not SLOW & start(*arguments)[1]


def test_completion() -> None:
    """A shell that completes gets each command with what it does, as the help lists it."""
    completions, imported = start(more=COMPLETING)
    listed = start("-h")[0].partition("Commands:\n")[2].splitlines()

    described = completions.splitlines()
    shown = zip(described[1::3], described[2::3], strict=True)
    assert [f"  {name:<10}  {text}" for name, text in shown] == listed
    assert not SLOW & imported
