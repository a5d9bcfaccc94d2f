"""No interleaving of writers, recorders and crashes leaves a change without a later row.

One object is written, copied onto itself and removed while two recorders work on its events, which
come late, twice and in any order, and while a first survey runs. Every call may be the last of its
process. When all is quiet, the law is judged; mutants of the rule break it.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import TypeVar

import pytest

from edgesweep.catalogue import Entry, Head, Name, Sieve, Sifted
from edgesweep.changes import Change
from edgesweep.dirty import DirtyRow
from edgesweep.recorder import Message, Recorder
from tests.fakes.catalogue import CatalogueInMemory
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.routes import RoutesInMemory
from tests.faults.explorer import Crash, Explorer
from tests.messages import notification

SEEDS = 2_000
PAGE = ("site", "page.html")
SECOND = timedelta(seconds=1)
# Bytes and headers.
Version = tuple[str, str]
Key = TypeVar("Key")
T = TypeVar("T")
WRITES: Sequence[Version | None] = [("A", "1"), ("A", "1"), ("B", "1"), ("A", "2"), None]


@dataclass
class Site:
    """One object, the events of it that wait, and the services that recorders call.

    Attributes:
        version: what viewers get, None if nothing is there.
        written_at: when it was written.
        changed_at: when viewers last began to get something else.
        waiting: events on their way, by number.
        careless: headers may change twice within a second.
    """

    explorer: Explorer
    catalogue: CatalogueInMemory = field(default_factory=CatalogueInMemory)
    rows: DirtyRowsInMemory = field(default_factory=DirtyRowsInMemory)
    version: Version | None = None
    written_at: datetime | None = None
    changed_at: datetime | None = None
    waiting: list[str] = field(default_factory=list)
    careless: bool = False

    def write(self, version: Version | None) -> None:
        """Write or remove the object; S3 sends the event once or twice."""
        now = self.explorer.now
        if version and self.version and version[0] == self.version[0] and not self.careless:
            # What the documented limit leaves out: headers change once in a second.
            now = self.explorer.now = max(now, now.replace(microsecond=0) + SECOND)
        if version != self.version:
            self.changed_at = now
        self.version, self.written_at = version, now
        self.waiting += [_event(version, now)] * self.explorer.chance.choice((1, 1, 2))

    def take(self) -> list[str]:
        """Take a few of the events that wait, in any order."""
        size = min(len(self.waiting), self.explorer.chance.choice((1, 1, 2, 3)))
        batch = self.explorer.chance.sample(self.waiting, size)
        for body in batch:
            self.waiting.remove(body)
        return batch

    def look(self, names: Collection[Name]) -> Mapping[Name, Head]:
        """Answer HEAD requests; some get no answer."""
        if not names:
            return {}
        self.explorer.call()
        if self.version is None or self.explorer.chance.random() < self.explorer.crash:
            return {}
        assert self.written_at
        modified_at = self.written_at.replace(microsecond=0)
        return dict.fromkeys(names, Head(*self.version, modified_at))

    def known(self, names: Collection[Name]) -> Mapping[Name, Entry]:
        """Read the catalogue."""
        return self._call(lambda: self.catalogue.known(names), names)

    def forget(self, names: Collection[Name], token: str) -> Mapping[Name, str]:
        """Forget under a token."""
        return self._call(lambda: self.catalogue.forget(names, token), names)

    def clear(self, names: Collection[Name]) -> Mapping[Name, str]:
        """Forget under none."""
        return self._call(lambda: self.catalogue.clear(names), names)

    def learn(self, entries: Mapping[Name, Entry], token: str) -> Mapping[Name, str]:
        """Learn under a token."""
        return self._call(lambda: self.catalogue.learn(entries, token), entries)

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Write rows; some are refused."""
        if rows and self.explorer.chance.random() < self.explorer.crash:
            return dict.fromkeys(rows, "Throttled")
        return self._call(lambda: self.rows.add(rows), rows)

    def _call(
        self, what: Callable[[], Mapping[Key, T]], about: Collection[object]
    ) -> Mapping[Key, T]:
        """Do it, unless the process is gone before; it may also be gone right after."""
        if not about:
            return {}
        self.explorer.call()
        done = what()
        self.explorer.call()
        return done


Sieved = Callable[[Site], Sieve]


