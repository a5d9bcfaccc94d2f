"""The version, the changelog and the list of releases agree."""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.version import Version

from edgesweep import __version__
from edgesweep.cli.commands import main

_ROOT = Path(__file__).parents[2]
_LISTED = (_ROOT / "tests/e2e/upgrade/releases.txt").read_text().splitlines()
_SECTIONS = re.findall(r"^## (.+)$", (_ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

VERSION = Version(__version__)
RELEASES = [Version(line.split()[0]) for line in _LISTED]


def test_command() -> None:
    """`edgesweep --version` prints the version of the package."""
    assert CliRunner().invoke(main, ["--version"]).output.split()[-1] == __version__


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


def test_dependencies() -> None:
    """The command line has by default what it imports, and the functions have what they import."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())

    package, handlers = imported("edgesweep/**/*.py"), imported("handlers/*.py")
    deployed = imported("edgesweep/**/*.py", without=("cli", "lab", "operate"))
    assert package == named(project["project"]["dependencies"])
    assert deployed | handlers == named(project["dependency-groups"]["functions"])


def imported(files: str, without: Iterable[str] = ()) -> set[str]:
    """Return the packages of others that modules import when they run."""
    found = set()
    for path in _ROOT.glob(files):
        if path.parts[len(_ROOT.parts) + 1] not in without:
            found |= set(re.findall(r"^ *(?:from|import) (\w+)", path.read_text(), re.MULTILINE))
    types = {name for name in found if name.startswith("types_")}
    # `botocore` comes with `boto3`, and its errors are caught.
    return found - {*sys.stdlib_module_names} - types - {"botocore", "edgesweep"}


def named(requirements: Iterable[str]) -> set[str]:
    """Return the packages that requirements name."""
    return {Requirement(one).name.replace("-", "_") for one in requirements}
