"""`edgesweep doctor --fix` runs commands after asking, says which, and looks again."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgesweep.cli import doctor as command
from edgesweep.cli.commands import main
from edgesweep.cli.terminal import check_terminal
from edgesweep.operate.doctor import Finding, Harm

GREETED = Finding("queue-changed", Harm.LOSES, "Nobody greeted", "echo hello >> greeted")
SHARED = Finding("queue-gone", Harm.LOSES, "Nobody was greeted", GREETED.mend)
FAILING = Finding("alarm-changed", Harm.NOTE, "It fails", "echo no >&2; exit 3")
MANUAL = Finding("no-stack", Harm.DELAYS, "A name is missing", "echo NAME > greeted", manual=True)
NOTE = Finding("free-paths-shared", Harm.NOTE, "Somebody was here")
ALL = [GREETED, SHARED, MANUAL, FAILING, NOTE]


@pytest.fixture(name="folder", autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return tmp_path


def doctor(
    monkeypatch: pytest.MonkeyPatch,
    *options: str,
    answers: str = "",
    left: tuple[Finding, ...] = (),
) -> Result:
    """Run the doctor, which finds everything at first, and what is left after that."""
    looks = iter([ALL, left])
    monkeypatch.setattr(command, "_examine", lambda _: next(looks))
    monkeypatch.setattr(command, "check_terminal", lambda: None if answers else check_terminal())
    return CliRunner().invoke(main, ["doctor", *options], input=answers)


def test_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings that share a command print it once, and a note has none."""
    result = doctor(monkeypatch)

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "queue-changed (loses changes): Nobody greeted",
        "queue-gone (loses changes): Nobody was greeted",
        "  echo hello >> greeted",
        "no-stack (delays changes): A name is missing",
        "  echo NAME > greeted",
        "alarm-changed (note): It fails",
        "  echo no >&2; exit 3",
        "free-paths-shared (note): Somebody was here",
    ]


def test_yes(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Each command runs once, except those that a person has to complete; a note is not a fault."""
    result = doctor(monkeypatch, "--fix", "--yes", left=(NOTE,))

    assert (folder / "greeted").read_text() == "hello\n"
    assert "edgesweep: echo hello >> greeted\n" in result.stderr
    assert "edgesweep: The command failed with exit code 3" in result.stderr
    assert (result.exit_code, result.stdout) == (0, "free-paths-shared (note): Somebody was here\n")


def test_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a program each line on standard error is JSON, the output of a command included."""
    result = doctor(monkeypatch, "--fix", "--yes", "--json", left=(NOTE,))

    told = [json.loads(line)["message"] for line in result.stderr.splitlines()]
    assert told[2:] == [
        "echo hello >> greeted",
        *("alarm-changed (note): It fails", "echo no >&2; exit 3", "no"),
        *("The command failed with exit code 3", "Looking again"),
    ]


def test_answers(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Only the commands that the user agrees to are run; what is left is a failure."""
    result = doctor(monkeypatch, "--fix", answers="n\ny\n", left=(GREETED,))

    assert not (folder / "greeted").exists()
    assert result.stderr.count("Run it? [y/N]") == 2
    assert "exit code 3" in result.stderr
    assert result.exit_code == 1


@pytest.mark.parametrize("options", [("--fix",), ("--yes",)])
def test_usage(monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]) -> None:
    """Nothing runs where nobody can be asked, and --yes alone means nothing."""
    result = doctor(monkeypatch, *options)

    assert result.exit_code == 2
    assert "--yes" in result.stderr
