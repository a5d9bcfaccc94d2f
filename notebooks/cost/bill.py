"""A bill: used units and dollars, item by item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from notebooks.cost.prices import Item


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: the used units, and the dollars before and after the free tier."""

    item: Item
    quantity: Decimal
    gross: Decimal
    dollars: Decimal

    def __str__(self) -> str:
        return f"{self.item.service}: {self.item}"


@dataclass(frozen=True, slots=True)
class Bill:
    """A month, line by line, in the order of the price list, and the sums of its lines."""

    lines: Sequence[Line]
    gross: Decimal
    dollars: Decimal


def bill(used: Mapping[Item, Decimal | int]) -> Bill:
    """Price the units that a month used."""
    lines = []
    for item in Item:
        if quantity := Decimal(used.get(item, 0)):
            paid = max(Decimal(0), quantity - item.free)
            lines.append(Line(item, quantity, quantity * item.usd, paid * item.usd))
    gross = sum((line.gross for line in lines), Decimal(0))
    return Bill(lines, gross, sum((line.dollars for line in lines), Decimal(0)))
