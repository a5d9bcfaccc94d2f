"""A dirty row: one change, waiting for the flush of one distribution.

Rows are immutable and only ever appended: a path that changes again is a new row. A flusher deletes
exactly the rows that it read, so a change that lands during a flush cannot be lost.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

# The partition of changes that no distribution serves.
UNROUTED = "unrouted"

_INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Kind(StrEnum):
    """What happened to an object."""

    CREATED = "created"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """One object whose bytes are not what viewers may still be served.

    Attributes:
        bucket: the bucket's name.
        key: the object's key, decoded.
        kind: created or removed.
        changed_at: when S3 finished the request, in UTC.
        etag: absent where S3 does not say it, as for a permanent removal.
        size: bytes; absent as `etag` is.
        sequencer: hexadecimal text that orders the changes of one key.
        version: the version that was written, or that is gone for good; absent without versions,
            and where the mark of a removal hides the object.
    """

    bucket: str
    key: str
    kind: Kind
    changed_at: datetime
    etag: str | None = None
    size: int | None = None
    sequencer: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class DirtyRow:
    """One change of one object, to be forgotten by one distribution.

    Attributes:
        distribution: a distribution id, or `UNROUTED`.
        change: what happened to the object.
        recorded_at: the recorder's clock when it received the change.
        token: random text that makes the row distinct from every other of the same instant.
        shard: which partition of the distribution holds the row.
    """

    distribution: str
    change: Change
    recorded_at: datetime
    token: str
    shard: int = 0

    @property
    def partition(self) -> str:
        """The row's partition key."""
        return partition(self.distribution, self.shard)

    @property
    def position(self) -> str:
        """The row's sort key: rows of a partition sort by the time they were recorded."""
        return f"{instant(self.recorded_at)}#{self.token}"


def partition(distribution: str, shard: int) -> str:
    """Return the partition key of a distribution's shard."""
    return f"{distribution}#{shard}"


def instant(moment: datetime) -> str:
    """Return UTC text that sorts as the moments do.

    >>> instant(datetime(2026, 11, 23, 9, 5, tzinfo=UTC))
    '2026-11-23T09:05:00.000000Z'
    """
    return moment.astimezone(UTC).strftime(_INSTANT)


def parse_instant(text: str) -> datetime:
    """Return the moment that `instant` wrote."""
    return datetime.fromisoformat(text)
