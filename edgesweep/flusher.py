"""Flush: dirty rows in, at most one invalidation for each distribution and tick."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edgesweep.answers import Accepted, Answer
from edgesweep.cover import Cover, cover
from edgesweep.dirty import DirtyRow
from edgesweep.paths import aliases, viewer_path

# Rows of one tick; the rest goes next tick.
MAX_ROWS = 200_000


class DirtyRows(Protocol):
    """The rows that wait."""

    def span(self, distribution: str) -> tuple[datetime, datetime] | None:
        """Return when the oldest and the newest row were recorded, or None without any."""
        ...

    def read(self, distribution: str, limit: int) -> Sequence[DirtyRow]:
        """Return up to `limit` rows, the oldest first."""
        ...

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Delete exactly these rows."""
        ...


class Edge(Protocol):
    """Takes invalidations."""

    def invalidate(self, distribution: str, paths: Sequence[str], reference: str) -> Answer:
        """Ask once for an invalidation of quoted paths."""
        ...


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a tick did for one distribution.

    Attributes:
        distribution: its id.
        rows: dirty rows that were read.
        cover: the paths chosen for them.
        answer: what CloudFront said.
    """

    distribution: str
    rows: int
    cover: Cover
    answer: Answer


@dataclass(frozen=True, slots=True)
class Flusher:
    """Empties the dirty rows of distributions into invalidations."""

    dirty: DirtyRows
    edge: Edge

    def flush(self, distribution: str) -> Flushed | None:
        """Invalidate what is dirty, and delete exactly the rows that were read.

        Returns:
            What was done, or None when nothing was dirty.
        """
        if self.dirty.span(distribution) is None:
            return None
        rows = self.dirty.read(distribution, MAX_ROWS)
        chosen = cover(dirty_paths(rows))
        answer = self.edge.invalidate(distribution, chosen.paths, reference(rows))
        if isinstance(answer, Accepted):
            self.dirty.delete(rows)
        return Flushed(distribution, len(rows), chosen, answer)


def dirty_paths(rows: Iterable[DirtyRow]) -> set[str]:
    """Return every viewer path under which the rows' objects may be cached."""
    return {path for row in rows for path in aliases(viewer_path(row.change.key))}


def reference(rows: Iterable[DirtyRow]) -> str:
    """Return the caller reference of a flush: the same rows always give the same one."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.partition} {row.position}\n".encode())
    return digest.hexdigest()
