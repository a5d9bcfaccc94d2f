"""What AWS charges, checked against its own worked figures."""

from decimal import Decimal

import pytest

from edgesweep.pricing import (
    EDGE_CACHES,
    FREE_PATHS,
    PATH_PRICE,
    REFETCH_COST,
    S3_GET_PRICE,
    invalidation_bill,
)


@pytest.mark.parametrize(
    ("paths", "dollars"),
    [
        (0, "0"),
        (1, "0"),
        (1_000, "0"),
        (1_001, "0.005"),
        (2_000, "5"),
        (8_928, "39.64"),  # every five minutes of a month of 31 days
        (1_000_000, "4995"),
    ],
)
def test_bill(paths: int, dollars: str) -> None:
    """The first 1,000 paths of a month are free and each further one is half a cent."""
    assert invalidation_bill(paths) == Decimal(dollars)


def test_fewer_free_paths() -> None:
    """Paths that other tools of the account use up are not free any more."""
    assert invalidation_bill(10, free_paths=0) == Decimal("0.05")
    assert invalidation_bill(10, free_paths=4) == Decimal("0.03")
    assert invalidation_bill(3, free_paths=4) == 0


def test_exact() -> None:
    """Money is decimal: no price is off by the rounding of binary fractions."""
    assert (Decimal("0.005"), 1_000) == (PATH_PRICE, FREE_PATHS)
    assert Decimal("0.0004") == S3_GET_PRICE * 1_000
    assert REFETCH_COST == S3_GET_PRICE * EDGE_CACHES == Decimal("0.0000052")
