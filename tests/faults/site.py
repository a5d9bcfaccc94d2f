"""What is in the buckets: objects with their versions, and the events that S3 sends of them.

A version is what a viewer gets: bytes and headers. An object is written with other bytes or other
headers, with the same ones again, is removed, and a versioned bucket brings an earlier one back.
"""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter

from edgesweep.record.catalogue import Head, Name
from tests.faults.process import here
from tests.faults.world import World

# Bytes and headers.
Version = tuple[str, str]
CREATED, REMOVED = "ObjectCreated:Put", "ObjectRemoved:Delete"
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A version that a bucket keeps; a removal that it may come back from is None."""

    version: Version | None
    begun_at: datetime
    id: str


@dataclass(slots=True)
class _Object:
    """One object.

    Attributes:
        stored: its versions that still exist, the current one last.
        history: what viewers get, since when.
    """

    stored: list[_Stored] = field(default_factory=list)
    history: list[tuple[datetime, Version | None]] = field(default_factory=list)

    @property
    def version(self) -> Version | None:
        return self.stored[-1].version if self.stored else None


class Site:
    """Buckets whose objects change.

    Args:
        world: where they are.
        versioned: whether buckets keep versions.

    Attributes:
        told: every object of which S3 told something, and when.
    """

    def __init__(self, world: World, *, versioned: bool) -> None:
        self._world = world
        self._versioned = versioned
        self._objects: dict[Name, _Object] = defaultdict(_Object)
        self.told: list[tuple[Name, datetime]] = []
        self._written = 0

    @property
    def names(self) -> Collection[Name]:
        """Every object that there ever was."""
        return self._objects.keys()

    def at(self, name: Name, moment: datetime) -> Version | None:
        """Return what viewers of an object got at a moment, None if nothing was there."""
        history = self._objects[name].history if name in self._objects else []
        found = bisect_right(history, moment, key=itemgetter(0))
        return history[found - 1][1] if found else None

    def instants(self, name: Name) -> Sequence[datetime]:
        """Return when an object changed."""
        return [moment for moment, _ in self._objects[name].history] if name in self.names else []

    def change(self, name: Name) -> str:
        """Let something happen to an object; return what S3 reports of it."""
        one, random = self._objects[name], self._world.random
        self.told.append((name, self._world.now))
        way = random.random()
        if way < 0.15 and len(one.stored) > 1:
            # The current version is removed for good, or the mark of a removal; or an older one.
            gone = one.stored.pop(-1 if way < 0.1 else random.randrange(len(one.stored) - 1))
            return self._told(name, REMOVED, gone)
        if way < 0.35:
            return self._told(name, REMOVED, self._store(name, None, self._world.now))
        version = self._other(one)
        same_bytes = one.version is not None and version[0] == one.version[0]
        ago = timedelta() if same_bytes else random.choice((0, 0, 4)) * _SECOND
        return self._told(name, CREATED, self._store(name, version, self._world.now - ago))

    def pile(self, name: Name, moment: datetime) -> None:
        """Let an object have changed, which S3 has reported already."""
        before = moment - timedelta(minutes=1)
        self._store(name, ("B", "1"), moment)
        self._objects[name].history = [(before, ("A", "1")), (moment, ("B", "1"))]

    def look(self, names: Collection[Name]) -> Mapping[Name, Head | None]:
        """Answer HEAD requests; some of what is there get no answer."""
        if not names:
            return {}
        seen = here().call("heads", lambda: {name: self._head(name) for name in names})
        lost = self._world.weather.lost
        return {
            name: head
            for name, head in seen.items()
            if head is None or not (lost and self._world.random.random() < lost)
        }

    def _other(self, one: _Object) -> Version:
        """Draw a version; headers alone change once in two seconds, as the limit says."""
        choices = (("A", "1"), ("A", "1"), ("B", "1"), ("A", "2"), ("C", "1"))
        version = self._world.random.choice(choices)
        if one.version is None or one.version[0] != version[0] or one.version == version:
            return version
        last, _ = one.history[-1]
        whole = self._world.now.replace(microsecond=0)
        return version if whole - last > _SECOND else one.version

    def _store(self, name: Name, version: Version | None, begun_at: datetime) -> _Stored:
        one = self._objects[name]
        self._written += 1
        stored = _Stored(version, begun_at, f"v{self._written}")
        one.stored = [*(one.stored if self._versioned else ()), stored]
        return stored

    def _told(self, name: Name, event: str, stored: _Stored) -> str:
        """Note what viewers get by now; return what S3 reports."""
        one, now = self._objects[name], self._world.now
        if not one.history or one.history[-1][1] != one.version:
            one.history.append((now, one.version))
        marks: dict[str, str] = {}
        if event == CREATED:
            assert stored.version
            begun_at = stored.begun_at
            marks["eTag"] = stored.version[0]
            marks["sequencer"] = f"{int(begun_at.timestamp()):010X}{begun_at.microsecond:08X}"
        if self._versioned and (event == CREATED or stored not in one.stored):
            marks["versionId"] = stored.id
        late = self._world.random.choice((0, 0, 4)) * _SECOND
        return notification(name, now + late, event, marks)

    def _head(self, name: Name) -> Head | None:
        if name not in self._objects or self._objects[name].version is None:
            return None
        stored = self._objects[name].stored[-1]
        assert stored.version
        modified_at = stored.begun_at.replace(microsecond=0)
        seen_at = self._world.now.replace(microsecond=0)
        named = stored.id if self._versioned else None
        etag, headers = stored.version
        return Head(etag, (headers,), modified_at, seen_at, named)


def notification(name: Name, at: datetime, event: str, marks: Mapping[str, str]) -> str:
    """Return S3's notification of a change."""
    bucket, key = name
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": at.isoformat(),
        "eventName": event,
        "s3": {"bucket": {"name": bucket}, "object": {"key": _form_encoded(key), **marks}},
    }
    return json.dumps({"Records": [record]})


def _form_encoded(key: str) -> str:
    return "".join(c if c.isalnum() and c.isascii() else _escaped(c) for c in key)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
