"""Wait until CloudFront has accepted every change that happened before; nothing is written.

Plan: first every change has to be recorded. S3 reports changes with a delay, so either its usual
delay passes, or the catalogue shows that the uploads have arrived: the recorder writes rows before
entries. Then the rows and the unfinished flush that we saw must be gone. A row is deleted only once
CloudFront has accepted a request that covers it. No clock of ours is compared with another clock.

Each step yields why it waits, and looks again when it is asked for more.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from edgesweep.operate.status import Observer, Seen
from edgesweep.record.catalogue import Entry, Head, Name
from edgesweep.record.unchanged import UnchangedFilter

# "typically delivered in seconds but can sometimes take a minute or longer"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
EVENTS_TAKE = timedelta(seconds=60)

Clock = Callable[[], datetime]


def reported(observer: Observer, clock: Clock) -> Iterator[str]:
    """Wait for the usual delay of events, and then until the queue is seen empty."""
    until = clock() + EVENTS_TAKE
    while clock() < until:
        yield f"S3 usually reports a change within {EVENTS_TAKE.seconds} s, by {until:%H:%M:%S} UTC"
    while waiting := observer.queued():
        yield f"{waiting:,} messages are not recorded"


def recorded(
    observer: Observer,
    names: Sequence[Name],
    known: UnchangedFilter,
    skipped: dict[str, str],
    check: Callable[[Name], object],
) -> Iterator[str]:
    """Wait until uploaded objects are recorded; the keys that are not there are `skipped`.

    An object without an answer is passed to `check`, which raises an error if none will come.
    """
    left = names
    while left:
        # The recorder writes entries last, so an equal entry was learnt from such an object.
        heads, entries = known.heads(left), known.catalogue.known(left)
        skipped.update({key: "not in the bucket" for (_, key), head in heads.items() if not head})
        if dark := [name for name in left if name not in heads]:
            check(dark[0])
        idle = not observer.queued()
        left = [
            name
            for name in left
            if name not in heads or not is_recorded(heads[name], entries.get(name), idle=idle)
        ]
        if left:
            yield f"{len(left):,} of {len(names):,} keys wait for S3's report: {left[0][1]!r}"


def is_recorded(head: Head | None, entry: Entry | None, *, idle: bool) -> bool:
    """Tell whether the upload that a HEAD finds is recorded: it has its row, or needs none.

    An entry that is the same shows that, unless a survey made it after the upload. Such an entry,
    or none, is enough only if the usual delay is over and the queue `idle`.
    """
    if head is None:
        return True
    overdue = idle and head.seen_at - head.modified_at >= EVENTS_TAKE
    if entry is None:
        return overdue
    by_event = entry.since is None or head.modified_at > entry.since
    return entry.is_same_as(head) and (by_event or overdue)


def accepted(
    observer: Observer, distributions: Iterable[str], clock: Clock, ask: Callable[[], None]
) -> Iterator[str]:
    """Wait until CloudFront has accepted what waits now.

    It calls `ask` for a flush now, once no flusher is at work, and again for what the flush leaves.
    """
    before = {one: observer.peek(one) for one in distributions}
    for one, seen in before.items():
        asked: object = None
        while remains(seen, now := observer.peek(one)):
            span, lease = now
            first = span and span.oldest, lease.unfinished
            if first != asked and not lease.held(clock()):
                asked = first
                ask()
            yield f"{one}: {observer.why(one, *now, clock())}"


def remains(before: Seen, now: Seen) -> bool:
    """Tell whether any of the earlier rows, or the earlier unfinished flush, is still there."""
    (span, lease), (later, held) = before, now
    rows = span and later and later.oldest <= span.newest
    return bool(rows or (lease.unfinished and lease.unfinished == held.unfinished))


def completed(observer: Observer, distributions: Iterable[str]) -> Iterator[str]:
    """Wait until CloudFront has completed all that it has accepted from us until now."""
    for one in distributions:
        for request in observer.journal.lease(one).in_progress:
            while observer.in_progress(one, request.id):
                yield f"{one}: CloudFront works on {request.id}"
