"""Who is charged how many paths of a flush that several share."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.flush.journal import Flush
from edgesweep.operate.bill import shares

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def flush(**by: int) -> Flush:
    """Return a flush of these requests, and perhaps of uploads."""
    return Flush("E1", NOON, "t", ("/*",), (), rows=1, by=tuple(by.items()))


@pytest.mark.parametrize(
    ("by", "charged", "expected"),
    [
        ({}, 3, {"": 3}),
        ({"cms": 100}, 103, {"cms": 100, "": 3}),
        ({"cms": 1, "Ann": 2}, 3, {"cms": 1, "Ann": 2, "": 0}),
        # It took fewer than were requested: `/*`, or what a budget allowed.
        ({"cms": 1}, 1, {"cms": 1, "": 0}),
        ({"cms": 200, "Ann": 100}, 3, {"cms": 2, "Ann": 1, "": 0}),
        ({"cms": 200, "Ann": 100}, 1, {"cms": 1, "Ann": 0, "": 0}),
        ({"cms": 2}, 0, {"cms": 0, "": 0}),
    ],
)
def test_shares(by: dict[str, int], charged: int, expected: dict[str, int]) -> None:
    """Everybody pays for the paths that they requested, and uploads for the rest."""
    assert shares(flush(**by), charged) == expected


@given(
    by=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50)), charged=st.integers(0, 200)
)
def test_divided(by: dict[str, int], charged: int) -> None:
    """The shares add up to what is charged, and nobody pays for more than they requested."""
    found = shares(flush(**by), charged)
    asked = sum(by.values())

    assert sum(found.values()) == charged
    assert found[""] == max(0, charged - asked)
    for who, paths in by.items():
        assert 0 <= found[who] <= paths
        assert abs(found[who] - min(1, charged / asked) * paths) <= 1
