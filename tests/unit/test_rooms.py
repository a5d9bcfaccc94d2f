"""The import contracts can fail: each is broken by a module in the wrong room."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
LINT = Path(sys.executable).parent / "lint-imports"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a copy of the rooms and of their contracts."""
    for room in ("edgesweep", "handlers", "infra"):
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(PROJECT / room, tmp_path / room, ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


def move(house: Path, module: str, room: str) -> None:
    """Move a module, and change whatever imports it."""
    then = f"{room}/{Path(module).name}"
    (house / module).rename(house / then)
    before, after = (path.removesuffix(".py").replace("/", ".") for path in (module, then))
    for source in house.rglob("*.py"):
        source.write_text(source.read_text().replace(before, after))


def broken(house: Path) -> str:
    """Return what the contracts say of a copy; empty if all are kept."""
    done = subprocess.run(
        [LINT, "--no-cache"],
        cwd=house,
        env=os.environ | {"PYTHONPATH": str(house), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout if done.returncode else ""


@pytest.mark.parametrize(
    ("module", "room", "contract"),
    [
        ("edgesweep/aws/s3.py", "edgesweep/record", "decides is pure"),
        ("edgesweep/operate/status.py", "edgesweep/routes", "rooms stand in layers"),
        ("edgesweep/cover/survey.py", "edgesweep", "rooms stand in layers"),
        ("edgesweep/flush/pace.py", "handlers", "entry points alone"),
        ("edgesweep/routes/kept.py", "infra/local/edge", "knows nothing of what it judges"),
    ],
)
def test_wrong_room(house: Path, module: str, room: str, contract: str) -> None:
    """A module that moves into a room where it does not belong breaks a contract."""
    move(house, module, room)

    assert f"{contract} BROKEN" in " ".join(broken(house).split())


def test_right_rooms(house: Path) -> None:
    """The copy keeps every contract while nothing has moved."""
    assert not broken(house)
