"""Filters that break the rule of the catalogue in one place each."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from edgesweep.dirty import Change, Kind
from edgesweep.record.catalogue import Entry, Head, Heads, Name
from edgesweep.record.unchanged import Checked, UnchangedFilter, _is_of, _other_readings
from tests.fakes.catalogue import CatalogueInMemory
from tests.faults.catalogue.explorer import Explorer
from tests.faults.catalogue.uploads import Site, faithful, work_off


class NothingKnown(UnchangedFilter):
    """Takes everything for changed."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:  # noqa: ARG002  # as a UnchangedFilter
        return frozenset()


class HeadAlone(UnchangedFilter):
    """Compares what is known with the HEAD alone, not with the event."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        known = self.catalogue.known(events.keys())
        seen = self.heads(known.keys())
        return frozenset(
            name
            for name, head in seen.items()
            if head and head.etag == known[name].etag and known[name].headers in head.headers
        )


class EventAlone(UnchangedFilter):
    """Compares what is known with the event alone."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        known = self.catalogue.known(events.keys())
        return frozenset(
            name for name, entry in known.items() if all(map(entry.may_outlive, events[name]))
        )


class AnyWrite(UnchangedFilter):
    """Does not mind a write later than the event."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        later = datetime.max.replace(tzinfo=UTC)
        return super()._unchanged(
            {
                name: [replace(event, changed_at=later) for event in its_events]
                for name, its_events in events.items()
            }
        )


class StampAlone(UnchangedFilter):
    """Takes the stamp of an event for the moment at which its upload began."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        return super()._unchanged(
            {
                name: [replace(event, sequencer=None) for event in its_events]
                for name, its_events in events.items()
            }
        )


class AnyRemoval(UnchangedFilter):
    """Takes no removed version for one that viewers were served."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        return super()._unchanged(renamed(events, Kind.REMOVED, "another"))


class AnyVersion(UnchangedFilter):
    """Does not mind that another version is there than the one in the event."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        return super()._unchanged(renamed(events, Kind.CREATED, None))


@dataclass
class Altered:
    """Answers for `heads`, but with each answer altered; None stands for an object that is gone."""

    heads: Heads
    alter: Callable[[Mapping[Name, Head | None], Collection[Name]], Mapping[Name, Head | None]]

    def __call__(self, names: Collection[Name]) -> Mapping[Name, Head | None]:
        """Look and alter."""
        return self.alter(self.heads(names), names)


class AnyChecksum(UnchangedFilter):
    """Takes two missing checksums for equal."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        def alter(
            seen: Mapping[Name, Head | None], _names: Collection[Name]
        ) -> Mapping[Name, Head | None]:
            return {
                name: head and replace(head, checksum=head.checksum or "none")
                for name, head in seen.items()
            }

        heads = Altered(self.heads, alter)
        return UnchangedFilter._unchanged(replace(self, heads=heads), events)

    def _known(self, names: Collection[Name]) -> Mapping[Name, Entry]:
        known = super()._known(names).items()
        return {name: replace(one, checksum=one.checksum or "none") for name, one in known}


class SilentIsGone(UnchangedFilter):
    """Takes a reading for absent if its HEAD got no answer."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        def alter(
            seen: Mapping[Name, Head | None], names: Collection[Name]
        ) -> Mapping[Name, Head | None]:
            return {name: seen.get(name) for name in names}

        heads = Altered(self.heads, alter)
        return UnchangedFilter._unchanged(replace(self, heads=heads), events)


class OtherReading(UnchangedFilter):
    """Drops a reading, known or not, if the other has the event's etag and it has not."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        others = {name: _other_readings(events[name]) for name in events}
        heads = self.heads({*events}.union(*others.values()))
        return super()._unchanged(events) | {
            name
            for name in events
            if others[name]
            and not _is_of(heads.get(name), events[name])
            and all(_is_of(heads.get(other), events[name]) for other in others[name])
        }


class RemovedReading(UnchangedFilter):
    """Drops a reading whatever happened to it."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        return super()._unchanged(
            {
                name: [replace(event, kind=Kind.CREATED) for event in its_events]
                for name, its_events in events.items()
            }
        )


class MissedTrusted(UnchangedFilter):
    """Trusts entries from before events were missed."""

    def _known(self, names: Collection[Name]) -> Mapping[Name, Entry]:
        return self.catalogue.known(names)


def renamed(
    events: Mapping[Name, Sequence[Change]], kind: Kind, version: str | None
) -> Mapping[Name, Sequence[Change]]:
    """Return events with another version where they name one."""
    return {
        name: [
            replace(event, version=version) if event.kind is kind and event.version else event
            for event in its_events
        ]
        for name, its_events in events.items()
    }


