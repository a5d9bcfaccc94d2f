"""What `edgesweep replay` prints and refuses."""

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner, Result

from edgesweep.cli.commands import main
from edgesweep.lab import STRATEGIES, Replayed
from edgesweep.lab.history import sample

EDGESWEEP = Path(sys.executable).with_name("edgesweep")
NOVEMBER = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp())

LIVE = ["blog/1.html", "blog/2.html", "blog/3.html", "index.html", "robots.txt"]
DEPLOYS: list[dict[str, object]] = [
    {
        "commit": "c0ffee",
        "time": NOVEMBER,
        "added": ["blog/4.html"],
        "modified": ["index.html"],
        "deleted": [],
    },
    {
        "commit": "decade",
        "time": NOVEMBER + 60,
        "added": [],
        "modified": ["robots.txt"],
        "deleted": ["blog/1.html"],
    },
]

Write = Callable[[str, int], str]


def compressed(*records: object) -> bytes:
    """Return records as a history keeps them."""
    return gzip.compress("".join(f"{json.dumps(record)}\n" for record in records).encode(), mtime=0)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return what writes a history of some deploys under a name and returns its folder."""

    def write(name: str, count: int) -> str:
        folder = tmp_path / name
        folder.mkdir()
        live = compressed(*({"path": key, "size": 1} for key in LIVE))
        (folder / "live.jsonl.gz").write_bytes(live)
        deploys = sorted((DEPLOYS * count)[:count], key=lambda one: str(one["time"]))
        (folder / "deploys.jsonl.gz").write_bytes(compressed(*deploys))
        return str(folder)

    return write


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let commands started meanwhile be interrupted, even if whoever runs the tests cannot be."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def replay(*arguments: str, env: dict[str, str] | None = None) -> Result:
    """Run the command."""
    result = CliRunner(env=env).invoke(main, ["replay", *arguments])
    assert isinstance(result.exception, SystemExit | None)
    return result


def replayed(*arguments: str) -> Any:  # noqa: ANN401  # parsed JSON
    """Return what the command prints as JSON."""
    result = replay(*arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def refused(*arguments: str) -> str:
    """Return the one line that a mistake gets."""
    result = replay(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("edgesweep: ")
    return line.removeprefix("edgesweep: ")


def test_json(write: Write) -> None:
    """The JSON has these keys, and counts of whole numbers."""
    assert replayed(write("site", 2), "--strategy", "everything") == [
        {
            "history": "site",
            "strategy": "everything",
            "deploys": 2,
            "paths": 2,
            "collateral": 8,
            "usd": 0.0,
            "most_paths_in_a_month": 2,
            "missed": 0,
        }
    ]


def test_every_strategy(write: Write) -> None:
    """Unless one is named all strategies are replayed, ours first, and none misses a change."""
    rows = replayed(write("site", 2))

    assert [row["strategy"] for row in rows] == list(STRATEGIES)
    assert rows[0]["strategy"] == "edgesweep"
    assert {row["missed"] for row in rows} == {0}


def test_table(write: Write) -> None:
    """The table has a line for each history and strategy, in columns."""
    result = replay(write("site", 2), "--strategy", "everything", "--strategy", "each-path")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "deploys  paths  collateral  dollars  busiest month  missed  history / strategy",
        "      2      2           8     0.00              2       0  site / everything",
        "      2      4           0     0.00              4       0  site / each-path",
    ]


@pytest.mark.parametrize("budget", [[], ["--budget", "0"], ["--budget", "none"]])
def test_reupload_all(write: Write, budget: list[str]) -> None:
    """Ours is shown with its catalogue and without, beside others that have none."""
    chosen = ["--strategy", "each-path", "--strategy", "edgesweep"]
    arguments = [write("site", 2), "--reupload-all", *budget, *chosen]

    rows = replayed(*arguments)
    header, *lines = replay(*arguments).stdout.splitlines()

    assert [(row["strategy"], row["heads"]) for row in rows] == [
        ("each-path", 0),
        ("edgesweep", 11),
        ("edgesweep-no-catalogue", 0),
    ]
    assert rows[0]["paths"] == 12
    assert header.endswith("missed  heads  for heads  history / strategy")
    assert lines[1].endswith("     11     0.0000  site / edgesweep")


def test_order(write: Write) -> None:
    """Rows come in the order of the histories, whichever is ready first."""
    folders = [write(name, count) for name, count in (("long", 900), ("short", 1), ("middle", 9))]

    rows = replayed(*folders, folders[1], "--strategy", "each-path", "--strategy", "edgesweep")

    assert [(row["history"], row["strategy"], row["deploys"]) for row in rows] == [
        ("long", "each-path", 900),
        ("long", "edgesweep", 900),
        ("short", "each-path", 1),
        ("short", "edgesweep", 1),
        ("middle", "each-path", 9),
        ("middle", "edgesweep", 9),
        ("short", "each-path", 1),
        ("short", "edgesweep", 1),
    ]


def test_sampled(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command says at once how much of a long history it replays, alone or beside others."""
    monkeypatch.setattr("edgesweep.cli.replay.sample", partial(sample, most=3))
    later = {**DEPLOYS[0], "time": NOVEMBER + 40 * 86_400}
    monkeypatch.setitem(globals(), "DEPLOYS", [*DEPLOYS, later])
    long, short = write("long", 3), write("short", 1)
    strategy = ("--strategy", "each-path")

    for histories in ([long], [long, short]):
        sampled = replay(*histories, *strategy)
        assert sampled.stderr == "edgesweep: Replaying long (1 of 2 months); --whole replays all\n"
        assert "long (1 of 2 months) / each-path" in sampled.stdout
        assert {row["history"] for row in replayed(*histories, *strategy, "--whole")} <= {
            "long",
            "short",
        }


