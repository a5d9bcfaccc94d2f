"""One object, whose uploads two recorders and a survey work on at once.

It is written, copied onto itself, removed and brought back, also while nobody serves it, and its
events come late, twice and in any order. Every call may be the last of its process. When all is
quiet, the law is judged.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import TypeVar

from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.record.recorder import Message, Recorder
from edgesweep.record.unchanged import Entry, Head, Name, UnchangedFilter
from tests.fakes.catalogue import CatalogueInMemory
from tests.fakes.dirty import DirtyRowsInMemory
from tests.faults.explorer import Crash, Explorer
from tests.messages import notification

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
        past: every version that may become the current one again, and that one; with their times.
        written_at: when it was written.
        changed_at: when viewers last began to get something else.
        waiting: events on their way, by number.
        careless: headers may change twice within a second.
        served: whether a distribution serves it.
    """

    explorer: Explorer
    catalogue: CatalogueInMemory = field(default_factory=CatalogueInMemory)
    rows: DirtyRowsInMemory = field(default_factory=DirtyRowsInMemory)
    version: Version | None = None
    written_at: datetime | None = None
    past: list[tuple[Version | None, datetime]] = field(default_factory=list)
    changed_at: datetime | None = None
    waiting: list[str] = field(default_factory=list)
    careless: bool = False
    served: bool = True

    def write(self, version: Version | None) -> None:
        """Write or remove the object; S3 sends the event once or twice.

        An upload of other bytes may have begun a while ago, and is dated by its beginning.
        """
        now = self.explorer.now
        if version and self.version and version[0] == self.version[0] and not self.careless:
            # What the documented limit leaves out: headers change once in a second.
            now = self.explorer.now = max(now, now.replace(microsecond=0) + SECOND)
            begun_at = now
        else:
            begun_at = now - self.explorer.chance.choice((0, 0, 4)) * SECOND
        self.past.append((version, begun_at))
        self._become(version, begun_at)
        self._tell(version)

    def undo(self) -> None:
        """Remove the current version, or the mark of a removal: what was before is there again."""
        if len(self.past) > 1:
            self.past.pop()
            self._become(*self.past[-1])
            self._tell(None)

    def spell(self) -> None:
        """Write the object while nobody serves it; when it is served again, `/*` is invalidated."""
        self.served = False
        self.pause()
        self.write(self.explorer.chance.choice(WRITES))
        self.pause()
        self.served, self.changed_at = True, self.explorer.now
        self.pause()
        everything = Change(PAGE[0], "*", Kind.CREATED, self.explorer.now)
        self.rows.add([DirtyRow("E1", everything, self.explorer.now, f"{len(self.past)}")])

    def distributions(self, bucket: str, key: str) -> Collection[str]:  # noqa: ARG002  # a Routes
        """Return who serves the object."""
        return ["E1"] if self.served else []

    def serves(self, bucket: str) -> bool:  # noqa: ARG002  # a Routes
        """Tell that a distribution leads to the bucket."""
        return True

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
        modified_at, seen_at = (
            moment.replace(microsecond=0) for moment in (self.written_at, self.explorer.now)
        )
        return dict.fromkeys(names, Head(*self.version, modified_at, seen_at))

    def known(self, names: Collection[Name]) -> Mapping[Name, Entry]:
        """Read the catalogue."""
        return self._call(lambda: self.catalogue.known(names), names)

    def forget(self, names: Collection[Name], token: str) -> Mapping[Name, str]:
        """Forget under a token."""
        return self._call(lambda: self.catalogue.forget(names, token), names)

    def learn(self, entries: Mapping[Name, Entry], token: str) -> Mapping[Name, str]:
        """Learn under a token."""
        return self._call(lambda: self.catalogue.learn(entries, token), entries)

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Write rows; some are refused."""
        if rows and self.explorer.chance.random() < self.explorer.crash:
            return dict.fromkeys(rows, "Throttled")
        return self._call(lambda: self.rows.add(rows), rows)

    def _become(self, version: Version | None, written_at: datetime) -> None:
        if version != self.version and self.served:
            self.changed_at = self.explorer.now
        self.version, self.written_at = version, written_at

    def pause(self) -> None:
        """Let the recorders go on for a while."""
        for _ in range(self.explorer.chance.choice((1, 1, 4))):
            self.explorer.step()

    def _tell(self, version: Version | None) -> None:
        event = _event(version, self.explorer.now)
        self.waiting += [event] * self.explorer.chance.choice((1, 1, 2))

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


Sieved = Callable[[Site], UnchangedFilter]


def faithful(site: Site, kind: type[UnchangedFilter] = UnchangedFilter) -> UnchangedFilter:
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
        work_off(site, sieve)
    site.explorer.crash = crash
    writes = [chance.choice((*WRITES, site.undo, site.spell)) for _ in range(chance.randint(1, 6))]
    surveys = [lambda: _survey(sieve)] * chance.choice((0, 0, 1))
    recorders = [lambda: _record(site, sieve, batches=5)] * 2
    site.explorer.run(lambda: _write(site, writes), *recorders, *surveys)
    site.explorer.crash = 0
    work_off(site, sieve)
    return site


def is_stale(site: Site) -> bool:
    """Tell whether the last change that viewers could see has no row recorded after it."""
    assert site.changed_at
    return all(row.recorded_at < site.changed_at for row in site.rows.rows)


def _write(site: Site, writes: Iterable[Version | Callable[[], None] | None]) -> None:
    for write in writes:
        site.pause()
        if callable(write):
            write()
        else:
            site.write(write)


def work_off(site: Site, sieve: UnchangedFilter) -> None:
    """Record until no event waits."""
    while site.waiting:
        _record(site, sieve, batches=1)


def _record(site: Site, sieve: UnchangedFilter, batches: int) -> None:
    """Record a few batches; what is not acknowledged comes back."""
    recorder = Recorder(site, site, _tokens().__next__, sieve=sieve)
    for _ in range(batches):
        site.explorer.step()
        batch = {str(number): body for number, body in enumerate(site.take())}
        failed: Collection[str] = batch.keys()
        with suppress(Crash):
            messages = [Message(*message) for message in batch.items()]
            failed = recorder.record(messages, site.explorer.now).failed.keys()
        site.waiting += [batch[message] for message in failed]


def _survey(sieve: UnchangedFilter) -> None:
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
