"""The version, the changelog and the list of releases agree."""

import re
import tomllib
from pathlib import Path

from click.testing import CliRunner
from packaging.version import Version

from edgesweep.cli import main

_ROOT = Path(__file__).parents[2]
_DECLARED = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["version"]
_LISTED = (_ROOT / "tests/e2e/upgrade/releases.txt").read_text().splitlines()
_SECTIONS = re.findall(r"^## (.+)$", (_ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

VERSION = Version(_DECLARED)
RELEASES = [Version(line.split()[0]) for line in _LISTED]


def test_command() -> None:
    """`edgesweep --version` prints the version of pyproject.toml."""
    assert CliRunner().invoke(main, ["--version"]).output.split()[-1] == _DECLARED


def test_changelog() -> None:
    """Below Unreleased stand the releases, each with its date, the newest first."""
    released = {*RELEASES, *(() if VERSION.is_devrelease else (VERSION,))}
    unreleased, *sections = _SECTIONS
    assert unreleased == "Unreleased"
    assert all(re.fullmatch(r"\S+ - \d{4}-\d\d-\d\d", section) for section in sections)
    assert [Version(one.split()[0]) for one in sections] == sorted(released, reverse=True)


def test_next() -> None:
    """The releases are listed in order, and the version is that of the last or a later one."""
    assert sorted({*RELEASES, VERSION}) == [*RELEASES, *({VERSION} - {*RELEASES})]
