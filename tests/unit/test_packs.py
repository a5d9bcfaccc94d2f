"""Rows in packs."""

import pytest

from edgesweep.dirty import packs


@pytest.mark.parametrize(
    ("sizes", "packed"),
    [
        ([], []),
        ([3, 3, 4, 1], [[3, 3, 4], [1]]),
        ([9, 2, 8], [[9], [2, 8]]),
        ([2, 11, 2], [[2], [11], [2]]),
    ],
)
def test_packs(sizes: list[int], packed: list[list[int]]) -> None:
    """Each pack is as full as the order lets it be; what is too large for any goes alone."""
    assert list(packs(sizes, lambda size: size, 10)) == packed
