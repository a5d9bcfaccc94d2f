"""Wait until CloudFront has accepted every change that happened before; nothing is written.

Plan: first every change has to be recorded. S3 reports changes with a delay, so either its usual
delay passes, or the catalogue shows that the upload of an object has arrived: the recorder writes
the row before the entry. Then we mark the rows and the unfinished flush that are there. A row is
deleted only once CloudFront has accepted a request that covers it, so it is enough to see the
marked ones go. No clock of ours is compared with another one.

Each step yields why it waits, and looks again when it is asked for more.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from edgesweep.flush.journal import Lease
from edgesweep.flush.rows import Span
from edgesweep.operate.status import Observer
from edgesweep.record.catalogue import Catalogue, Entry, Head, Heads, Name

# "typically delivered in seconds but can sometimes take a minute or longer"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
EVENTS_TAKE = timedelta(seconds=60)

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Mark:
    """The rows and the unfinished flush of a distribution at one moment."""

    newest: datetime | None  # when the last of the rows was recorded
    unfinished: str | None

    @classmethod
    def of(cls, span: Span, lease: Lease) -> Self:
        return cls(span[1] if span else None, lease.unfinished)

    def settled(self, span: Span, lease: Lease) -> bool:
        """Tell whether all of them are gone, whatever came later."""
        rows = self.newest is not None and span and span[0] <= self.newest
        return not rows and (self.unfinished is None or self.unfinished != lease.unfinished)


def is_recorded(head: Head, entry: Entry | None, *, idle: bool) -> bool:
    """Tell whether the upload that a HEAD finds is recorded: it has its row, or needs none.

    An entry shows that by being the same. Without one, or where a survey made it after the upload,
    the usual delay has to be over and the queue `idle`.
    """
    idle = idle and head.seen_at - head.modified_at >= EVENTS_TAKE
    if entry is None:
        return idle
    same = entry.etag == head.etag or None is not entry.checksum == head.checksum
    by_event = entry.since is None or head.modified_at > entry.since
    return same and entry.headers in head.headers and (by_event or idle)


def recorded(
    names: Sequence[Name],
    catalogue: Catalogue,
    heads: Heads,
    queued: Callable[[], int],
    gone: list[str],
) -> Iterator[str]:
    """Wait until uploaded objects are recorded; the keys that are not there go to `gone`."""
    left = names
    while left:
        # The entry comes last: one that is the same was learnt from such an object.
        found = heads.look(left)
        known, idle = catalogue.known(left), not queued()
        gone += [name[1] for name in left if name in found and found[name] is None]
        there = {name: found.get(name) for name in left if name[1] not in gone}
        left = [
            name
            for name, head in there.items()
            if not head or not is_recorded(head, known.get(name), idle=idle)
        ]
        if left:
            yield f"{len(left):,} of {len(names):,} keys wait for S3's report: {left[0][1]!r}"


def reported(queued: Callable[[], int], clock: Clock) -> Iterator[str]:
    """Wait for the usual delay of events, and then until the queue is seen empty."""
    until = clock() + EVENTS_TAKE
    while clock() < until:
        yield f"S3 usually reports a change within {EVENTS_TAKE.seconds} s, by {until:%H:%M:%S} UTC"
    while waiting := queued():
        yield f"{waiting:,} messages are not recorded"


def accepted(observer: Observer, distributions: Iterable[str], clock: Clock) -> Iterator[str]:
    """Wait until CloudFront has accepted what waits now."""
    rows, journal = observer.rows, observer.journal
    for one, mark in [(one, Mark.of(rows.span(one), journal.lease(one))) for one in distributions]:
        while not mark.settled(span := rows.span(one), lease := journal.lease(one)):
            yield f"{one}: {observer.why(span, lease, clock())}"


def completed(observer: Observer, distributions: Iterable[str]) -> Iterator[str]:
    """Wait until CloudFront has completed all that it has accepted from us until now."""
    for one in distributions:
        for request in observer.journal.lease(one).in_progress:
            while observer.in_progress(one, request.id):
                yield f"{one}: CloudFront works on {request.id}"
