"""What a month costs: units of what was used, item by item, in dollars."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from edgesweep.errors import BadInput
from edgesweep.lab.cost.prices import PRICES, VIRGINIA, Item, unit_price


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill.

    Attributes:
        service: who charges.
        item: what for.
        quantity: units used.
        unit_price: dollars for one.
        free: units of them that the account does not pay for.
    """

    service: str
    item: Item
    quantity: Decimal
    unit_price: Decimal
    free: Decimal

    @property
    def gross(self) -> Decimal:
        """Dollars, were nothing free."""
        return self.quantity * self.unit_price

    @property
    def saved(self) -> Decimal:
        """Dollars that the free tier pays for."""
        return self.free * self.unit_price

    @property
    def dollars(self) -> Decimal:
        """Dollars to pay."""
        return self.gross - self.saved


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


def bill(
    used: Mapping[Item, Decimal | int],
    region: str = VIRGINIA,
    free: Mapping[Item, int] | None = None,
) -> Bill:
    """Price a month.

    Args:
        used: units of each item, not negative; what is not named is not used.
        region: where the stack runs.
        free: units that are left of the free tier where others in the account use it as well.

    Raises:
        BadInput: a quantity is negative or no number, or the region's prices are not known.
    """
    left = {item: price.free for item, price in PRICES.items()} | dict(free or {})
    lines = []
    for item, price in PRICES.items():
        quantity = _checked(item, Decimal(used.get(item, 0)))
        covered = min(quantity, _checked(item, Decimal(left[item])))
        if quantity:
            lines.append(Line(price.service, item, quantity, unit_price(item, region), covered))
    return Bill(tuple(lines))


def _checked(item: Item, quantity: Decimal) -> Decimal:
    if not quantity.is_finite() or quantity < 0:
        msg = f"{quantity} {item} cannot be priced: a quantity is a number of at least 0"
        raise BadInput(msg)
    return quantity