def faithful(site: Site, kind: type[Sieve] = Sieve) -> Sieve:
    """Return the sieve as it is deployed, or a mutant of it."""
    return kind(site, site, _tokens().__next__, lambda: site.explorer.now)


def tell(seed: int, sieved: Sieved = faithful, *, careless: bool = False) -> Site:
    """Tell the story of a seed up to its quiet end."""
    chance = Random(seed)  # no secret
    crash = chance.choice((0, 0, 0.05, 0.2))
    site = Site(Explorer(chance), careless=careless)
    sieve = sieved(site)
    site.write(("A", "1"))
    if chance.random() < 0.7:
        _work_off(site, sieve)
    site.explorer.crash = crash
    writes = [chance.choice(WRITES) for _ in range(chance.randint(1, 6))]
    surveys = [lambda: _survey(sieve)] * chance.choice((0, 0, 1))
    recorders = [lambda: _record(site, sieve, batches=5)] * 2
    site.explorer.run(lambda: _write(site, writes), *recorders, *surveys)
    site.explorer.crash = 0
    _work_off(site, sieve)
    return site


def is_stale(site: Site) -> bool:
    """Tell whether the last change that viewers could see has no row recorded after it."""
    assert site.changed_at
    return all(row.recorded_at < site.changed_at for row in site.rows.rows)


def _write(site: Site, versions: Iterable[Version | None]) -> None:
    for version in versions:
        for _ in range(site.explorer.chance.choice((1, 1, 4))):
            site.explorer.step()
        site.write(version)


def _work_off(site: Site, sieve: Sieve) -> None:
    while site.waiting:
        _record(site, sieve, batches=1)


def _record(site: Site, sieve: Sieve, batches: int) -> None:
    """Record a few batches; what is not acknowledged comes back."""
    recorder = Recorder(RoutesInMemory(), site, _tokens().__next__, sieve=sieve)
    for _ in range(batches):
        site.explorer.step()
        batch = {str(number): body for number, body in enumerate(site.take())}
        failed: Collection[str] = batch.keys()
        with suppress(Crash):
            messages = [Message(*message) for message in batch.items()]
            failed = recorder.record(messages, site.explorer.now).failed.keys()
        site.waiting += [batch[message] for message in failed]


def _survey(sieve: Sieve) -> None:
    with suppress(Crash):
        sieve.survey([PAGE])


def _tokens() -> Iterator[str]:
    return (f"{number:08x}" for number in count(1))


def _event(version: Version | None, at: datetime) -> str:
    """Return what S3 says of a write."""
    if version is None:
        return notification(PAGE[1], at=at, event="ObjectRemoved:Delete")
    body = json.loads(notification(PAGE[1], at=at))
    body["Records"][0]["s3"]["object"]["eTag"] = version[0]
    return json.dumps(body)


class NothingKnown(Sieve):
    """Takes everything for changed."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:  # noqa: ARG002
        return frozenset()


class HeadAlone(Sieve):
    """Compares what is known with the HEAD alone, not with the event."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        known = self.catalogue.known(events.keys())
        seen = self.heads.look(known.keys())
        return frozenset(
            name
            for name, head in seen.items()
            if (head.etag, head.headers) == (known[name].etag, known[name].headers)
        )


