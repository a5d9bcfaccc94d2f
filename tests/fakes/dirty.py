"""Dirty rows in memory."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter

from edgesweep.dirty import DirtyRow


class DirtyRowsInMemory:
    """The port of the table `dirty`.

    Args:
        room: how many rows it takes before it fails, for ever without.

    Attributes:
        room: as above.
    """

    def __init__(self, room: int | None = None) -> None:
        self._rows: dict[tuple[str, str], DirtyRow] = {}
        self.room = room

    @property
    def rows(self) -> Sequence[DirtyRow]:
        """Every row, in the order in which it was written."""
        return list(self._rows.values())

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Write rows; return those for which there was no room."""
        room = len(rows) if self.room is None else max(0, self.room - len(self._rows))
        self._rows |= {(row.partition, row.position): row for row in rows[:room]}
        return dict.fromkeys(rows[room:], "The table is full")

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Delete exactly these rows."""
        for row in rows:
            self._rows.pop((row.partition, row.position), None)

    def span(self, distribution: str) -> tuple[datetime, datetime] | tuple[()]:
        """Return when the oldest and the newest row were recorded, or nothing without any."""
        moments = [row.recorded_at for row in self.read(distribution)]
        return (moments[0], moments[-1]) if moments else ()

    def count(self, distribution: str) -> int:
        """Return how many rows wait."""
        return sum(row.distribution == distribution for row in self._rows.values())

    def read(
        self, distribution: str, until: datetime | None = None, after: str = ""
    ) -> Iterator[DirtyRow]:
        """Yield the rows recorded at or before `until` and beyond `after`, the oldest first."""
        rows = [row for row in self._rows.values() if row.distribution == distribution]
        for row in sorted(rows, key=attrgetter("position")):
            if row.position > after and (until is None or row.recorded_at <= until):
                yield row
