"""Dirty rows in memory."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from edgesweep.dirty import FOREVER, DirtyRow, Span, instant

# Sorts after every shard.
_LAST = 1_000


class DirtyRowsInMemory:
    """The port of the table `dirty`.

    Args:
        room: how many rows it takes before it fails, for ever without.

    Attributes:
        room: as above.
    """

    def __init__(self, room: int | None = None) -> None:
        self._rows: dict[tuple[str, str], DirtyRow] = {}
        self._sorted: dict[str, list[tuple[str, int, DirtyRow]]] = defaultdict(list)
        self.room = room

    @property
    def rows(self) -> Sequence[DirtyRow]:
        """Every row, in the order in which it was written."""
        return list(self._rows.values())

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Write rows; return those for which there was no room."""
        room = len(rows) if self.room is None else max(0, self.room - len(self._rows))
        for row in rows[:room]:
            self._drop(row)
            self._rows[row.partition, row.position] = row
            insort(self._sorted[row.distribution], (row.position, row.shard, row))
        return dict.fromkeys(rows[room:], "The table is full")

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Delete exactly these rows."""
        for row in rows:
            self._drop(row)

    def move(self, moves: Mapping[DirtyRow, Sequence[DirtyRow]]) -> Mapping[DirtyRow, str]:
        """Put copies in the place of rows; return those that stay, each with the reason."""
        unmoved: dict[DirtyRow, str] = {}
        for row, copies in moves.items():
            if (row.partition, row.position) not in self._rows:
                unmoved[row] = "The row is gone"
            elif self.room is not None and len(self._rows) - 1 + len(copies) > self.room:
                unmoved[row] = "The table is full"
            else:
                self._drop(row)
                self.add(copies)
        return unmoved

    def span(self, distribution: str, shards: int = _LAST) -> Span | None:
        """Return the span of the rows, None if there are none."""
        moments = [
            row.recorded_at for _, shard, row in self._sorted[distribution] if shard < shards
        ]
        return Span(moments[0], moments[-1]) if moments else None

    def recent(self, distribution: str, most: int, shards: int = _LAST) -> Sequence[datetime]:
        """Return when the newest rows were recorded, the newest first."""
        rows = self._sorted[distribution]
        return [row.recorded_at for _, shard, row in reversed(rows) if shard < shards][:most]

    def count(self, distribution: str) -> int:
        """Return how many rows wait."""
        return len(self._sorted[distribution])

    def read(
        self,
        distribution: str,
        until: datetime = FOREVER,
        after: str = "",
        *,
        fully: bool = False,  # noqa: ARG002  # it knows of all
    ) -> Iterator[DirtyRow]:
        """Yield the rows recorded at or before `until` and beyond `after`, the oldest first."""
        yield from self.page(distribution, after, until)

    def page(
        self,
        distribution: str,
        after: str,
        until: datetime = FOREVER,
        most: int | None = None,
        shards: int = _LAST,
    ) -> list[DirtyRow]:
        """Return as many rows of some shards as one query does, the oldest first.

        Args:
            distribution: whose rows.
            after: only those beyond this position.
            until: only those recorded at or before this.
            most: how many; all unless given.
            shards: only those of so many shards.
        """
        rows = self._sorted[distribution]
        # "$" sorts right after the "#" that ends the instant in a position.
        start, end = bisect_left(rows, (after, _LAST)), bisect_left(rows, (f"{instant(until)}$",))
        found = (row for _, shard, row in islice(rows, start, end) if shard < shards)
        return list(islice(found, most))

    def _drop(self, row: DirtyRow) -> None:
        if self._rows.pop((row.partition, row.position), None) is not None:
            rows = self._sorted[row.distribution]
            del rows[bisect_left(rows, (row.position, row.shard))]