class EventAlone(Sieve):
    """Compares what is known with the event alone."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        known = self.catalogue.known(events.keys())
        return frozenset(
            name for name, entry in known.items() if entry.may_hold_after(events[name])
        )


class AnyWrite(Sieve):
    """Does not mind a write later than the event."""

    def _unchanged(self, events: Mapping[Name, Sequence[Change]]) -> frozenset[Name]:
        later = datetime.max.replace(tzinfo=UTC)
        return super()._unchanged(
            {
                name: [replace(event, changed_at=later) for event in its_events]
                for name, its_events in events.items()
            }
        )


class EntryBeforeRow(Sieve):
    """Learns before the row is written."""

    def sift(self, changes: Iterable[Change]) -> Sifted:
        """Sift and learn."""
        sifted = super().sift(changes)
        super().learn(sifted, sifted.seen.keys())
        return sifted


class HeadAfterRow(Sieve):
    """Looks at the object when its row is written."""

    def learn(self, sifted: Sifted, recorded: Collection[Name]) -> Mapping[Name, str]:
        """Look again and learn."""
        return super().learn(replace(sifted, seen=self.heads.look(recorded)), recorded)


class HeadBeforeForgetting(Sieve):
    """Looks at the object before it forgets it."""

    def sift(self, changes: Iterable[Change]) -> Sifted:
        """Sift, but with what was there before."""
        changes = list(changes)
        seen = self.heads.look({(change.bucket, change.key) for change in changes})
        sifted = super().sift(changes)
        kept = {name: head for name, head in seen.items() if name in sifted.seen}
        return replace(sifted, seen=kept)


class EarlyStamp(Sieve):
    """Stamps rows when the batch is received."""

    def sift(self, changes: Iterable[Change]) -> Sifted:
        """Sift without a stamp."""
        return replace(super().sift(changes), stamped_at=None)


class SurveyForGood(Sieve):
    """Trusts a survey with events from before it."""

    def survey(self, names: Collection[Name]) -> int:
        """Survey as if it were long ago."""
        ago = replace(self, clock=lambda: self.clock() - timedelta(days=1))
        return super(SurveyForGood, ago).survey(names)


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


def overtaken(at: str, kind: type[Sieve] = Sieve, *, tokenless: bool = False) -> Site:
    """Tell of a recorder of B that is overtaken by all that happens to C; then B comes again."""
    catalogue = Interrupted(at=at, tokenless=tokenless)
    site = Site(Explorer(Random(0)), catalogue)  # no secret
    sieve, other = faithful(site, kind), faithful(site)
    other = replace(other, token=lambda: "other")

    def meanwhile() -> None:
        site.write(("C", "1"))
        _work_off(site, other)

    site.write(("B", "1"))
    catalogue.meanwhile = meanwhile
    _work_off(site, sieve)
    site.explorer.step()
    site.write(("B", "1"))
    _work_off(site, sieve)
    return site


def without_removals(site: Site) -> Sieve:
    """Return a sieve that remembers what was removed."""

    @dataclass
    class Faithful(CatalogueInMemory):
        def clear(self, names: Collection[Name]) -> Mapping[Name, str]:  # noqa: ARG002
            return {}

    site.catalogue = Faithful()
    return faithful(site)


MUTANTS: Mapping[str, Sieved] = {
    **{
        kind.__name__: partial(faithful, kind=kind)
        for kind in (
            HeadAlone,
            EventAlone,
            AnyWrite,
            EntryBeforeRow,
            HeadAfterRow,
            EarlyStamp,
        )
    },
    "WithoutRemovals": without_removals,
}


def test_fresh() -> None:
    """Whatever happens in whatever order, the last visible change has a row recorded after it."""
    assert [seed for seed in range(SEEDS) if is_stale(tell(seed))] == []


def test_skips() -> None:
    """The stories do skip uploads: fewer rows are written than without a catalogue."""
    stories = [
        (tell(seed), tell(seed, partial(faithful, kind=NothingKnown))) for seed in range(200)
    ]

    assert sum(len(site.rows.rows) for site, _ in stories) < sum(
        len(site.rows.rows) for _, site in stories
    )


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant(name: str) -> None:
    """A rule that leaves out one of its conditions is caught."""
    assert any(is_stale(tell(seed, MUTANTS[name])) for seed in range(2 * SEEDS))


def test_limit() -> None:
    """Headers that change twice within a second are the one limit there is."""
    assert any(is_stale(tell(seed, careless=True)) for seed in range(2 * SEEDS))


@pytest.mark.parametrize("at", ["known", "forget", "learn"])
def test_overtaken(at: str) -> None:
    """A recorder that another overtakes leaves nothing stale."""
    assert not is_stale(overtaken(at))


def test_overtaken_mutants() -> None:
    """Learning without the token, and a HEAD before forgetting, are caught where overtaken."""
    assert is_stale(overtaken("learn", tokenless=True))
    assert is_stale(overtaken("forget", HeadBeforeForgetting))


@pytest.mark.parametrize(("kind", "stale"), [(Sieve, False), (SurveyForGood, True)])
def test_survey(kind: type[Sieve], stale: bool) -> None:  # noqa: FBT001  # a parameter
    """An event that waits while its object is surveyed still gets its row."""
    site = Site(Explorer(Random(0)))  # no secret
    sieve = faithful(site, kind)
    site.write(("A", "1"))
    sieve.survey([PAGE])

    _work_off(site, sieve)

    assert is_stale(site) == stale
