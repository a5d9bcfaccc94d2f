"""Tell uploads that change nothing: what the bucket serves, remembered for each object.

Goal: an upload that changes neither the bytes nor the headers that viewers see gets no dirty row.
A row too many costs a path; a row too few is a stale edge, so what is unknown counts as changed.

The rule. A created event is skipped if the catalogue knows the object, the event's own etag is the
one it knows, and a HEAD then finds that etag, those headers, the version that the event names, and
no write later than the event's. The permanent removal of a version is skipped if the catalogue
knows the object under another version, and a HEAD finds that etag and those headers. A skip writes
nothing. For any other event, in this order: forget what is known (under a token of our own), HEAD,
stamp and write the dirty row, and learn what the HEAD saw if the token still stands. A removal
forgets and learns nothing, unless another version may be there. So does a change without a row, as
its object is not swept or served: it may be one day. A forgotten object keeps its item, so that it
differs from one that never changed.

Invariant: what is known was seen by a HEAD, a row was recorded after that HEAD, and no event of
that object was worked on since. So of every version put after the HEAD the event is still to come,
and a version put before it is in the row. What can happen:

- Two writes, their events reordered: the event of the version that is gone has another etag, so it
  forgets; the HEAD afterwards sees the version that is there, and its row is late enough for both.
- A-B-A within seconds: if the second A is skipped, then by what was known before B's event came.
  That event is still to come; it has another etag, and its row is recorded after the second A.
- Two recorders at once: the later token wins; the other finds its own gone and learns nothing. Set
  without the token, the entry would say what was there before the other's row.
- Set before the row, a crash between leaves an entry that nothing was invalidated for. A HEAD after
  the row sees versions that the row does not cover. A row stamped before the HEAD may be deleted
  with a flush that was sent before it.
- A copy onto itself that changes headers keeps the etag: the HEAD finds other headers.
- Events delivered twice or late: they are skipped only under the conditions above. A crash anywhere
  leaves the entry unknown, and the message comes back.
- Versions: a HEAD sees the current one. Say W is known, and another version V is removed. Either V
  was not current, and nothing changed. Or W gave way before, by an event that was skipped, as the
  same bytes and headers were there, or is still to come. That one then gets its row, late enough:
  the version that it names is gone, or is not as W was. Without a version on either side, or with
  the version `null`, a removal counts as a change. So does the removal of W itself, even if the
  same was uploaded again, and skipped, before.
- Restoring an archived object and moving it between storage classes change no byte and no header
  that is compared, and are no created events.
- SSE-KMS and SSE-C: the etag is no digest and differs with every upload, so nothing is skipped.
- Multipart uploads: the etag depends on the part size as well. Other parts, another etag: a row.
  The same etag for other bytes takes an MD5 collision, made on purpose by somebody who may upload.
- A first run over existing objects (`survey`) writes no row. Its entries therefore say since when
  they hold, and no event up to then is skipped by them.

Clocks. A row is stamped by the recorder's clock after the HEAD: the flusher allows both clocks 5 s
when it deletes by that stamp. Whether an object was written after an event, and since when an entry
of a survey holds, is told by S3's clock alone: the machine that surveys may be off by any amount.

Limits. Where events name no version, headers alone changed and changed back (A-B-A) may be skipped
both, if the way back has a Last-Modified no later than the way there; the edge then keeps B's
headers until its TTL. Both have whole seconds, so they were at most two apart. Where a sequencer
does not tell when an upload began, the way there counts as late as its event is stamped.

It is events that are trusted. Where some of a bucket may have been missed, no entry is trusted
whose HEAD was answered before events came again (`edgesweep.flush.gaps`). A survey sees no edge: it
assumes that viewers get the objects that are there.

An edge keeps the Last-Modified and the version id of an earlier upload than one that is skipped. Of
the readings of a key that EventBridge may have encoded, the one that is not there gets its rows.

Cost: see `bench/catalogue.py`.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Protocol

from edgesweep.dirty import Change, Kind

# A bucket and a key.
Name = tuple[str, str]

# Response headers that S3 sends on to viewers as they were uploaded; user metadata beside them.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html#API_HeadObject_ResponseSyntax
_VIEWED = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "expires",
        "x-amz-website-redirect-location",
    }
)
_METADATA = "x-amz-meta-"

# Writes to a bucket without versions, or with suspended ones, all have this for a version.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersionSuspendedBehavior.html
NULL = "null"

# What two clocks of S3 may be apart, and the fraction of a second that an answer does not tell.
_SKEW = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Head:
    """What a HEAD request saw.

    Attributes:
        etag: without quotes, as events have it.
        headers: the fingerprint of the headers that viewers see.
        modified_at: when the object was written, in whole seconds.
        seen_at: when S3 answered, in whole seconds of its clock.
        version: which version it is; absent without versions.
    """

    etag: str
    headers: str
    modified_at: datetime
    seen_at: datetime
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of an object.

    Attributes:
        etag: as in `Head`.
        headers: as in `Head`.
        since: events up to this moment are not judged by the entry; None: every event is.
        version: as in `Head`; absent also in entries that were learnt before it was kept.
        seen_at: as in `Head`; absent in entries that were learnt before it was kept.
    """

    etag: str
    headers: str
    since: datetime | None = None
    version: str | None = None
    seen_at: datetime | None = None

    def is_complete(self, since: datetime | None) -> bool:
        """Tell whether no event was missed after it was seen.

        Args:
            since: the moment up to which events may have been missed; None: never.
        """
        return since is None or (self.seen_at is not None and self.seen_at >= since)

    def may_hold_after(self, events: Iterable[Change]) -> bool:
        """Tell whether events of the object all say that it is still as known."""
        return all(
            (event.etag == self.etag if event.kind is Kind.CREATED else self._outlives(event))
            and (self.since is None or event.changed_at > self.since)
            for event in events
        )

    def is_confirmed(self, head: Head, events: Iterable[Change]) -> bool:
        """Tell whether the object is as known, and was not written after any of the events."""
        return (head.etag, head.headers) == (self.etag, self.headers) and all(
            head.modified_at <= event.begun_by and event.version in (None, head.version)
            for event in events
            if event.kind is Kind.CREATED
        )

    def _outlives(self, removal: Change) -> bool:
        """Tell whether a version is gone for good that is another one than this."""
        return self.version is not None and removal.version not in (None, NULL, self.version)


