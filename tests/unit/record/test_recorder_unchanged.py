"""How uploads that change nothing go through the recorder, and what it learns of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from edgesweep.dirty import DirtyRow
from edgesweep.record.catalogue import Entry, Head, Name
from edgesweep.record.recorder import Fate, Recorded, Recorder, Selection
from edgesweep.record.unchanged import UnchangedFilter
from tests.fakes.catalogue import REFUSED, CatalogueInMemory, HeadsInMemory
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.routes import routes_in_memory
from tests.messages import NOON, notification

ETAG = "b1946ac92492d2347c6235b4d2611184"
SOON = NOON + timedelta(seconds=2)
AFTER_LOOKING = NOON + timedelta(seconds=5)
KNOWN = Entry(ETAG, "headers", seen_at=SOON)
SERVED = {"site": ("E1", "E2")}
THERE = Head(ETAG, ("headers",), modified_at=NOON, seen_at=SOON)


class Bucket:
    """A bucket with some objects, a catalogue that knows others, and who records it."""

    def __init__(self, *known: str, room: int | None = None) -> None:
        self.catalogue = CatalogueInMemory({named(key): KNOWN for key in known})
        self.writer = DirtyRowsInMemory(room)
        tokens = count(1)
        self.heads = HeadsInMemory(
            {named(key): THERE for key in ("a", "b", "logs/1", "assets/x.js", "blue/a")}
        )
        self.recorder = Recorder(
            routes_in_memory(SERVED, unserved={"blue/a"}),
            self.writer,
            lambda: f"{next(tokens):08x}",
            selection=Selection(exclude=["logs/*"], immutable=["assets/*"]),
            unchanged=UnchangedFilter(
                self.catalogue,
                self.heads,
                lambda: "token",
                lambda: AFTER_LOOKING,
            ),
        )

    def record(self, *bodies: str) -> Recorded:
        """Record a batch of messages."""
        messages = {f"m{number}": body for number, body in enumerate(bodies)}
        return self.recorder.record(messages, SOON)

    def serve_all(self) -> None:
        """Configure the distributions so that they serve every key."""
        self.recorder = replace(self.recorder, routes=routes_in_memory(SERVED))

    @property
    def rows(self) -> list[tuple[str, str]]:
        """The distribution and the key of each row."""
        return [(row.distribution, row.change.key) for row in self.writer.rows]


def named(key: str) -> Name:
    """Return an object of the bucket."""
    return "site", key


def test_passed_over() -> None:
    """An upload that changed nothing is acknowledged and counted; the others get their rows."""
    bucket = Bucket("a")

    recorded = bucket.record(notification("a", "b"), notification("a"))

    assert bucket.rows == [("E1", "b"), ("E2", "b")]
    assert recorded == Recorded(rows=2, unrouted=0, failed={}, passed_over={Fate.UNCHANGED: 1})


@pytest.mark.parametrize(
    ("key", "its_fate"),
    [
        ("logs/1", Fate.EXCLUDED),
        ("assets/x.js", Fate.IMMUTABLE),
        ("blue/a", Fate.UNSERVED),
    ],
)
@pytest.mark.parametrize("event", ["ObjectCreated:Put", "ObjectRemoved:Delete"])
def test_passed_over_unseen(key: str, its_fate: Fate, event: str) -> None:
    """A change that gets no row leaves its object unknown, and nobody looks at the object."""
    bucket = Bucket(key)

    recorded = bucket.record(notification(key, event=event))

    assert recorded.passed_over == {its_fate: 1}
    assert bucket.catalogue.entries == {named(key): "token"}
    assert bucket.catalogue.asked == ["forget"]
    assert bucket.heads.looked == []


def test_unserved_spell() -> None:
    """An upload is not a repetition if its key was changed while no distribution served it."""
    bucket = Bucket("blue/a")
    bucket.record(notification("blue/a", event="ObjectCreated:Copy"))
    bucket.serve_all()

    bucket.record(notification("blue/a"))

    assert bucket.rows == [("E1", "blue/a"), ("E2", "blue/a")]


def test_passed_over_not_forgotten() -> None:
    """A message comes back if an object cannot be forgotten, although it asks for no row."""
    bucket = Bucket("logs/1")
    bucket.catalogue.closed = {named("logs/1")}

    recorded = bucket.record(notification("logs/1"), notification("a"))

    assert recorded.failed == {"m0": REFUSED}


def test_learnt() -> None:
    """What was seen of a changed object is known once its rows are written, after every HEAD."""
    bucket = Bucket()

    bucket.record(notification("a"))

    assert bucket.catalogue.entries == {named("a"): KNOWN}
    assert {row.recorded_at for row in bucket.writer.rows} == {AFTER_LOOKING}


def test_half_written() -> None:
    """Of an object with a row that was not written nothing is learnt, and its message fails."""
    bucket = Bucket(room=3)

    recorded = bucket.record(notification("a"), notification("b"))

    assert bucket.catalogue.entries == {named("a"): KNOWN, named("b"): "token"}
    assert (recorded.rows, list(recorded.failed)) == (3, ["m1"])


def test_not_forgotten() -> None:
    """A change whose entry cannot be forgotten gets no row, and its message alone comes back."""
    bucket = Bucket()
    bucket.catalogue.closed = {named("a")}

    recorded = bucket.record(notification("a"), notification("b"))

    assert bucket.rows == [("E1", "b"), ("E2", "b")]
    assert recorded.failed == {"m0": REFUSED}
    assert bucket.catalogue.entries == {named("b"): KNOWN}


def test_not_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row counts although the catalogue cannot record it, and the log says so."""
    bucket = Bucket()
    add = bucket.writer.add

    def close(rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        bucket.catalogue.closed = {named("a")}
        return add(rows)

    monkeypatch.setattr(bucket.writer, "add", close)

    recorded = bucket.record(notification("a"))

    assert (recorded.rows, recorded.failed) == (2, {})
    assert recorded.unconfirmed == {named("a"): REFUSED}
