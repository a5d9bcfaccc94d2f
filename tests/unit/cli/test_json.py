"""The JSON of every command is of the type that the reference documents, errors included."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import click
import pytest
from click.testing import CliRunner

from edgesweep.cli.commands import main
from edgesweep.cli.flushes import SentFlush
from edgesweep.cli.output import JsonOption
from edgesweep.cli.plan import Cost
from edgesweep.cli.replay import Result, Reupload
from edgesweep.cli.terminal import EXIT_CODES, Failure, Message
from edgesweep.errors import EdgesweepError
from tests.aws import create_catalogue, dated_heads
from tests.unit.conftest import Operated

# They print no data.
WITHOUT = {"completion", "remove"}
# It needs a release: tests/e2e/release reads its JSON.
ELSEWHERE = {"deploy"}
# The exceptions that the reference names.
OTHERWISE = {(Cost, "paths"), (Result, "paths"), (Reupload, "paths"), (SentFlush, "by")}
SCALARS = {float: {int, float}, Decimal: {int, float}, NoneType: {NoneType}}
SCALARS |= {bool: {bool}, int: {int}, str: {str}, Mapping: {dict}}


def kind_of(name: str) -> Any:  # noqa: ANN401  # a type, or a form of one
    """Return the documented type of a command's JSON, None without `--json`."""
    context = click.Context(main, info_name="edgesweep")
    command = main.commands[name].make_context(name, [], context, resilient_parsing=True).command
    return next((one.kind for one in command.params if isinstance(one, JsonOption)), None)


def conforms(value: Any, kind: Any) -> bool:  # noqa: ANN401
    """Tell whether parsed JSON is of a type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Annotated, Union, UnionType}:
        return any(conforms(value, one) for one in arguments[: 1 if origin is Annotated else None])
    if origin in {list, Sequence, Mapping}:
        each = value.values() if origin is Mapping else value
        held = isinstance(value, dict if origin is Mapping else list)
        return held and all(conforms(one, arguments[-1]) for one in each)
    if is_typeddict(kind) or is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        same = isinstance(value, dict) and value.keys() == hints.keys()
        return same and all(conforms(value[name], hint) for name, hint in hints.items())
    if kind is datetime:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return value in list(kind)
    return type(value) in SCALARS[origin or kind]


def objects(kind: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield each type of object in a type."""
    if is_typeddict(kind) or is_dataclass(kind):
        yield kind
        for hint in get_type_hints(kind, include_extras=True).values():
            yield from objects(hint)
    for one in get_args(kind):
        yield from objects(one)


def failed(*arguments: str) -> tuple[int, Any]:
    """Return the exit code of a command and its last line on standard error, which is JSON."""
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    return result.exit_code, json.loads(result.stderr.splitlines()[-1])


@pytest.mark.parametrize("name", sorted(main.commands.keys() - WITHOUT))
def test_documented(name: str) -> None:
    """Every command that prints data has `--json`, of a type of named fields."""
    assert list(objects(kind_of(name)))


def test_valid(operated: Operated, tmp_path: Path) -> None:
    """Each command prints JSON of its type, with much to print and with nothing."""
    create_catalogue("catalogue")
    operated.stack.environment["CATALOGUE_TABLE"] = "catalogue"
    (tmp_path / "keys").write_text("a.html\nb.html\n")
    everything = ("--generate", "blog", "--strategy", "everything")
    commands: Sequence[tuple[str, ...]] = [
        ("attach", "site"),
        ("learn", "site", "--yes"),
        ("plan", str(tmp_path / "keys"), "--bucket", "site"),
        ("status",),
        ("bill",),
        ("flush", "--dry-run"),
        ("flush",),
        ("flush",),
        ("flushes",),
        ("invalidate", "/a"),
        ("redrive", "--dry-run"),
        ("redrive",),
        ("redrive",),
        ("doctor", "--stack", "absent"),
        ("replay", *everything),
        ("replay", *everything, "--reupload-all"),
        ("detach", "site", "--dry-run"),
        ("detach", "site"),
        ("wait", "--after", str(tmp_path / "keys"), "--timeout", "1"),
    ]
    operated.change("a.html", "docs/b.html", age=timedelta(hours=2))
    operated.send("DeadLetterQueueUrl", "a dead letter")
    with dated_heads():
        for command in commands:
            result = operated.run(*command, "--json")

            assert result.stdout, (command, result.stderr)
            assert conforms(json.loads(result.stdout), kind_of(command[0])), result.stdout
            for line in result.stderr.splitlines():
                assert conforms(json.loads(line), Message)
        one = json.loads(operated.run("flushes", "--json").stdout)[0]["flush"]
        assert conforms(
            json.loads(operated.run("flushes", one, "--json").stdout), kind_of("flushes")
        )
    assert {command for command, *_ in commands} == main.commands.keys() - WITHOUT - ELSEWHERE


def test_one_name() -> None:
    """A name has one type in the JSON of all commands, whether it may be null or not."""
    seen: dict[str, Any] = {}
    for name in main.commands.keys() - WITHOUT:
        for kind in objects(kind_of(name)):
            for field, hint in get_type_hints(kind).items():
                one_of = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
                plain = {one for one in one_of if one is not NoneType}
                plain = {
                    str if isinstance(o, type) and issubclass(o, StrEnum) else o for o in plain
                }
                if (kind, field) not in OTHERWISE:
                    assert seen.setdefault(field, plain) == plain, field


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("plan",), 2, "Missing argument 'CHANGES'."),
        (("plan", "nowhere"), 2, "'nowhere': No such file"),
        (("plan", "--sweep"), 2, "No such option"),
        (("sweep",), 2, "No such command"),
        (("status", "--profile", "nobody"), 1, "The config profile (nobody) could not be found"),
    ],
)
def test_errors(arguments: tuple[str, ...], code: int, said: str) -> None:
    """A failure is a JSON object as well, the last line on standard error, with the exit code."""
    exit_code, failure = failed(*arguments)

    assert conforms(failure, Failure)
    assert (exit_code, failure["exit_code"]) == (code, code)
    assert said in failure["error"]


def test_messages_before(operated: Operated) -> None:
    """A message beside the data is JSON too, one object a line."""
    result = operated.run("flush", "--json")

    assert json.loads(result.stdout) == []
    assert json.loads(result.stderr) == {"message": "Nothing waits to be flushed"}


def test_not_asked_for(operated: Operated) -> None:
    """After a failure in JSON, a command without `--json` speaks to people again."""
    failed("plan")

    assert operated.run("flush").stderr == "edgesweep: Nothing waits to be flushed\n"


def test_exit_codes() -> None:
    """The table of exit codes has those of every failure of ours."""
    kinds = [EdgesweepError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        assert kind.exit_code in EXIT_CODES