class Catalogue(Protocol):
    """Keeps entries. An object without one is unknown."""

    def known(self, names: Collection[Name]) -> Mapping[Name, Entry]:
        """Return the entries of those that are known; consistent with every earlier write."""

    def forget(self, names: Collection[Name], token: str) -> Mapping[Name, str]:
        """Make objects unknown under a token; return those that were not, with the reason."""

    def learn(self, entries: Mapping[Name, Entry], token: str) -> Mapping[Name, str]:
        """Set the entries of objects still unknown under `token`, and of no other.

        Returns:
            Those that failed for another reason, with that reason.
        """


class Heads(Protocol):
    """Sends HEAD requests."""

    def look(self, names: Collection[Name]) -> Mapping[Name, Head]:
        """Return what is there; an object is missing if its HEAD failed for whatever reason."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What events are about.

    Attributes:
        unchanged: objects as viewers know them.
        refused: changed objects for which no row may be written now, with the reason.
        seen: changed objects that are there.
        token: what `seen` and all other changed objects were forgotten under.
        stamped_at: later than every HEAD; None: there was none.
        unseen: how many changed objects no HEAD saw: they are gone by now, or not ours to read.
    """

    unchanged: frozenset[Name] = frozenset()
    refused: Mapping[Name, str] = field(default_factory=dict)
    seen: Mapping[Name, Head] = field(default_factory=dict)
    token: str = ""
    stamped_at: datetime | None = None
    unseen: int = 0


