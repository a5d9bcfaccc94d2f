"""What holds for every command, whatever goes wrong: at most one clear line, and the exit code.

A command that is added needs a row in `COMMANDS`.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edgesweep.cli.commands import main
from tests.aws import calls, create_catalogue, dated_heads, listening
from tests.fakes.stack import Answered, refusal
from tests.unit.conftest import Operated

EDGESWEEP = Path(sys.executable).with_name("edgesweep")
ESCAPE = "\x1b"


@dataclass(frozen=True)
class Command:
    """How a command is called, and what it has to do with AWS.

    Attributes:
        arguments: its arguments; `KEYS` stands for a file of object keys.
        aws: whether it asks AWS.
        stack: whether it is about a deployed stack.
        finds: whether it has anything to print where nothing was swept yet.
        reports: whether what is wrong is what it prints; what it finds has tests of its own.
    """

    arguments: tuple[str, ...] = ()
    aws: bool = True
    stack: bool = False
    finds: bool = True
    reports: bool = False


COMMANDS: Mapping[str, Command] = {
    "attach": Command(("site",)),
    "completion": Command(("bash",), aws=False),
    "detach": Command(("site",), finds=False),
    "doctor": Command(stack=True, reports=True),
    "flush": Command(stack=True, finds=False),
    "bill": Command(stack=True),
    "flushes": Command(stack=True, finds=False),
    "invalidate": Command(("/a",), stack=True),
    "learn": Command(("site", "--yes"), stack=True),
    "plan": Command(("KEYS", "--bucket", "site")),
    "redrive": Command(stack=True, finds=False),
    "replay": Command(("--generate", "blog", "--strategy", "everything"), aws=False),
    "status": Command(stack=True),
    "wait": Command(("--after", os.devnull), stack=True),
}
ASKING = sorted(name for name, command in COMMANDS.items() if command.aws)
WORKING = sorted(name for name, command in COMMANDS.items() if not command.reports)
# What says something on standard error before it begins.
COMMENTED = {"detach", "flush", "learn"}
# A refused HEAD has no body that could name the permission.
UNSAID = {"s3:HeadObject": "s3:GetObject"}
DEPLOYED = sorted(name for name, command in COMMANDS.items() if command.stack)


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., list[str]]:
    """Return what makes the arguments of a command, with some options behind them."""
    keys = tmp_path / "keys"
    keys.write_text("".join(f"docs/{number}.html\n" for number in range(50)))

    def make(name: str, *options: str) -> list[str]:
        given = [str(keys) if one == "KEYS" else one for one in COMMANDS[name].arguments]
        return [name, *given, *options]

    return make


@pytest.fixture
def world(operated: Operated) -> Iterator[Operated]:
    """Return a stack that every command can be run against, and that swept nothing yet."""
    create_catalogue("catalogue")
    operated.stack.environment["CATALOGUE_TABLE"] = "catalogue"
    with dated_heads():
        yield operated


@contextmanager
def expired() -> Iterator[None]:
    """Let AWS refuse every call, because the credentials have expired."""
    with listening("before-call", lambda **_: refusal("ExpiredToken", "The token has expired")):
        yield


@contextmanager
def denied(action: str) -> Iterator[None]:
    """Let AWS refuse one call, told as `service:Operation`."""

    def refuse(model: Any, **_: object) -> Answered | None:  # noqa: ANN401  # botocore's OperationModel
        if action != f"{model.service_model.service_name}:{model.name}":
            return None
        return refusal("AccessDenied", f"User: me is not authorized to perform: {action}")

    with listening("before-call", refuse):
        yield


def assert_one_line(result: Result, code: int = 1) -> str:
    """Assert that a command failed as it should; return its line."""
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert result.exit_code == code
    (line,) = result.stderr.splitlines()
    assert line.startswith("edgesweep: ")
    assert "Traceback" not in result.output
    return line


def told(name: str, result: Result, code: int = 1) -> str:
    """Return what a command says went wrong, in one line or as what it found."""
    if COMMANDS[name].reports and not result.stderr:
        assert result.exit_code == code
        return result.stdout
    return assert_one_line(result, code)


def test_all() -> None:
    """Every command that there is has a row, but for those that tests/e2e/release runs."""
    assert COMMANDS.keys() | {"deploy", "remove"} == main.commands.keys()


@pytest.mark.parametrize("name", WORKING)
def test_untouched(world: Operated, call: Callable[..., list[str]], name: str) -> None:
    """Against a stack that swept nothing yet it ends well, and nothing is coloured."""
    result = CliRunner(env={"FORCE_COLOR": "1"}).invoke(main, call(name), color=True)

    assert world
    assert (result.exit_code, result.exception) == (0, None)
    assert bool(result.stdout) == COMMANDS[name].finds
    assert ESCAPE not in result.stdout


@pytest.mark.parametrize("name", DEPLOYED)
def test_no_stack(world: Operated, call: Callable[..., list[str]], name: str) -> None:
    """A stack that does not exist is named, with the region that was looked in."""
    for options in (("--stage", "absent"), ("--stack", "absent", "--region", "eu-west-1")):
        line = told(name, world.run(*call(name, *options)))

        where = options[-1] if "--region" in options else "us-east-1"
        assert re.search(f"no stack (edgesweep-)?absent in {where}", line)


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--region", "not a region"), "not a region"),
        (("--profile", "nobody"), "The config profile (nobody) could not be found"),
    ],
)
def test_wrong_option(
    call: Callable[..., list[str]], name: str, options: Sequence[str], said: str
) -> None:
    """A region or a profile that there cannot be is named."""
    result = CliRunner().invoke(main, call(name, *options))

    assert said in told(name, result)


@pytest.mark.parametrize("name", ASKING)
def test_expired(call: Callable[..., list[str]], name: str) -> None:
    """The message says that credentials have expired."""
    with expired():
        result = CliRunner().invoke(main, call(name))

    assert "expired" in told(name, result)


@pytest.mark.parametrize("name", ASKING)
def test_nobody(call: Callable[..., list[str]], name: str) -> None:
    """Without credentials it says so."""
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "1"}

    result = CliRunner(env=none).invoke(main, call(name))

    assert "credentials" in told(name, result)


@pytest.mark.parametrize("name", sorted({*ASKING} & {*WORKING}))
def test_no_permission(world: Operated, call: Callable[..., list[str]], name: str) -> None:
    """Whichever of its calls is refused: one line names the permission, and what to do is left."""
    world.send("DeadLetterQueueUrl", "a dead letter")
    with calls() as asked:
        assert world.run(*call(name)).exit_code == 0

    for action in dict.fromkeys(one.replace(".", ":") for one in asked):
        world.send("DeadLetterQueueUrl", "a dead letter")
        with denied(action):
            result = world.run(*call(name))

        *before, line = result.stderr.splitlines() or [""]
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert len(before) <= (name in COMMENTED)
        assert not result.exit_code or UNSAID.get(action, action) in line


@contextmanager
def silent_aws() -> Iterator[tuple[socket.socket, str]]:
    """Yield an AWS that takes connections and never answers, and its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server, f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("name", ASKING)
def test_interrupt(call: Callable[..., list[str]], name: str) -> None:
    """Who interrupts it while it waits for AWS gets one line, and the code that shells expect."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (
            silent_aws() as (server, url),
            subprocess.Popen(
                [EDGESWEEP, *call(name)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "AWS_ENDPOINT_URL": url},
            ) as process,
        ):
            connection, _ = server.accept()
            with connection:
                connection.recv(1)
                process.send_signal(signal.SIGINT)
                printed, said = process.communicate(timeout=600)
    finally:
        signal.signal(signal.SIGINT, before)

    assert (process.returncode, printed, said) == (130, b"", b"edgesweep: Interrupted\n")
