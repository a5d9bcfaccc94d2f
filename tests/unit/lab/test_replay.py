"""Histories are read, and strategies replayed over them."""

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from edgesweep.errors import BadInput
from edgesweep.lab import STRATEGIES, Replayed, each_path, reached, replay
from edgesweep.lab.history import Folder, Step
from edgesweep.paths import Pattern

NOVEMBER = int(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC).timestamp())
DECEMBER = NOVEMBER + 1


def deploy(time: int = NOVEMBER, **keys: list[str]) -> dict[str, Any]:
    """Return a deploy as its line says it."""
    nothing: dict[str, list[str]] = {"added": [], "modified": [], "deleted": []}
    return {"commit": "c0ffee", "time": time, **nothing, **keys}


def write(path: Path, records: Sequence[object]) -> None:
    """Write one JSON object a line."""
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(record) + "\n" for record in records)


def history(folder: Path, live: Sequence[str], *lines: object) -> Path:
    """Write a history folder called `site`."""
    site = folder / "site"
    site.mkdir()
    write(site / "live.jsonl.gz", [{"path": key, "size": 1} for key in live])
    write(site / "deploys.jsonl.gz", lines)
    return site


def test_steps(tmp_path: Path) -> None:
    """The live list follows the deploys; what was added, modified or deleted is dirty."""
    site = history(
        tmp_path,
        ["b", "a", "d"],
        deploy(added=["c"], modified=["a"], deleted=["d"]),
        deploy(DECEMBER),
        deploy(DECEMBER, modified=["e"], deleted=["e", "gone"]),
    )

    assert list(Folder(site).steps()) == [
        Step(
            datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC),
            ["/a", "/c", "/d"],
            ["/a", "/b", "/c"],
        ),
        Step(datetime(2026, 12, 1, tzinfo=UTC), [], ["/a", "/b", "/c"]),
        Step(datetime(2026, 12, 1, tzinfo=UTC), ["/e", "/gone"], ["/a", "/b", "/c", "/e"]),
    ]


def test_unknown_size(tmp_path: Path) -> None:
    """An object whose size is not known is live like any other."""
    site = history(tmp_path, [], deploy())
    write(site / "live.jsonl.gz", [{"path": "a", "size": None}])

    (step,) = Folder(site).steps()

    assert step.live == ["/a"]


def test_replay(tmp_path: Path) -> None:
    """Every strategy is counted over the same deploys."""
    site = history(
        tmp_path,
        ["index.html", *(f"i/{n}.png" for n in range(20))],
        deploy(modified=["index.html", "i/3.png"]),
        deploy(DECEMBER, modified=[f"i/{n}.png" for n in range(1, 20)], deleted=["index.html"]),
        deploy(DECEMBER),
    )

    rows = {row.strategy: row for row in replay(Folder(site))}

    assert list(rows) == list(STRATEGIES)
    assert all(row.missed == 0 and row.deploys == 3 for row in rows.values())
    assert {name: (row.paths, row.collateral) for name, row in rows.items()} == {
        "edgesweep": (2, 20),
        "each-path": (22, 0),
        "everything": (2, 20),
        "all-or-nothing": (22, 0),
        "level-collapse": (4, 1),
        "exact-folders": (22, 0),
    }
    assert rows["each-path"] == Replayed(
        "site", "each-path", 3, months=Counter({"2026-11": 2, "2026-12": 20})
    )
    assert rows["level-collapse"].most_wildcards == 1


def test_bill(tmp_path: Path) -> None:
    """Each UTC calendar month has its thousand free paths; every path beyond them is billed."""
    site = history(
        tmp_path,
        [],
        deploy(NOVEMBER, added=[f"{n}" for n in range(1_003)]),
        deploy(DECEMBER, added=[f"{n}" for n in range(600)]),
        deploy(DECEMBER + 30 * 86_400, added=[f"{n}" for n in range(500)]),
    )

    (row,) = replay(Folder(site), {"each-path": each_path})

    assert (row.paths, row.most_paths_in_a_month) == (2_103, 1_100)
    assert row.usd == Decimal("0.515")


def test_missed(tmp_path: Path) -> None:
    """A changed object that no path matches is counted, and so is every object hit needlessly."""
    site = history(tmp_path, ["a/1", "a/2", "b"], deploy(modified=["a/1", "b"], deleted=["c"]))
    sent = (Pattern("/a/", wildcard=True), Pattern("/a/2"), Pattern("/nowhere"))

    (row,) = replay(Folder(site), {"sloppy": lambda _dirty, _live: sent})

    assert (row.paths, row.collateral, row.missed, row.most_wildcards) == (3, 1, 2, 1)


def test_no_deploys(tmp_path: Path) -> None:
    """A history without a deploy costs nothing."""
    (row,) = replay(Folder(history(tmp_path, ["a"])), {"each-path": each_path})

    assert (row.deploys, row.paths, row.most_paths_in_a_month) == (0, 0, 0)
    assert row.usd == Decimal(0)


