"""Prints the result of a command, as text or as JSON of a documented type; shows progress."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar, cast, get_type_hints

import click

from edgesweep.cli.terminal import machine, printable

T = TypeVar("T")

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_MOST_UNITS = 2


class JsonOption(click.Option):
    """The option `--json`; `kind` is the type of the value that the command then prints."""

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
        click.echo(printable(line))


def _plain(value: Any) -> object:  # noqa: ANN401  # whatever JSON does not know
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.isoformat() if isinstance(value, datetime) else float(value)


def shortened(texts: Sequence[str], most: int) -> str:
    """Return the first texts, and how many more there are."""
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more:,} more" if more > 0 else "")


def dollars(amount: Decimal) -> str:
    """Return an amount in dollars and cents, with a third decimal only where it needs one."""
    return f"${amount:,.{2 if round(amount, 2) == amount else 3}f}"


def length(span: timedelta) -> str:
    """Return a length of time in its two largest units, such as `3 min 20 s`."""
    seconds, parts = max(0, round(span.total_seconds())), []
    for unit, size in _UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:_MOST_UNITS]) or "0 s"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Sequence[str]:
    """Return the lines of a table: the last column is left-aligned, the others right-aligned."""
    lines = [header, *rows]
    *widths, _ = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join([*map(str.rjust, line[:-1], widths), line[-1]]) for line in lines]


@contextmanager
def progress(label: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """Show progress if standard error is a terminal; yield a function that sets the progress."""
    from rich.console import Console  # noqa: PLC0415  # takes long
    from rich.progress import MofNCompleteColumn, Progress  # noqa: PLC0415  # likewise

    console, columns = Console(stderr=True), (*Progress.get_default_columns(), MofNCompleteColumn())
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as display:
        task = display.add_task(label, total=total)
        yield lambda done: display.update(task, completed=done)
