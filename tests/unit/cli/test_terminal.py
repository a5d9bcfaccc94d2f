"""How the command behaves in a terminal, a pipe and a script, and how it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import click
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from click.testing import CliRunner, Result

from edgesweep import __version__
from edgesweep.cli.commands import main
from edgesweep.cli.deployed import session
from edgesweep.cli.output import progress, show
from edgesweep.cli.terminal import OneLineErrors, say
from edgesweep.errors import BadInput, EdgesweepError

EDGESWEEP = Path(sys.executable).with_name("edgesweep")
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "Not you"}}, "PutObject")
SIGN_IN = "There are no AWS credentials; give --profile, or sign in"

Finished = subprocess.CompletedProcess[bytes]
Command = tuple[str, ...]
COMMANDS: list[Command] = [(), *((name,) for name in sorted(main.commands))]


def run(*arguments: str | Path, stdin: bytes = b"", stdout: int = subprocess.PIPE) -> Finished:
    """Run the installed command."""
    return subprocess.run(
        [EDGESWEEP, *arguments],
        input=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "80"},
        timeout=600,
        check=False,
    )


@pytest.fixture
def many_keys(tmp_path: Path) -> Path:
    """Return a file of keys whose plan is longer than a pipe holds."""
    path = tmp_path / "keys"
    path.write_text("".join(f"{number:060}.html\n" for number in range(3_000)))
    return path


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let commands started meanwhile be interrupted, even if whoever runs the tests cannot be."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ending_with(error: BaseException) -> Result:
    """Run a command that fails."""

    @click.group(cls=OneLineErrors)
    def group() -> None:
        """Hold the command."""

    @group.command()
    def fail() -> NoReturn:
        """Fail."""
        click.echo("data")
        raise error

    return CliRunner().invoke(group, ["fail"])


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (BadInput("The price is wrong"), 2, "edgesweep: The price is wrong\n"),
        (EdgesweepError("It failed"), 1, "edgesweep: It failed\n"),
        (BadInput("Two\n  lines"), 2, "edgesweep: Two lines\n"),
        (click.UsageError("Not so"), 2, "edgesweep: Not so\n"),
        (NoCredentialsError(), 1, f"edgesweep: {SIGN_IN}\n"),
        (DENIED, 1, "edgesweep: You may not call PutObject: Not you\n"),
        (OSError(5, "Input/output error"), 1, "edgesweep: [Errno 5] Input/output error\n"),
        (KeyboardInterrupt(), 130, "edgesweep: Interrupted\n"),
        (click.Abort(), 130, "edgesweep: Interrupted\n"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_failures(error: BaseException, code: int, line: str) -> None:
    """Every failure has an exit code and at most one line; what was printed before stays."""
    result = ending_with(error)

    assert (result.exit_code, result.stderr, result.stdout) == (code, line, "data\n")


def test_bug() -> None:
    """A mistake of our own is not hidden."""
    assert isinstance(ending_with(ZeroDivisionError()).exception, ZeroDivisionError)


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: Command) -> None:
    """Help fits a terminal of 80 columns, ends well and cuts nothing off."""
    result = run(*command, "--help")

    assert (result.returncode, result.stderr) == (0, b"")
    usage, *told = result.stdout.decode().splitlines()
    assert usage.startswith(" ".join(["Usage: edgesweep", *command, "["]))
    assert max(map(len, [usage, *told])) <= 80
    assert not any(line.endswith("...") for line in told)
    assert run(*command, "-h").stdout == result.stdout


def test_no_command() -> None:
    """Without a command the help goes to standard error, as nothing was asked for."""
    result = run()

    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().rstrip() == run("--help").stdout.decode().rstrip()
    assert all(name in result.stderr.decode() for name in main.commands)


def test_version() -> None:
    """The version is that of the package."""
    result = run("--version")

    assert result.returncode == 0
    assert result.stdout.decode() == f"edgesweep, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("sweep",), b"edgesweep: No such command 'sweep'.\n"),
        (("--sweep",), b"edgesweep: No such option '--sweep'. Did you mean '--help'?\n"),
        (("plan",), b"edgesweep: Missing argument 'CHANGES'.\n"),
        (("plan", "-", "b"), b"edgesweep: Got unexpected extra argument (b)\n"),
        (("plan", "-", "--live"), b"edgesweep: Option '--live' requires an argument.\n"),
    ],
)
def test_misuse(arguments: Command, line: bytes) -> None:
    """Bad use gets one line and exit code 2."""
    result = run(*arguments)

    assert (result.returncode, result.stdout, result.stderr) == (2, b"", line)


@pytest.mark.parametrize(
    ("arguments", "before"),
    [
        (("status", "--stack", ""), "--stack"),
        (("wait", "--after="), "--after="),
        (("plan", "--alias", ""), "--alias"),
        (("",), "edgesweep"),
    ],
)
def test_empty(arguments: Command, before: str) -> None:
    """An empty argument, such as an unset variable of a shell, never stands for the default."""
    result = CliRunner().invoke(main, arguments)

    told = f"edgesweep: The value after {before} is empty\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", told)


def test_streams() -> None:
    """Data goes to standard output and what there is to say about it to standard error."""
    result = run("plan", "-", "--json", stdin=b"a\n")

    assert result.returncode == 0
    assert result.stdout.startswith(b'{"paths": ["/a"]')
    assert result.stderr.count(b"\n") == 1


@pytest.mark.parametrize("arguments", [("plan", "--json"), ("plan",)])
def test_closed_pipe(many_keys: Path, arguments: Command) -> None:
    """When nobody reads what is printed, the command ends in silence as a signal would end it."""
    ours, theirs = os.pipe()
    os.close(ours)

    result = run(*arguments, many_keys, "--live", os.devnull, "--max-wildcards=0", stdout=theirs)
    os.close(theirs)

    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("plan", "--help")])
def test_closed_pipe_for_help(arguments: Command) -> None:
    """The same holds where little is printed."""
    ours, theirs = os.pipe()
    os.close(ours)

    result = run(*arguments, stdout=theirs)
    os.close(theirs)

    assert (result.returncode, result.stderr) == (141, b"")


def test_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """A key that would move the cursor or end the line is escaped, and no letter is."""
    show([], ["a\x1b[2Jb\nc\u202e", "a\\b  日 é"])
    say("a\x1b[2Jb")

    out, err = capsys.readouterr()
    assert out == "a\\x1b[2Jb\\nc\\u202e\na\\b  日 é\n"
    assert err == "edgesweep: a\\x1b[2Jb\n"


def test_full_disk(tmp_path: Path) -> None:
    """A failure to write is one line."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("There is no device that is always full")
    (tmp_path / "keys").write_text("a\n")
    with full.open("wb") as disk:
        result = run("plan", tmp_path / "keys", "--live", os.devnull, stdout=disk.fileno())

    assert result.returncode == 1
    assert result.stderr == b"edgesweep: [Errno 28] No space left on device\n"


