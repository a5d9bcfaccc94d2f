"""A dirty row: one change or one requested path, waiting for the flush of one distribution.

Rows are immutable and appended: a path that changes again is a new row. A flusher deletes exactly
the rows that it read, so a change that lands during a flush cannot be lost.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import unquote

from edgesweep.errors import BadInput

T = TypeVar("T")

UNROUTED = "unrouted"  # the partition of changes that no distribution serves
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # before any moment that matters
FOREVER = datetime.max.replace(tzinfo=UTC)  # after any
CHUNK = 1_000  # rows between two renewals of the lease

# "The object key name is a sequence of Unicode characters with UTF-8 encoding of up to 1,024 bytes
# long." https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MAX_KEY_BYTES = 1_024

# Seconds since 1970 and a fraction of one, in eight digits each.
_SEQUENCER = re.compile("0*([1-9A-F][0-9A-F]{7})[0-9A-F]{8}", re.IGNORECASE)

# "The maximum length of a path is 4,000 characters"; a star may only end it, and "~" is refused.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
_QUOTED = re.compile(r"(?=.{1,4000}$)/[!-)+-}]*[*]?")
_INEXACT = re.compile("[~*?\ud800-\udfff]")  # once unquoted; the last are bytes that are not UTF-8
_SHOWN = 200  # characters of a path in an error
# A cache tag, without a character at which we cut a path that CloudFront refuses.
_TAG = re.compile(r"#[!-$&()+\--~]{1,256}")


class Kind(StrEnum):
    """What happened to an object."""

    CREATED = "created"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one object, which viewers may still see as it was before."""

    bucket: str
    key: str  # decoded
    kind: Kind
    changed_at: datetime  # when S3 finished the request, in UTC
    etag: str | None = None  # absent where the event lacks it, as for a permanent removal
    size: int | None = None  # bytes; absent as `etag` is
    sequencer: str | None = None  # hexadecimal text that orders the changes of one key
    # The version written or permanently removed; absent without versions, and for a delete marker.
    version: str | None = None
    other: str | None = field(default=None, compare=False)  # another reading of the event's key

    @property
    def name(self) -> tuple[str, str]:
        """The object: its bucket and its key."""
        return self.bucket, self.key

    @property
    def begun_by(self) -> datetime:
        """The latest time at which the upload can have begun; S3 dates objects by that."""
        # `changed_at` is the end of the upload, or later. Every sequencer that we have seen starts
        # with the second in which the upload began, though AWS does not document it. A sequencer
        # that is no time of the day before `changed_at` is ignored.
        found = _SEQUENCER.fullmatch(self.sequencer or "")
        begun_by = datetime.fromtimestamp(int(found[1], 16) + 1 if found else 0, UTC)
        recent = self.changed_at - begun_by < timedelta(days=1)
        return min(begun_by, self.changed_at) if recent else self.changed_at


@dataclass(frozen=True, slots=True)
class RequestedPath:
    """An invalidation path or a cache tag (`#tag`) that somebody requested, changed or not.

    Its row waits for the budget like any other, and only a path that matches at least as much
    removes it: that path, another spelling of it, or a wider wildcard. It raises BadInput if the
    path is not quoted, or if only a wildcard that stops earlier can express it.
    """

    path: str  # quoted; the flusher sends it byte for byte, or something wider
    by: str  # who requested it

    def __post_init__(self) -> None:
        # A plain "?" begins a query string; an encoded "?" is a part of a key.
        text = unquote(self.path.removesuffix("*").replace("?", ""), errors="surrogateescape")
        quoted = _QUOTED.fullmatch(self.path) and not _INEXACT.search(text)
        if self.path.endswith("?") or not (quoted or _TAG.fullmatch(self.path)):
            raise BadInput(
                f"{self.path[:_SHOWN]!r} is not an invalidation path: quote its UTF-8 in 4,000 "
                "characters at most, and end it with * before ~ * ?"
            )

    @property
    def tag(self) -> bool:
        return self.path.startswith("#")


@dataclass(frozen=True, slots=True)
class DirtyRow:
    """Something that one distribution has to forget."""

    distribution: str  # a distribution id, or `UNROUTED`
    subject: Change | RequestedPath
    recorded_at: datetime  # the recorder's clock when it received the change or the request
    token: str  # random text that tells rows of the same instant apart
    shard: int = 0  # which partition of the distribution holds the row

    @property
    def change(self) -> Change:
        """The change of an object; raises TypeError if the row holds a requested path."""
        if isinstance(self.subject, Change):
            return self.subject
        raise TypeError(self.subject)

    @property
    def since(self) -> datetime:
        """When it was changed or requested."""
        return self.subject.changed_at if isinstance(self.subject, Change) else self.recorded_at

    @property
    def removal(self) -> bool:
        """Whether an object was removed, which people may have to take down at once."""
        return isinstance(self.subject, Change) and self.subject.kind is Kind.REMOVED

    @property
    def partition(self) -> str:
        return partition(self.distribution, self.shard)

    @property
    def position(self) -> str:
        """The row's sort key, which sorts rows by the time they were recorded."""
        return f"{instant(self.recorded_at)}#{self.token}"


class Span(NamedTuple):
    """When the oldest and the newest dirty row of a distribution were recorded."""

    oldest: datetime
    newest: datetime


class DirtyWriter(Protocol):
    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Write rows; return those that could not be written, each with the reason."""


class DirtyRows(DirtyWriter, Protocol):
    def span(self, distribution: str) -> Span | None:
        """Return the span of the rows, None if there are none."""

    def recent(self, distribution: str, most: int) -> Sequence[datetime]:
        """Return when the newest rows were recorded, the newest first."""

    def read(
        self, distribution: str, until: datetime = FOREVER, after: str = "", *, fully: bool = False
    ) -> Iterator[DirtyRow]:
        """Yield rows, the oldest first, strongly consistent.

        They were recorded at or before `until`, and lie beyond the position `after`. If read
        `fully`, they include partitions that this process does not know of yet.
        """

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Delete exactly these rows."""

    def move(self, moves: Mapping[DirtyRow, Sequence[DirtyRow]]) -> Mapping[DirtyRow, str]:
        """Put copies in the place of rows; return the rows that stay, each with the reason.

        A crash leaves a row or its copies, never both, unless it has a hundred copies or more. A
        row without copies is deleted, and a row that is gone gets no copies.
        """


def partition(distribution: str, shard: int) -> str:
    return f"{distribution}#{shard}"


def distribution_of(partition: str) -> str:
    return partition.rpartition("#")[0]


def instant(moment: datetime) -> str:
    """Return UTC text that sorts like the moments, and that `datetime.fromisoformat` reads.

    >>> instant(datetime(2026, 11, 23, 9, 5, tzinfo=UTC))
    '2026-11-23T09:05:00.000000Z'
    """
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def count(number: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless the number is one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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
