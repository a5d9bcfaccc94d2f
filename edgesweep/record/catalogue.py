"""The catalogue of known objects; `edgesweep.record.unchanged` has the rule, and why it is safe."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from edgesweep.dirty import Change, Kind

Name = tuple[str, str]  # a bucket and a key

# Writes to a bucket without versions, or with suspended ones, all have this for a version.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersionSuspendedBehavior.html
NULL = "null"


@dataclass(frozen=True, slots=True)
class Head:
    """The answer to a HEAD request."""

    etag: str  # without quotes, as events have it
    headers: Sequence[str]  # fingerprints of the headers that viewers see, the current one first
    modified_at: datetime  # when the object was written, in whole seconds
    seen_at: datetime  # when S3 answered, in whole seconds of its clock
    version: str | None = None  # which version it is; absent without versions
    # CRC-64/NVME of the whole object, if S3 has it: a shorter one would soon be equal by accident.
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A known object: the same as in `Head`, and since when it holds."""

    etag: str
    headers: str  # the fingerprint that was the current one
    since: datetime | None = None  # it holds only for events after this moment; None: for all
    # Entries of earlier releases lack these.
    version: str | None = None
    seen_at: datetime | None = None
    checksum: str | None = None

    def is_complete(self, since: datetime | None) -> bool:
        """Tell whether it was seen after `since`, the end of the last gap in the events, if any."""
        return since is None or (self.seen_at is not None and self.seen_at >= since)

    def is_same_as(self, head: Head) -> bool:
        """Tell whether viewers get the same bytes and headers."""
        as_whole = head.checksum is not None and head.checksum == self.checksum
        return (as_whole or head.etag == self.etag) and self.headers in head.headers

    def is_confirmed(self, head: Head, events: Sequence[Change]) -> bool:
        """Tell whether the object is as known, and was not written after any of the events."""
        created = [event for event in events if event.kind is Kind.CREATED]
        return (
            self.is_same_as(head)
            # After a removal, only the known etag proves that nothing was written in between.
            and (head.etag == self.etag or len(created) == len(events))
            and all(
                event.etag == head.etag
                and head.modified_at <= event.begun_by
                and event.version in (None, head.version)
                for event in created
            )
        )

    def may_outlive(self, event: Change) -> bool:
        """Tell whether the object may still be as known after an event of it."""
        if self.since is not None and event.changed_at <= self.since:
            return False
        if event.kind is Kind.CREATED:
            return event.etag == self.etag or self.checksum is not None
        # A removal has to be of another version than this.
        return self.version is not None and event.version not in (None, NULL, self.version)


# Returns what HEAD requests see, None if S3 says that nothing is there; a failed request has none.
Heads = Callable[[Collection[Name]], Mapping[Name, Head | None]]


class Catalogue(Protocol):
    """Keeps entries. An object without one is unknown."""

    def known(self, names: Collection[Name]) -> Mapping[Name, Entry]:
        """Return the entries of the known objects; consistent with every earlier write."""

    def forget(self, names: Collection[Name], token: str) -> Mapping[Name, str]:
        """Make objects unknown under a token; return failures, and why."""

    def learn(self, entries: Mapping[Name, Entry], token: str) -> Mapping[Name, str]:
        """Set the entries of objects still unknown under `token`; return failures, and why."""
