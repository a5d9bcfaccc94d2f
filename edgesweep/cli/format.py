"""Numbers, times and tables as plain text for people."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import click

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_MOST_UNITS = 2


def count(number: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless the number is one."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def length(span: timedelta) -> str:
    """Return a length of time in its two largest units, such as `3 min 20 s`."""
    seconds, parts = max(0, round(span.total_seconds())), []
    for unit, size in _UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:_MOST_UNITS]) or "0 s"


def show(value: object, lines: Iterable[str], *, as_json: bool) -> None:
    """Print lines, or instead a value as JSON: moments in ISO 8601, dollars as numbers."""
    for line in [json.dumps(value, default=_plain)] if as_json else lines:
        click.echo(line)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Sequence[str]:
    """Return the lines of a table: the last column is left-aligned, the others right-aligned."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            [*(cell.rjust(width) for cell, width in zip(line, widths[:-1], strict=False)), line[-1]]
        )
        for line in lines
    ]


def _plain(value: datetime | Decimal) -> str | float:
    return value.isoformat() if isinstance(value, datetime) else float(value)
