"""A dirty row: one change or one requested path, waiting for the flush of one distribution.

Rows are immutable and only ever appended: a path that changes again is a new row. A flusher deletes
exactly the rows that it read, so a change that lands during a flush cannot be lost.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import unquote

from edgesweep.errors import BadInput

# The partition of changes that no distribution serves.
UNROUTED = "unrouted"

# Seconds since 1970 and a fraction of one, in eight digits each.
_SEQUENCER = re.compile("0*([1-9A-F][0-9A-F]{7})[0-9A-F]{8}", re.IGNORECASE)
_INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"

# "The maximum length of a path is 4,000 characters"; a star may only end it, and "~" is refused.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
_QUOTED = re.compile(r"(?=.{1,4000}$)/[!-)+-}]*[*]?")


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

    @property
    def begun_by(self) -> datetime:
        """When the upload had begun at the latest: S3 dates objects by their beginning.

        `changed_at` is the end of the upload, or later. Every sequencer of S3 that we have seen
        begins with the second of the beginning, though AWS does not say so; one that is no time of
        the day before is ignored.
        """
        found = _SEQUENCER.fullmatch(self.sequencer or "")
        begun_by = datetime.fromtimestamp(int(found[1], 16) + 1 if found else 0, UTC)
        recent = self.changed_at - begun_by < timedelta(days=1)
        return min(begun_by, self.changed_at) if recent else self.changed_at


@dataclass(frozen=True, slots=True)
class RequestedPath:
    """An invalidation path that somebody asked for, whatever has changed.

    A row of it waits for the budget as the others do, and goes only with a path at least as wide:
    that path, the same in another spelling, or a wildcard that matches all that it matches.

    Attributes:
        path: as CreateInvalidation takes it; it is sent byte for byte, or something wider is.
        by: who asked for it.

    Raises:
        BadInput: it is not quoted, or says what only a wildcard that stops earlier can say.
    """

    path: str
    by: str

    def __post_init__(self) -> None:
        if not _QUOTED.fullmatch(self.path) or {*"~*?"} & {*unquote(self.path.removesuffix("*"))}:
            msg = (
                f"{self.path!r} is no path to invalidate: quote it, and end it with * before ~ * ?"
            )
            raise BadInput(msg)


@dataclass(frozen=True, slots=True)
class DirtyRow:
    """What one distribution has to forget.

    Attributes:
        distribution: a distribution id, or `UNROUTED`.
        subject: what happened to an object, or the path that somebody asked for.
        recorded_at: the recorder's clock when it received the change, or the moment of the request.
        token: random text that makes the row distinct from every other of the same instant.
        shard: which partition of the distribution holds the row.
    """

    distribution: str
    subject: Change | RequestedPath
    recorded_at: datetime
    token: str
    shard: int = 0

    @property
    def change(self) -> Change:
        """The change of a row that names an object.

        Raises:
            TypeError: it names a path.
        """
        if isinstance(self.subject, Change):
            return self.subject
        raise TypeError(self.subject)

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