def test_unreadable() -> None:
    """A failure to read is one line."""
    memory = Path("/proc/self/mem")
    if not memory.exists():
        pytest.skip("There is no file that opens and cannot be read")

    result = run("plan", memory)

    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr == b"edgesweep: [Errno 5] Input/output error\n"


def test_folder(tmp_path: Path) -> None:
    """A folder is not a file of keys."""
    result = run("plan", tmp_path)

    told = f"edgesweep: Invalid value for 'CHANGES': '{tmp_path}': Is a directory\n"
    assert (result.returncode, result.stderr.decode()) == (2, told)


@pytest.mark.usefixtures("interruptible")
def test_interrupt(tmp_path: Path) -> None:
    """Who interrupts the command gets one line and the exit code that shells expect."""
    queue = tmp_path / "queue"
    os.mkfifo(queue)
    command: list[str | Path] = [EDGESWEEP, "plan", queue]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
        queue.open("wb"),  # as soon as the command opens it, too
    ):
        process.send_signal(signal.SIGINT)
        printed, told = process.communicate(timeout=600)

    assert (process.returncode, printed, told) == (130, b"", b"edgesweep: Interrupted\n")


def test_say(capsys: pytest.CaptureFixture[str]) -> None:
    """A message is one line on standard error, and no message is none."""
    say("One\n two")
    say("")

    assert capsys.readouterr() == ("", "edgesweep: One two\n")


@pytest.mark.parametrize(("environment", "shown"), [({"FORCE_COLOR": "1"}, True), ({}, False)])
def test_progress(
    environment: dict[str, str],
    shown: bool,  # noqa: FBT001  # a parameter
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Progress is shown on standard error, to people only."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with progress("Working", 2) as advance:
        advance(1)

    printed, told = capsys.readouterr()
    assert printed == ""
    assert ("Working" in told) == shown


def test_session() -> None:
    """The region of the options is the session's; without one it is the environment's."""
    assert session("eu-west-1", None).region_name == "eu-west-1"
    assert session(None, None).region_name == "us-east-1"
