"""A dry run: adapters that read from AWS and keep their writes in memory.

A flusher on these takes every step of a real flush, so it reports exactly the paths of a real one.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter

from edgesweep.dirty import DirtyRow, DirtyRows, Span
from edgesweep.flush.discovery import DistributionStore
from edgesweep.flush.sender import Accepted, Answer, Edge
from edgesweep.routes.kept import Kept

_key, _position = attrgetter("partition", "position"), attrgetter("position")

# How the ids of invalidations begin that a dry run accepts, and that stay in progress.
_NOT_SENT = "not sent: "


class NotedEdge:
    """CloudFront, noting the paths of each distribution's requests; a dry run `sends` none."""

    def __init__(self, edge: Edge, *, sends: bool) -> None:
        self.paths: defaultdict[str, list[str]] = defaultdict(list)
        self.look_up = edge.look_up
        self._edge, self._sends = edge, sends

    def invalidate(self, distribution: str, paths: Sequence[str], reference: str) -> Answer:
        self.paths[distribution] += paths
        if self._sends:
            return self._edge.invalidate(distribution, paths, reference)
        return Accepted(_NOT_SENT + reference, datetime.now(UTC))

    def in_progress(self, distribution: str, invalidation: str) -> bool:
        made = invalidation.startswith(_NOT_SENT)
        return made or self._edge.in_progress(distribution, invalidation)


class DryRunRows:
    """Dirty rows, with additions and deletions kept in memory."""

    def __init__(self, dirty: DirtyRows) -> None:
        self._dirty = dirty
        self._added: dict[tuple[str, str], DirtyRow] = {}
        self._gone: set[tuple[str, str]] = set()

    def span(self, distribution: str) -> Span:
        if not self._gone and not self._added:
            return self._dirty.span(distribution)
        newest = self.recent(distribution)
        return (newest[-1], newest[0]) if newest else ()

    def recent(self, distribution: str, most: int | None = None) -> Sequence[datetime]:
        return [row.recorded_at for row in self.read(distribution)][::-1][:most]

    def read(
        self,
        distribution: str,
        until: datetime | None = None,
        after: str = "",
        *,
        everywhere: bool = False,
    ) -> Iterator[DirtyRow]:
        added = (
            row
            for row in sorted(self._added.values(), key=_position)
            if row.distribution == distribution
            and (until is None or row.recorded_at <= until)
            and row.position > after
        )
        found = self._dirty.read(distribution, until, after, everywhere=everywhere)
        kept = (row for row in found if _key(row) not in self._added)
        rows = heapq.merge(kept, added, key=_position)
        return (row for row in rows if _key(row) not in self._gone)

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        self._added |= {_key(row): row for row in rows}
        return {}

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        self._gone.update(map(_key, rows))

    def move(self, moves: Mapping[DirtyRow, Sequence[DirtyRow]]) -> Mapping[DirtyRow, str]:
        self.delete(list(moves))
        return self.add([copy for copies in moves.values() for copy in copies])


class DryRunStore:
    """The known distributions, with changes kept in memory."""

    def __init__(self, store: DistributionStore) -> None:
        self._kept = store.load()

    def load(self) -> Kept | None:
        return self._kept

    def save(self, kept: Kept) -> bool:
        self._kept = replace(kept, revision=kept.revision + 1)
        return True