@pytest.mark.parametrize(
    ("patterns", "matched"),
    [
        ([], 0),
        ([Pattern("/a")], 1),
        ([Pattern("/a", wildcard=True), Pattern("/a/b", wildcard=True), Pattern("/a/b")], 4),
        ([Pattern("/a/b"), Pattern("/a/b"), Pattern("/c")], 2),
        ([Pattern("/"), Pattern("/", wildcard=True)], 6),
        ([Pattern("/\U0010ffff", wildcard=True)], 1),
    ],
)
def test_reached(patterns: list[Pattern], matched: int) -> None:
    """A path that several patterns match is counted once."""
    paths = ["/a", "/a.html", "/a/b", "/a/c", "/c", "/\U0010ffff!"]

    assert matched == sum(any(one.matches(path) for one in patterns) for path in paths)
    assert reached(patterns, paths) == matched


@pytest.mark.parametrize(
    ("file", "line", "says"),
    [
        ("deploys", "{", "Expecting property name"),
        ("deploys", "", "Expecting value"),
        ("deploys", "[" * 100_000, "recursion"),
        ("deploys", "7", "A deploy has a commit, a time in epoch seconds"),
        ("deploys", {"commit": "c0ffee"}, "A deploy has a commit"),
        ("deploys", deploy() | {"commit": 5}, "A deploy has a commit"),
        ("deploys", deploy() | {"time": "noon"}, "A deploy has a commit"),
        ("deploys", deploy() | {"time": True}, "A deploy has a commit"),
        ("deploys", deploy() | {"time": 10**30}, "too large"),
        ("deploys", deploy() | {"time": 2**62}, "too large"),
        ("deploys", deploy() | {"added": "abc"}, "A deploy has a commit"),
        ("deploys", deploy() | {"added": [5]}, "A key is text of at least one character, not 5"),
        ("deploys", deploy() | {"deleted": [""]}, "A key is text"),
        ("deploys", deploy() | {"modified": ["\ud83d"]}, "surrogates not allowed"),
        ("live", {"path": "a"}, "A live object has a path and a size in bytes"),
        ("live", {"path": "a", "size": -1}, "A live object has"),
        ("live", {"path": "a", "size": True}, "A live object has"),
        ("live", {"path": "", "size": 1}, "A key is text"),
    ],
)
def test_bad_line(tmp_path: Path, file: str, line: object, says: str) -> None:
    """A line that cannot be understood is refused by file and number."""
    site = history(tmp_path, ["a"], deploy())
    path = site / f"{file}.jsonl.gz"
    text = gzip.decompress(path.read_bytes()).decode()
    text += (line if isinstance(line, str) else json.dumps(line)) + "\n"
    path.write_bytes(gzip.compress(text.encode(), mtime=0))

    with pytest.raises(BadInput, match=says) as refusal:
        replay(Folder(site))

    assert f"{path}, line 2: " in str(refusal.value)


@pytest.mark.parametrize(
    ("times", "second"),
    [
        ((DECEMBER, NOVEMBER), "2026-11-30 23:59:59"),
        ((NOVEMBER, 253_402_300_799), "9999-12-31 23:59:59"),
    ],
)
def test_times(tmp_path: Path, times: Sequence[int], second: str) -> None:
    """Deploys that go back in time, or are of no month with a bill, are refused."""
    site = history(tmp_path, ["a"], *map(deploy, times))

    with pytest.raises(BadInput) as refusal:
        replay(Folder(site))

    told = f"site: deploy 2 is of {second}+00:00; deploys come oldest first, from 1970 to 9998"
    assert str(refusal.value) == told


def test_before_1970(tmp_path: Path) -> None:
    """So is a deploy from before the epoch."""
    with pytest.raises(BadInput, match="deploy 1 is of 1969-12-31 23:59:59"):
        replay(Folder(history(tmp_path, [], deploy(-1))))


@pytest.mark.parametrize("file", ["deploys", "live"])
def test_missing_file(tmp_path: Path, file: str) -> None:
    """A folder without one of the two files is refused by the file's name."""
    site = history(tmp_path, ["a"], deploy())
    (site / f"{file}.jsonl.gz").unlink()

    with pytest.raises(BadInput, match=rf"{file}\.jsonl\.gz is not there"):
        replay(Folder(site))


def test_missing_folder(tmp_path: Path) -> None:
    """A folder that does not exist is refused by its name."""
    with pytest.raises(BadInput, match="nowhere"):
        replay(Folder(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "content",
    [
        b"plain text",
        gzip.compress(b'{"path": "a", "size": 1}\n' * 99, mtime=0)[:-12],
        gzip.compress(b"\xff\xfe\n", mtime=0),
    ],
)
def test_unreadable(tmp_path: Path, content: bytes) -> None:
    """A file that is not a gzip, cut short or not UTF-8 is refused by its name."""
    site = history(tmp_path, ["a"], deploy())
    (site / "live.jsonl.gz").write_bytes(content)

    with pytest.raises(BadInput, match=r"live\.jsonl\.gz cannot be read after line \d+"):
        replay(Folder(site))
