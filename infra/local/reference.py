"""The reference of the command, generated from its code: `python -m infra.local.reference`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints, is_typeddict

import click

from edgesweep.cli.commands import main
from edgesweep.cli.output import JsonOption
from edgesweep.cli.terminal import EXIT_CODES, Failure, Message

_WIDTH = 80

_TOP = """\
# The command line

<!-- Generated from the code by `make docs`; do not edit. -->

Data goes to standard output, messages and progress to standard error, and nothing is coloured.

Commands about a deployed stack find it by `--stage` (`edgesweep-STAGE`) or `--stack`, in the
account of `--profile` and the region of `--region`. These default to what `npx osls deploy` uses:
the environment, where `AWS_REGION` comes before `AWS_DEFAULT_REGION`, and then `us-east-1`.
Commands run with your own permissions, and name a missing one.

| exit code | meaning |
| --- | --- |
"""

_JSON = """\
## JSON

`--json` prints one JSON document on standard output, of the type that stands below the help of each
command. A name means the same in all of them, but for a few: `paths` is a number in `replay`, and
the price of the paths in the `cost_usd` of `plan`; `by` is a list in `flushes`; `changed` is about
objects in `wait`, and about a bucket elsewhere. Amounts are in dollars and have names that end in
`usd`; moments are in ISO 8601. Each line on standard error is then a JSON object
as well: a message, or last the failure that ended the command.
"""

_SCALARS = {
    bool: "boolean",
    str: "string",
    int: "number",
    float: "number",
    Decimal: "number",
    datetime: "string",
    object: "unknown",
    NoneType: "null",
}


def reference() -> str:
    """Return the reference as Markdown."""
    codes = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    errors = "\n\n".join([*_interfaces(Message), *_interfaces(Failure)])
    return "\n".join([_TOP + "\n".join(codes), "", _JSON, _block(errors, "ts"), *_sections()])


def _sections() -> Iterator[str]:
    settings = main.context_settings
    top = click.Context(main, info_name="edgesweep", terminal_width=_WIDTH, **settings)
    yield _section(top)
    for name, command in sorted(main.commands.items()):
        yield _section(command.make_context(name, [], top, resilient_parsing=True))


def _section(context: click.Context) -> str:
    command = context.command
    kinds = [option.kind for option in command.params if isinstance(option, JsonOption)]
    texts = [
        _block(
            "\n\n".join([f"type Output = {_type(kind)};", *dict.fromkeys(_interfaces(kind))]), "ts"
        )
        for kind in kinds
    ]
    return "\n".join([f"## {context.command_path}\n", _block(command.get_help(context)), *texts])


def _block(text: str, language: str = "") -> str:
    return f"```{language}\n{text}\n```\n"


def _type(kind: Any) -> str:  # noqa: ANN401  # a type, or a form of one
    """Return a type in the notation of TypeScript."""
    arguments = get_args(kind)
    if get_origin(kind) is Annotated:
        return _type(arguments[0])
    if get_origin(kind) in {list, Sequence}:
        inner = _type(arguments[0])
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if get_origin(kind) is Mapping:
        return f"Record<string, {_type(arguments[1])}>"
    if arguments:
        return " | ".join(dict.fromkeys(map(_type, arguments)))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " | ".join(f'"{one}"' for one in kind)
    return _SCALARS.get(kind) or str(kind.__name__)


def _interfaces(kind: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the definition of each type of object in a type."""
    if not (is_typeddict(kind) or is_dataclass(kind)):
        for inner in get_args(kind):
            yield from _interfaces(inner)
        return
    hints = get_type_hints(kind, include_extras=True)
    fields = [f"  {name}: {_type(hint)};{_comment(hint)}" for name, hint in hints.items()]
    yield "\n".join([f"interface {kind.__name__} {{", *fields, "}"])
    for hint in hints.values():
        yield from _interfaces(hint)


def _comment(hint: object) -> str:
    return f"  // {get_args(hint)[1]}" if get_origin(hint) is Annotated else ""


if __name__ == "__main__":
    click.echo(reference(), nl=False)
