"""Delete the rows that a flush covers, and the rows of a distribution that is gone.

A change whose row was recorded at or before `opened_at` - `MARGIN` is older than the invalidation:
each clock is within 5 s of true time. Recovery has not read the rows, and deletes by that alone.

A tick sweeps a portion, and the journal keeps the place for the next tick. The sweep reads only
rows that are older than the flush, so it ends however many rows arrive meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from edgesweep.dirty import DirtyRow, DirtyRows, chunks
from edgesweep.flush.journal import Flush, HeldLease
from edgesweep.flush.sender import CLOCKS_APART
from edgesweep.paths import matcher
from edgesweep.routes import Routes

MARGIN = CLOCKS_APART

# A portion reads no more rows than this, and ends after this time.
MAX_SWEPT = 1_000_000
SWEEP_TIME = timedelta(minutes=1)
NOTED_EVERY = 10  # chunks after which we note the place, so a death in a portion loses little of it
_DELETED_AT_ONCE = 25  # rows of one BatchWriteItem: each may take a while when DynamoDB throttles


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Deletes rows; the attributes are those of `Flusher`."""

    dirty: DirtyRows
    routes: Routes

    def delete(self, rows: Iterator[DirtyRow], held: HeldLease) -> bool:
        """Delete a portion of rows; return whether it was the last portion."""
        for chunk in self._portion(rows, held):
            self._delete(chunk, held)
        return next(rows, None) is None

    def sweep(self, flush: Flush, held: HeldLease, *, fully: bool = True) -> tuple[Flush, bool]:
        """Delete a portion of the older rows that a flush covers; tell whether it was the last.

        The accepted paths of a flush that it replaced count too, for rows older than that flush. If
        another process planned it, sweep `fully`: it may have known of more partitions.
        """
        sent = list(self._sent(flush, held))
        if not sent:
            return flush, True

        def covered(row: DirtyRow) -> bool:
            since = [matches for until, matches in sent if row.recorded_at <= until]
            return all(any(one(path) for one in since) for path in self.routes.paths_of(row))

        until, place = sent[0][0], flush.swept
        older = self.dirty.read(flush.distribution, until, place, fully=fully)
        for number, chunk in enumerate(self._portion(older, held), 1):
            self._delete(list(filter(covered, chunk)), held)
            place = chunk[-1].position
            if not number % NOTED_EVERY:
                flush = held.journal.advance(flush, flush.sweep(place))
        if next(older, None) is None:
            return flush, True
        return held.journal.advance(flush, flush.sweep(place)), False

    def _delete(self, rows: Sequence[DirtyRow], held: HeldLease) -> None:
        for batch in chunks(rows, _DELETED_AT_ONCE):
            held.keep()
            self.dirty.delete(batch)

    def _portion(self, rows: Iterator[DirtyRow], held: HeldLease) -> Iterator[Sequence[DirtyRow]]:
        ends_at, looked = held.clock() + SWEEP_TIME, 0
        for chunk in chunks(rows):
            held.keep()
            yield chunk
            looked += len(chunk)
            if looked >= MAX_SWEPT or held.clock() >= ends_at:
                return

    def _sent(
        self, flush: Flush, held: HeldLease
    ) -> Iterator[tuple[datetime, Callable[[str], bool]]]:
        """Yield for each flush the newest time of a row it covers, and a test of its paths."""
        one: Flush | None = flush
        while one is not None:
            if one.accepted:
                matches = matcher(one.done, strict=self.routes.strict(one.distribution))
                yield one.opened_at - MARGIN, matches
            one = held.journal.load(one.distribution, one.replaces) if one.replaces else None
