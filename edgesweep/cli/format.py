"""Numbers, times and tables as plain text for people."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_MOST_UNITS = 2


def count(number: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless the number is one."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


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
