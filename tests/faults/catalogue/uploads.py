"""One object, whose uploads two recorders and a survey work on at once.

It is written, in one part or two, by tools that keep times in its metadata, copied onto itself,
removed and brought back, also while nobody serves it; versions before the current one expire.
EventBridge may leave open whether an event is of it or of its twin. Its events come late, twice and
in any order, or not at all while the bucket publishes none. Every call may be the last of its
process. When all is quiet, the law is judged.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import TypeVar

from edgesweep.dirty import DirtyRow, RequestedPath
from edgesweep.record.catalogue import Entry, Head, Name
from edgesweep.record.headers import fingerprints
from edgesweep.record.recorder import Recorder
from edgesweep.record.unchanged import UnchangedFilter
from edgesweep.routes import Routes
from tests.fakes.catalogue import CatalogueInMemory
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.routes import routes_in_memory
from tests.faults.catalogue.explorer import Crash, Explorer
from tests.messages import notification

PAGE = ("site", "page 1.html")
# The other reading of the page's key.
TWIN = ("site", "page+1.html")
SECOND = timedelta(seconds=1)
# An etag, whose first letter stands for the bytes, and headers, whose first stands for those that
# viewers see.
Version = tuple[str, str]
# Seconds by which an event may be stamped later than its write.
LATE = (0, 0, 4)
Key = TypeVar("Key")
T = TypeVar("T")
WRITES: Sequence[Version | None] = [("A", "1"), ("A", "1"), ("B", "1"), ("A", "2"), None]
# The same bytes in other parts, and other times in the metadata.
ALIKE: Sequence[Version | None] = [("A-2", "1"), ("B-2", "1"), ("A", "1~")]


@dataclass(frozen=True)
class Stored:
    """A version that the bucket keeps; None: the mark of a removal."""

    version: Version | None
    written_at: datetime
    id: str


@dataclass
class Site:
    """One object, the events of it that wait, and the services that recorders call.

    Attributes:
        stored: every version that may become the current one again, and that one.
        changed_at: when viewers last began to get something else.
        waiting: events on their way, by number.
        careless: headers may change twice within two seconds.
        served: whether a distribution serves it.
        complete_since: since when events are complete, as the recorder gets it.
        versioned: whether the bucket keeps versions.
        bridged: whether the events come from EventBridge.
        twin: what the other reading of the key names; None: nothing.
        checked: whether S3 keeps checksums.
    """

    explorer: Explorer
    catalogue: CatalogueInMemory = field(default_factory=CatalogueInMemory)
    rows: DirtyRowsInMemory = field(default_factory=DirtyRowsInMemory)
    stored: list[Stored] = field(default_factory=list)
    changed_at: datetime | None = None
    waiting: list[str] = field(default_factory=list)
    careless: bool = False
    served: bool = True
    complete_since: dict[str, datetime] = field(default_factory=dict)
    versioned: bool = False
    bridged: bool = False
    twin: Version | None = None
    checked: bool = True
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def version(self) -> Version | None:
        """What the bucket holds, None if nothing is there."""
        return self.stored[-1].version if self.stored else None

    def write(self, version: Version | None) -> None:
        """Write or remove the object; S3 sends the event once or twice.

        An upload of other bytes may have begun a while ago, and is dated by its beginning.
        """
        now = self.explorer.now
        if version and self.version and version[0][0] == self.version[0][0] and not self.careless:
            # What the documented limit leaves out: headers change once in two seconds.
            now = self.explorer.now = max(now, now.replace(microsecond=0) + 2 * SECOND)
            begun_at = now
        else:
            begun_at = now - self.explorer.chance.choice((0, 0, 4)) * SECOND
        before = self.version
        stored = Stored(version, begun_at, f"v{next(self._ids)}")
        self.stored = [*(self.stored if self.versioned else ()), stored]
        self._note(before)
        self._tell(version, begun_at, stored.id if self.versioned and version else None)

    def undo(self) -> None:
        """Remove the current version, or the mark of a removal: what was before is there again."""
        if len(self.stored) > 1:
            self._expire(len(self.stored) - 1)

    def redo(self) -> None:
        """Remove the current version, and write the same again."""
        before = self.version
        self.undo()
        self.write(before)

    def expire(self) -> None:
        """Remove a version that is not the current one."""
        if len(self.stored) > 1:
            self._expire(self.explorer.chance.randrange(len(self.stored) - 1))

    def spell(self) -> None:
        """Write the object while nobody serves it; when it is served again, `/*` is invalidated."""
        self.served = False
        self.pause()
        self.write(self.explorer.chance.choice(WRITES))
        self.pause()
        self.served, self.changed_at = True, self.explorer.now
        self._sweep()

    def miss(self) -> None:
        """Write the object without an event; then the gap is found and closed."""
        waiting = list(self.waiting)
        self.write(self.explorer.chance.choice(WRITES))
        self.waiting = [event for event in self.waiting if event in waiting]
        self.pause()
        self.complete_since[PAGE[0]] = self.explorer.now
        self._sweep()

    def pause(self) -> None:
        """Let the recorders continue for a while."""
        for _ in range(self.explorer.chance.choice((1, 1, 4))):
            self.explorer.step()

    def _sweep(self) -> None:
        self.pause()
        row = DirtyRow("E1", RequestedPath("/*", "it"), self.explorer.now, f"{next(self._ids)}")
        self.rows.add([row])

    @property
    def routes(self) -> Routes:
        """The one distribution, which leads to the bucket whether or not it serves the object."""
        return routes_in_memory(unserved=() if self.served else ("*",))

    def take(self) -> list[str]:
        """Take a few of the events that wait, in any order."""
        size = min(len(self.waiting), self.explorer.chance.choice((1, 1, 2, 3)))
        batch = self.explorer.chance.sample(self.waiting, size)
        for body in batch:
            self.waiting.remove(body)
        return batch

    def imitate(self) -> None:
        """Write the twin, whose event may be of the page as well; its own rows are not judged."""
        self.twin = self.explorer.chance.choice((self.version, *WRITES))
        self._tell(self.twin, self.explorer.now, None)

    def look(self, names: Collection[Name]) -> Mapping[Name, Head | None]:
        """Answer HEAD requests; some get no answer."""
        if not names:
            return {}
        self.explorer.call()
        answers = {PAGE: self._head(), TWIN: self._head_of_twin()}
        asked = {name: answers[name] for name in names}
        return {
            name: head
            for name, head in asked.items()
            if self.explorer.chance.random() >= self.explorer.crash
        }

    def _head(self) -> Head | None:
        if self.version is None:
            return None
        current = self.stored[-1]
        return self._answer(self.version, current.written_at, current.id)

    def _head_of_twin(self) -> Head | None:
        return self.twin and self._answer(self.twin, self.explorer.now, "v0")

    def _answer(self, version: Version, written_at: datetime, stored_id: str) -> Head:
        etag, headers = version
        modified_at, seen_at = (
            moment.replace(microsecond=0) for moment in (written_at, self.explorer.now)
        )
        return Head(
            etag,
            fingerprints({"content-type": headers[0], "x-amz-meta-mtime": headers[1:]}),
            modified_at,
            seen_at,
            stored_id if self.versioned else None,
            etag[0] if self.checked else None,
        )

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

    def _expire(self, number: int) -> None:
        before = self.version
        gone = self.stored.pop(number)
        self._note(before)
        self._tell(None, self.explorer.now, gone.id)

    def _note(self, before: Version | None) -> None:
        if _viewed(self.version) != _viewed(before) and self.served:
            self.changed_at = self.explorer.now

    def _tell(self, version: Version | None, begun_at: datetime, stored_id: str | None) -> None:
        late = self.explorer.chance.choice(LATE) * SECOND
        make = _bridged if self.bridged else _event
        event = make(version, begun_at, self.explorer.now + late, stored_id)
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


MakeFilter = Callable[[Site], UnchangedFilter]


def faithful(site: Site, kind: type[UnchangedFilter] = UnchangedFilter) -> UnchangedFilter:
    """Return the filter as it is deployed, or a mutant of it."""
    return kind(site, site.look, _tokens().__next__, lambda: site.explorer.now)


def tell(seed: int, make: MakeFilter = faithful, *, careless: bool = False) -> Site:
    """Tell the story of a seed up to its quiet end."""
    chance = Random(seed)  # no secret
    crash = chance.choice((0, 0, 0.05, 0.2))
    site = Site(
        Explorer(chance),
        careless=careless,
        versioned=chance.random() < 0.5,
        bridged=chance.random() < 0.5,
        checked=chance.random() < 0.5,
    )
    unchanged = make(site)
    site.write(("A", "1"))
    if chance.random() < 0.7:
        work_off(site, unchanged)
    site.explorer.crash = crash
    more: list[Version | Callable[[], None] | None]
    more = [site.undo, site.redo, site.expire] if site.versioned else []
    more += [site.imitate] * 2 if site.bridged else []
    more += ALIKE if chance.random() < 0.5 else []
    writes = [
        chance.choice((*WRITES, site.spell, site.miss, *more)) for _ in range(chance.randint(1, 6))
    ]
    surveys = [lambda: _survey(site, unchanged)] * chance.choice((0, 0, 1))
    recorders = [lambda: _record(site, unchanged, batches=5)] * 2
    site.explorer.run(lambda: _write(site, writes), *recorders, *surveys)
    site.explorer.crash = 0
    work_off(site, unchanged)
    return site


def is_stale(site: Site) -> bool:
    """Tell whether the last change that viewers could see has no row recorded after it."""
    assert site.changed_at
    return all(row.recorded_at < site.changed_at for row in site.rows.rows if _is_of_page(row))


def _is_of_page(row: DirtyRow) -> bool:
    return isinstance(row.subject, RequestedPath) or row.subject.key == PAGE[1]


def _viewed(version: Version | None) -> Version | None:
    """Return what viewers get of a version."""
    return version and (version[0][0], version[1][0])


def _write(site: Site, writes: Iterable[Version | Callable[[], None] | None]) -> None:
    for write in writes:
        site.pause()
        if callable(write):
            write()
        else:
            site.write(write)


def work_off(site: Site, unchanged: UnchangedFilter) -> None:
    """Record until no event waits."""
    while site.waiting:
        _record(site, unchanged, batches=1)


def _record(site: Site, unchanged: UnchangedFilter, batches: int) -> None:
    """Record a few batches; what is not acknowledged comes back."""
    tokens = _tokens()
    for _ in range(batches):
        site.explorer.step()
        batch = {str(number): body for number, body in enumerate(site.take())}
        recorder = Recorder(
            site.routes, site, tokens.__next__, unchanged=_informed(site, unchanged)
        )
        failed: Collection[str] = batch.keys()
        with suppress(Crash):
            failed = recorder.record(batch, site.explorer.now).failed.keys()
        site.waiting += [batch[message] for message in failed]


def _survey(site: Site, unchanged: UnchangedFilter) -> None:
    with suppress(Crash):
        _informed(site, unchanged).survey([PAGE])


def _informed(site: Site, unchanged: UnchangedFilter) -> UnchangedFilter:
    """Return the filter as it is wired for a batch."""
    return replace(unchanged, complete_since=dict(site.complete_since))


def _tokens() -> Iterator[str]:
    return (f"{number:08x}" for number in count(1))


def _event(version: Version | None, begun_at: datetime, at: datetime, stored_id: str | None) -> str:
    """Return what S3 says of a write, or of a version that is gone for good."""
    event = "ObjectCreated:Put" if version else "ObjectRemoved:Delete"
    body = json.loads(notification(PAGE[1], at=at, event=event))
    body["Records"][0]["s3"]["object"] |= {
        "eTag": version[0] if version else "",
        "versionId": stored_id,
        "sequencer": f"{int(begun_at.timestamp()):010X}{begun_at.microsecond:08X}",
    }
    return json.dumps(body)


def _bridged(
    version: Version | None, begun_at: datetime, at: datetime, stored_id: str | None
) -> str:
    """Return what EventBridge says of the same, with a key that can be read in two ways."""
    kept = json.loads(_event(version, begun_at, at, stored_id))["Records"][0]["s3"]["object"]
    marks = {
        "key": TWIN[1],
        "etag": kept["eTag"],
        "version-id": stored_id,
        "sequencer": kept["sequencer"],
    }
    return json.dumps(
        {
            "detail-type": "Object Created" if version else "Object Deleted",
            "source": "aws.s3",
            "time": at.isoformat(),
            "detail": {
                "bucket": {"name": PAGE[0]},
                "object": marks,
                "deletion-type": "Permanently Deleted",
            },
        }
    )
