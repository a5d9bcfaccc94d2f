"""Find uploads that change nothing, by a catalogue of the objects that a bucket serves.

Goal: an upload that changes neither the bytes nor the headers that viewers see gets no dirty row.
A row too many costs a path; a row too few is a stale edge, so an unknown object counts as changed.

The rule. A created event is skipped if the catalogue knows the object, and a HEAD then finds the
event's own etag, the known bytes and headers, the version that the event names, and no write later
than the event's. The bytes are the same if the etag or the full-object checksum is, the headers if
`edgesweep.record.headers` says so. The permanent removal of a version is skipped if the catalogue
knows the object under another version, and a HEAD finds that etag and those headers. A skip writes
nothing. For any other event, in this order: forget the object (under a token of our own), HEAD,
stamp and write the dirty row, and learn the answer to the HEAD if the token still stands. A removal
forgets and learns nothing, unless another version may be there. So does a change without a row,
whose object is not swept or served now but may be one day. A forgotten object keeps its item, so it
differs from one that never changed.

Invariant: a HEAD saw every known object, a row was recorded after that HEAD, and no event of that
object was processed since. So the event of every version put after the HEAD is still to come, and
the row covers a version put before it. The cases, the clocks and the limits are in
`docs/decisions/5-uploads-that-change-nothing-are-skipped.md`.

Two readings. EventBridge may have encoded a key, so its event names two objects. One of them needs
no row for a created event if the catalogue does not know it, S3 says that it is not there, and the
other has the event's etag. If the event was its own after all, then it was removed since, and a
removal gets its rows under both readings. An object that is there, or that gives no answer, gets
its row.

Cost: see `bench/catalogue.py`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from edgesweep.dirty import Change, Kind
from edgesweep.record.catalogue import Catalogue, Entry, Head, Heads, Name

# Two clocks of S3 may differ by this, including the fraction of a second that an answer omits.
_SKEW = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Checked:
    """The objects of a batch of events."""

    unchanged: frozenset[Name] = frozenset()  # objects that viewers already see as they are
    refused: Mapping[Name, str] = field(default_factory=dict)  # why no row may be written now
    seen: Mapping[Name, Head] = field(default_factory=dict)  # changed objects that are there
    token: str = ""  # the token under which all changed objects were forgotten
    stamped_at: datetime | None = None  # later than every HEAD; None: there was none
    unseen: int = 0  # how many changed objects no HEAD saw: they are gone by now, or unreadable


@dataclass(frozen=True, slots=True)
class UnchangedFilter:
    catalogue: Catalogue
    heads: Heads
    token: Callable[[], str]
    clock: Callable[[], datetime]
    # Bucket -> up to when its events may have been missed, if ever.
    complete_since: Mapping[str, datetime] = field(default_factory=dict)

    def check(self, changes: Iterable[Change], passed_over: Collection[Name] = ()) -> Checked:
        """Find the unchanged objects of a batch, and forget the changed ones.

        Then rows have to be written, stamped `stamped_at` or later, and `learn` called after them.
        Other objects that changed are `passed_over`, and get no row.
        """
        events: dict[Name, list[Change]] = {}
        for change in changes:
            events.setdefault(change.name, []).append(change)
        unchanged = self._unchanged(events)
        changed = {name: events[name] for name in events if name not in unchanged}
        token = self.token()
        refused = self.catalogue.forget([*changed, *passed_over], token)
        asked = [name for name in changed if name not in refused and not _gone(changed[name])]
        seen = _there(self.heads(asked))
        return Checked(unchanged, refused, seen, token, self.clock(), len(asked) - len(seen))

    def learn(self, checked: Checked, recorded: Collection[Name]) -> Mapping[Name, str]:
        """Learn the seen objects whose rows are all written; return those that failed, and why."""
        entries = {name: _entry(head) for name, head in checked.seen.items() if name in recorded}
        return self.catalogue.learn(entries, checked.token)

    def survey(self, names: Collection[Name]) -> int:
        """Learn objects without any event; return how many of them are known now."""
        known = self._known(names).keys()
        unknown = [name for name in names if name not in known]
        token = self.token()
        refused = self.catalogue.forget(unknown, token)
        seen = _there(self.heads([name for name in unknown if name not in refused]))
        entries = {name: _entry(head, head.seen_at + _SKEW) for name, head in seen.items()}
        return len(known) + len(entries) - len(self.catalogue.learn(entries, token))

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        known = self._known([name for name in events if not _gone(events[name])])
        kept = {name: one for name, one in known.items() if all(map(one.may_outlive, events[name]))}
        doubtful = {
            name: others
            for name in events
            if name not in known and (others := _other_readings(events[name]))
        }
        heads = self.heads({*kept}.union(doubtful, *doubtful.values()))
        unchanged = {
            name
            for name, entry in kept.items()
            if (head := heads.get(name)) and entry.is_confirmed(head, events[name])
        }
        return frozenset(unchanged).union(
            name
            for name, others in doubtful.items()
            if name in heads
            and heads[name] is None
            and all(_is_of(heads.get(other), events[name]) for other in others)
        )

    def _known(self, names: Collection[Name]) -> Mapping[Name, Entry]:
        known, since = self.catalogue.known(names), self.complete_since
        return {name: one for name, one in known.items() if one.is_complete(since.get(name[0]))}


def _entry(head: Head, since: datetime | None = None) -> Entry:
    return Entry(head.etag, head.headers[0], since, head.version, head.seen_at, head.checksum)


def _there(heads: Mapping[Name, Head | None]) -> Mapping[Name, Head]:
    return {name: head for name, head in heads.items() if head is not None}


def _gone(events: Iterable[Change]) -> bool:
    """Tell whether the last event leaves nothing; another version may outlive a removal."""
    last = max(events, key=lambda event: event.changed_at)
    return last.kind is Kind.REMOVED and last.version is None


def _other_readings(events: Collection[Change]) -> frozenset[Name]:
    """Return how else the keys of created events can be read; none if an event settles that."""
    others = [(one.bucket, one.other) for one in events if one.kind is Kind.CREATED and one.other]
    return frozenset(others if len(others) == len(events) else ())


def _is_of(head: Head | None, events: Iterable[Change]) -> bool:
    """Tell whether one of the events wrote what is there."""
    return head is not None and head.etag in {event.etag for event in events}
