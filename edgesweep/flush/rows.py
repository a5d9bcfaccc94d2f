"""The dirty rows as a flusher reaches them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Protocol

from edgesweep.dirty import DirtyRow
from edgesweep.record.recorder import DirtyWriter

# Rows between two renewals of the lease.
CHUNK = 1_000

# When the oldest and the newest dirty row were recorded; empty without any.
Span = tuple[datetime, datetime] | tuple[()]


class DirtyRows(DirtyWriter, Protocol):
    """The rows that wait."""

    def span(self, distribution: str) -> Span:
        """Return when the oldest and the newest row were recorded, or nothing without any."""

    def read(
        self,
        distribution: str,
        until: datetime | None = None,
        after: str = "",
        *,
        everywhere: bool = False,
    ) -> Iterator[DirtyRow]:
        """Yield rows, the oldest first, strongly consistent.

        Args:
            distribution: whose rows.
            until: only those recorded at or before this.
            after: only those beyond this position.
            everywhere: in partitions, too, that only other processes have heard of.
        """

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Delete exactly these rows."""

    def move(self, moves: Mapping[DirtyRow, Sequence[DirtyRow]]) -> Mapping[DirtyRow, str]:
        """Put copies in the place of rows: a crash leaves the row or its copies, never both.

        A row with a hundred copies or more is the exception.

        Args:
            moves: row -> its copies, none to let it go.

        Returns:
            The rows that stay, each with the reason. A row that is gone gets no copies.
        """


def chunks(rows: Iterator[DirtyRow]) -> Iterator[Sequence[DirtyRow]]:
    """Yield rows by the thousand."""
    while chunk := list(islice(rows, CHUNK)):
        yield chunk
