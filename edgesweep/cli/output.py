"""Prints what a command found: lines for people, or JSON of a type that the reference documents."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any, TypeVar, cast, get_type_hints

import click

from edgesweep.cli.terminal import machine

T = TypeVar("T")


class JsonOption(click.Option):
    """The option `--json`; `kind` is the type of what the command then prints."""

    def __init__(self, names: list[str], kind: object, **settings: Any) -> None:  # noqa: ANN401  # click's
        super().__init__(names, **settings)
        self.kind = kind


def json_option(kind: object) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the option `--json` to a command that prints a value of this type."""
    return click.option(
        "--json", cls=JsonOption, kind=kind, is_flag=True, expose_value=False, help="Print JSON."
    )


def pick(kind: type[T], source: object, **others: object) -> T:
    """Return a dictionary of a type: `others`, and attributes of `source` for the rest."""
    names = get_type_hints(kind)
    found = {name: others[name] if name in others else getattr(source, name) for name in names}
    return cast("T", found)


def show(value: object, lines: Iterable[str]) -> None:
    """Print lines, or instead a value as JSON: moments in ISO 8601, dollars as numbers."""
    for line in [json.dumps(value, default=_plain)] if machine() else lines:
        click.echo(line)


def _plain(value: Any) -> object:  # noqa: ANN401  # whatever JSON does not know
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.isoformat() if isinstance(value, datetime) else float(value)