def test_no_deploys(write: Write) -> None:
    """A history without a deploy costs nothing."""
    (row,) = replayed(write("site", 0), "--strategy", "edgesweep")

    assert (row["deploys"], row["paths"], row["usd"]) == (0, 0, 0.0)


def test_missing(write: Write, tmp_path: Path) -> None:
    """A history that is not there is named, also beside others."""
    histories = (
        [f"{tmp_path}/nowhere"],
        [write("site", 2), f"{tmp_path}/nowhere", write("other", 2)],
    )

    for line in (refused(*given) for given in histories):
        assert line.startswith(f"{tmp_path}/nowhere/")
        assert line.endswith(".jsonl.gz is not there")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no gzip", "cannot be read after line 0: Not a gzipped file (b'no')"),
        (compressed(DEPLOYS[0])[:-20], "cannot be read after line 0: Compressed file ended"),
        (gzip.compress(b"{}\n", mtime=0), "line 1: A deploy has a commit"),
        (gzip.compress(b"{\n", mtime=0), "line 1: Expecting property name"),
        (compressed(DEPLOYS[0], None), "line 2: A deploy has a commit"),
        (
            gzip.compress(b"\xff\n", mtime=0),
            "cannot be read after line 0: 'utf-8' codec can't decode",
        ),
    ],
)
def test_corrupt(write: Write, content: bytes, told: str) -> None:
    """The error for a history that cannot be read has the file and the place."""
    folder = write("site", 2)
    Path(folder, "deploys.jsonl.gz").write_bytes(content)

    line = refused(folder)

    assert line.startswith(f"{folder}/deploys.jsonl.gz")
    assert told in line


def test_no_folder(write: Write) -> None:
    """A file is not a history."""
    assert "Not a directory" in refused(write("site", 1) + "/live.jsonl.gz")


def test_no_history() -> None:
    """At least one history is needed."""
    assert refused() == "Nothing to replay: give HISTORIES, --git, --logs or --generate"


def test_unknown_strategy(write: Write) -> None:
    """The error for a strategy that does not exist lists those that do."""
    line = refused(write("site", 1), "--strategy", "hope")

    assert line.startswith("Invalid value for '--strategy': 'hope' is not one of 'edgesweep', ")
    assert all(f"'{name}'" in line for name in STRATEGIES)


def test_budget(write: Write) -> None:
    """The error for a wrong budget says what a budget may be."""
    told = "Invalid value for '--budget': 'nope' is not none or a number of dollars from 0 to "

    assert refused(write("site", 1), "--budget", "nope").startswith(told)


def test_alone(write: Write) -> None:
    """A single history is replayed in this process, and shows how far it is."""
    shown = replay(write("one", 2), env={"FORCE_COLOR": "1"})

    assert "1/1" in shown.stderr


def test_progress(write: Write) -> None:
    """A person sees on standard error how many histories are done; a file gets nothing of it."""
    folders = [write("one", 2), write("two", 2)]

    shown = replay(*folders, env={"FORCE_COLOR": "1"})
    silent = replay(*folders)

    assert "Replaying" in shown.stderr
    assert "2/2" in shown.stderr
    assert shown.stdout == silent.stdout
    assert silent.stderr == ""


def killed(*_asked: object) -> NoReturn:
    """End the process that replays, as the kernel does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_killed(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a process is killed, one line says so."""
    monkeypatch.setattr(Replayed, "begin", killed)

    result = replay(write("site", 2), write("other", 2))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "edgesweep: A process that replayed a history was killed; is there enough memory?\n"
    )


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("everyone", [True, False])
def test_interrupt(write: Write, everyone: bool) -> None:  # noqa: FBT001  # a parameter
    """Who interrupts the command, alone or with all its processes, gets one line and no rest."""
    folders = [write("one", 1), write("two", 1)]
    queues = [Path(folder, "deploys.jsonl.gz") for folder in folders]
    for queue in queues:
        queue.unlink()
        os.mkfifo(queue)
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                [EDGESWEEP, "replay", *folders],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        )
        # Opened as soon as the processes that replay open them, too.
        for queue in queues[: os.cpu_count()]:
            stack.enter_context(queue.open("wb"))
        (os.killpg if everyone else os.kill)(process.pid, signal.SIGINT)
        printed, told = process.communicate(timeout=600)

    assert (process.returncode, printed, told) == (130, b"", b"edgesweep: Interrupted\n")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_name_that_cannot_be_shown(write: Write) -> None:
    """The name of a history that the terminal cannot show is escaped."""
    result = subprocess.run(
        [EDGESWEEP, "replay", write("日", 1), "--strategy", "everything"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        check=True,
        timeout=600,
    )

    assert result.stdout.endswith(b"  \\u65e5 / everything\n")
