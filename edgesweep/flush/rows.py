"""The dirty rows as a flusher reaches them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Protocol, TypeVar

from edgesweep.dirty import DirtyRow
from edgesweep.record.recorder import DirtyWriter

T = TypeVar("T")

CHUNK = 1_000  # rows between two renewals of the lease

# When the oldest and the newest dirty row were recorded; empty without any.
Span = tuple[datetime, datetime] | tuple[()]


class DirtyRows(DirtyWriter, Protocol):
    """The rows that wait."""

    def span(self, distribution: str) -> Span:
        """Return when the oldest and the newest row were recorded, or nothing without any."""

    def recent(self, distribution: str, most: int) -> Sequence[datetime]:
        """Return when the newest rows were recorded, the newest first."""

    def read(
        self,
        distribution: str,
        until: datetime | None = None,
        after: str = "",
        *,
        everywhere: bool = False,
    ) -> Iterator[DirtyRow]:
        """Yield rows, the oldest first, strongly consistent.

        They are those recorded at or before `until`, and beyond the position `after`. If
        `everywhere`, they include partitions that only other processes have heard of.
        """

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Delete exactly these rows."""

    def move(self, moves: Mapping[DirtyRow, Sequence[DirtyRow]]) -> Mapping[DirtyRow, str]:
        """Put copies in the place of rows; return the rows that stay, each with the reason.

        A crash leaves a row or its copies, never both, unless it has a hundred copies or more. A
        row without copies is deleted, and one that is gone gets no copies.
        """


def chunks(items: Iterable[T], size: int | None = None) -> Iterator[Sequence[T]]:
    """Yield items by the thousand, or in chunks of another size; nothing is read ahead."""
    rest = iter(items)
    while chunk := list(islice(rest, size or CHUNK)):
        yield chunk


def packs(items: Iterable[T], size: Callable[[T], int], most: int) -> Iterator[Sequence[T]]:
    """Yield items in packs whose sizes add up to `most` or less; a larger item goes alone."""
    pack, left = list[T](), most
    for item in items:
        left -= size(item)
        if left < 0 and pack:
            yield pack
            pack, left = [], most - size(item)
        pack.append(item)
    if pack:
        yield pack
