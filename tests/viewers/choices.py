"""Choices out of bytes: thousands of stories are drawn as fast as they are told.

Each byte is one choice. Hypothesis draws them all at once, and shrinks every byte towards 0, which
chooses the first, plainest option.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Makes choices, one byte after the other; beyond the last byte the plainest."""

    def __init__(self, data: bytes) -> None:
        self._left = iter(data)

    def one(self, options: Sequence[T]) -> T:
        """Choose an option."""
        return options[next(self._left, 0) % len(options)]

    def number(self, least: int, most: int) -> int:
        """Choose a number."""
        return self.one(range(least, most + 1))

    def some(self, options: Sequence[T]) -> Sequence[T]:
        """Leave out each of at most eight options with a chance of a quarter, or none."""
        left_out = self.number(0, 255) & self.number(0, 255)
        return [option for bit, option in enumerate(options) if not left_out >> bit & 1]
