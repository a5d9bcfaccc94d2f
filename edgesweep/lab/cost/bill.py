"""A bill: used units and dollars, item by item."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from edgesweep.lab.cost.prices import PRICES, Item


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill.

    Attributes:
        item: the charged item.
        quantity: units used.
        free: units that the free tier covers.
    """

    item: Item
    quantity: Decimal
    free: Decimal

    @property
    def gross(self) -> Decimal:
        """Dollars, were nothing free."""
        return self.quantity * PRICES[self.item].usd

    @property
    def saved(self) -> Decimal:
        """Dollars that the free tier pays for."""
        return self.free * PRICES[self.item].usd

    @property
    def dollars(self) -> Decimal:
        """Dollars to pay."""
        return self.gross - self.saved

    def __str__(self) -> str:
        return f"{PRICES[self.item].service}: {self.item}"


@dataclass(frozen=True, slots=True)
class Bill:
    """A month, line by line, in the order of the price list."""

    lines: tuple[Line, ...]

    @property
    def gross(self) -> Decimal:
        """Dollars, were nothing free."""
        return sum((line.gross for line in self.lines), Decimal(0))

    @property
    def dollars(self) -> Decimal:
        """Dollars to pay."""
        return sum((line.dollars for line in self.lines), Decimal(0))


def bill(used: Mapping[Item, Decimal | int], *, free_tier: bool = True) -> Bill:
    """Price a month.

    Args:
        used: units of each item, not negative; absent items are unused.
        free_tier: whether the free tier is available; otherwise others have used it up.
    """
    units = {item: Decimal(used.get(item, 0)) for item in PRICES}
    return Bill(
        tuple(
            Line(item, quantity, min(quantity, Decimal(PRICES[item].free * free_tier)))
            for item, quantity in units.items()
            if quantity
        )
    )