class NoCatalogue:
    """Takes every object for changed, and asks nobody."""

    def check(self, _changes: Iterable[Change], _passed_over: Collection[Name] = ()) -> Checked:
        """Say so."""
        return Checked()

    def learn(self, _checked: Checked, _recorded: Collection[Name]) -> Mapping[Name, str]:
        """Learn nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class UnchangedFilter:
    """Tells changed objects from unchanged ones.

    Attributes:
        catalogue: what is known.
        heads: looks at objects.
        token: a source of random text.
        clock: the present.
        complete_since: bucket -> up to when events of it may have been missed; never unless given.
    """

    catalogue: Catalogue
    heads: Heads
    token: Callable[[], str]
    clock: Callable[[], datetime]
    complete_since: Mapping[str, datetime] = field(default_factory=dict)

    def check(self, changes: Iterable[Change], passed_over: Collection[Name] = ()) -> Checked:
        """Tell what a batch of changes is about, and forget what has changed.

        Rows have to be written afterwards, stamped `stamped_at` or later, and `learn` after them.
        """
        events = _by_name(changes)
        unchanged = self._unchanged(events)
        changed = {name: events[name] for name in events if name not in unchanged}
        token = self.token()
        refused = self.catalogue.forget([*changed, *passed_over], token)
        asked = [name for name in changed if name not in refused and not _gone(changed[name])]
        seen = self.heads.look(asked)
        return Checked(unchanged, refused, seen, token, self.clock(), len(asked) - len(seen))

    def learn(self, checked: Checked, recorded: Collection[Name]) -> Mapping[Name, str]:
        """Learn what was seen of the objects whose rows are all written.

        Returns:
            Those that failed, with the reason: they stay unknown.
        """
        entries = {name: _entry(head) for name, head in checked.seen.items() if name in recorded}
        return self.catalogue.learn(entries, checked.token)

    def survey(self, names: Collection[Name]) -> int:
        """Learn objects without any event; return how many of them are known now."""
        known = self._known(names).keys()
        unknown = [name for name in names if name not in known]
        token = self.token()
        refused = self.catalogue.forget(unknown, token)
        seen = self.heads.look([name for name in unknown if name not in refused])
        entries = {name: _entry(head, head.seen_at + _SKEW) for name, head in seen.items()}
        return len(known) + len(entries) - len(self.catalogue.learn(entries, token))

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        known = self._known([name for name in events if not _gone(events[name])])
        likely = {
            name: entry for name, entry in known.items() if entry.may_hold_after(events[name])
        }
        seen = self.heads.look(likely.keys())
        return frozenset(
            name for name, head in seen.items() if likely[name].is_confirmed(head, events[name])
        )

    def _known(self, names: Collection[Name]) -> Mapping[Name, Entry]:
        known, since = self.catalogue.known(names), self.complete_since
        return {name: one for name, one in known.items() if one.is_complete(since.get(name[0]))}


def fingerprint(headers: Mapping[str, str]) -> str:
    """Return a digest of the headers that viewers see.

    Args:
        headers: response headers of S3, their names in lower case.

    >>> fingerprint({"content-type": "text/css", "date": "now"}) == fingerprint(
    ...     {"content-type": "text/css"}
    ... )
    True
    """
    viewed = sorted(
        (name, value)
        for name, value in headers.items()
        if name in _VIEWED or name.startswith(_METADATA)
    )
    return hashlib.sha256(json.dumps(viewed).encode()).hexdigest()


def name_of(change: Change) -> Name:
    """Return the object that changed."""
    return change.bucket, change.key


def _by_name(changes: Iterable[Change]) -> dict[Name, list[Change]]:
    events: dict[Name, list[Change]] = {}
    for change in changes:
        events.setdefault(name_of(change), []).append(change)
    return events


def _entry(head: Head, since: datetime | None = None) -> Entry:
    return Entry(head.etag, head.headers, since, head.version, head.seen_at)


def _gone(events: Iterable[Change]) -> bool:
    """Tell whether nothing is there after the last event; another version may outlive a removal."""
    last = max(events, key=attrgetter("changed_at"))
    return last.kind is Kind.REMOVED and last.version is None
