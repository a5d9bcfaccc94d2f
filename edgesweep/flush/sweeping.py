"""Delete the rows that a flush covers, and move those of a distribution that is gone.

A row recorded at or before `opened_at` - `MARGIN` tells of a change older than the invalidation,
whichever of our clocks stamped the two: each is within 5 s of true time. Recovery, which has not
read the rows, deletes by that rule alone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from edgesweep.dirty import UNROUTED, DirtyRow
from edgesweep.flush.journal import Flush, Journal
from edgesweep.flush.rows import DirtyRows, chunks
from edgesweep.flush.sender import CLOCKS_APART
from edgesweep.paths import matcher

MARGIN = CLOCKS_APART


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Deletes rows; the attributes are those of `Flusher`."""

    dirty: DirtyRows
    journal: Journal
    viewer_paths: Callable[[DirtyRow], Iterable[str]]
    strict: Callable[[str], bool]

    def delete_older(self, flush: Flush) -> None:
        """Delete the rows that are covered by what was accepted of a flush, and older than it.

        What it has left out because a flush before it had it accepted counts as well, for rows that
        are older than that one.
        """
        sent = list(self._sent(flush))
        if not sent:
            return

        def covered(row: DirtyRow) -> bool:
            since = [matches for until, matches in sent if row.recorded_at <= until]
            return all(any(one(path) for one in since) for path in self.viewer_paths(row))

        older = self.dirty.read(flush.distribution, until=sent[0][0])
        for chunk in chunks(filter(covered, older)):
            self.dirty.delete(chunk)

    def _sent(self, flush: Flush) -> Iterator[tuple[datetime, Callable[[str], bool]]]:
        """Yield what was accepted of a flush and of those before it, and until when each counts."""
        while True:
            if flush.accepted:
                matches = matcher(flush.done, strict=self.strict(flush.distribution))
                yield flush.opened_at - MARGIN, matches
            if flush.replaces is None:
                return
            flush = self.journal.load(flush.distribution, flush.replaces)

    def unroute(self, distribution: str) -> None:
        """Let the rows of a distribution that is gone wait for another one."""
        for chunk in chunks(self.dirty.read(distribution)):
            moved = {row: replace(row, distribution=UNROUTED) for row in chunk}
            unwritten = self.dirty.add(list(moved.values()))
            self.dirty.delete([row for row in chunk if moved[row] not in unwritten])