class EntryBeforeRow(UnchangedFilter):
    """Learns before the row is written."""

    def check(self, changes: Iterable[Change], passed_over: Collection[Name] = ()) -> Checked:
        """Sift and learn."""
        checked = super().check(changes, passed_over)
        super().learn(checked, checked.seen.keys())
        return checked


class HeadAfterRow(UnchangedFilter):
    """Looks at the object when its row is written."""

    def learn(self, checked: Checked, recorded: Collection[Name]) -> Mapping[Name, str]:
        """Look again and learn."""
        seen = {name: head for name, head in self.heads(recorded).items() if head}
        return super().learn(replace(checked, seen=seen), recorded)


class HeadBeforeForgetting(UnchangedFilter):
    """Looks at the object before it forgets it."""

    def check(self, changes: Iterable[Change], passed_over: Collection[Name] = ()) -> Checked:
        """Sift, but with what was there before."""
        changes = list(changes)
        seen = self.heads({(change.bucket, change.key) for change in changes})
        checked = super().check(changes, passed_over)
        kept = {name: head for name, head in seen.items() if head and name in checked.seen}
        return replace(checked, seen=kept)


class EarlyStamp(UnchangedFilter):
    """Stamps rows when the batch is received."""

    def check(self, changes: Iterable[Change], passed_over: Collection[Name] = ()) -> Checked:
        """Sift without a stamp."""
        return replace(super().check(changes, passed_over), stamped_at=None)


class RemovalsKept(UnchangedFilter):
    """Remembers what was removed."""

    def check(self, changes: Iterable[Change], passed_over: Collection[Name] = ()) -> Checked:
        """Sift what was created alone."""
        created = [change for change in changes if change.kind is Kind.CREATED]
        return super().check(created, passed_over)


class PassedOverKept(UnchangedFilter):
    """Remembers what changed without a row."""

    def check(self, changes: Iterable[Change], passed_over: Collection[Name] = ()) -> Checked:  # noqa: ARG002  # as a UnchangedFilter
        """Sift what wants rows alone."""
        return super().check(changes)


@dataclass
class LongAgo:
    """Dates what it sees a day back."""

    heads: Heads

    def __call__(self, names: Collection[Name]) -> Mapping[Name, Head | None]:
        """Look and date."""
        seen = self.heads(names).items()
        return {
            name: head and replace(head, seen_at=head.seen_at - timedelta(days=1))
            for name, head in seen
        }


class SurveyForGood(UnchangedFilter):
    """Trusts a survey with events from before it."""

    def survey(self, names: Collection[Name]) -> int:
        """Survey as if it were long ago."""
        return UnchangedFilter(self.catalogue, LongAgo(self.heads), self.token, self.clock).survey(
            names
        )


@dataclass
class Interrupted(CatalogueInMemory):
    """Is overtaken once, as it begins what `at` names; with `tokenless` it minds no token."""

    at: str = ""
    meanwhile: Callable[[], None] | None = None
    tokenless: bool = False

    def learn(self, entries: Mapping[Name, Entry], token: str) -> Mapping[Name, str]:
        """Set entries."""
        if not self.tokenless:
            return super().learn(entries, token)
        self._note("learn", entries)
        self.entries |= entries
        return {}

    def _note(self, method: str, names: Collection[Name]) -> None:
        super()._note(method, names)
        if method == self.at and self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()


def overtaken(
    at: str, kind: type[UnchangedFilter] = UnchangedFilter, *, tokenless: bool = False
) -> Site:
    """Tell of a recorder of B that is overtaken by all that happens to C; then B comes again."""
    catalogue = Interrupted(at=at, tokenless=tokenless)
    site = Site(Explorer(Random(0)), catalogue)  # no secret
    unchanged, other = faithful(site, kind), faithful(site)
    other = replace(other, token=lambda: "other")

    def meanwhile() -> None:
        site.write(("C", "1"))
        work_off(site, other)

    site.write(("B", "1"))
    catalogue.meanwhile = meanwhile
    work_off(site, unchanged)
    site.explorer.step()
    site.write(("B", "1"))
    work_off(site, unchanged)
    return site


# The seed of a story that misses each.
MUTANTS: Mapping[type[UnchangedFilter], int] = {
    HeadAlone: 13,
    EventAlone: 10,
    AnyWrite: 160,
    StampAlone: 1435,
    AnyRemoval: 3398,
    AnyVersion: 2803,
    AnyChecksum: 35,
    EntryBeforeRow: 1649,
    HeadAfterRow: 14,
    EarlyStamp: 26,
    RemovalsKept: 11,
    PassedOverKept: 2614,
    MissedTrusted: 527,
}
