"""Distributions are found out now and then, and no change is lost over one not known yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.dirty import UNROUTED, Change, DirtyRow, Kind
from edgesweep.flush.discovery import HURRIED, REFRESHED, Discovered, Discovery, Undiscovered
from edgesweep.flush.journal import Lease
from edgesweep.flush.rows import Span
from edgesweep.operate.journal_in_memory import JournalInMemory
from edgesweep.routes import Behaviour, Distribution, Origin, Variants
from edgesweep.routes.kept import Kept
from tests.fakes.dirty import DirtyRowsInMemory

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def distribution(identity: str, bucket: str = "site", pattern: str = "*") -> Distribution:
    """Return a distribution that serves the objects of a bucket that a pattern matches."""
    served = Behaviour(pattern, (Origin(bucket),))
    return Distribution(identity, (served, Behaviour()))


def row(key: str, bucket: str = "site", place: str = UNROUTED) -> DirtyRow:
    """Return a row that was recorded at noon."""
    change = Change(bucket, key, Kind.CREATED, NOON)
    return DirtyRow(place, change, NOON, f"{bucket}/{key}".encode().hex())


class Counted(DirtyRowsInMemory):
    """Counts how often it is read, but for looks at its ends."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def span(self, distribution: str) -> Span:
        """Look at the ends."""
        self.reads -= 1
        return super().span(distribution)

    def read(
        self, distribution: str, until: datetime | None = None, after: str = ""
    ) -> Iterator[DirtyRow]:
        """Read."""
        self.reads += 1
        return super().read(distribution, until, after)


@dataclass
class World:
    """What a discovery looks at.

    Attributes:
        there: the distributions of the account; None: it cannot be read.
        kept: those that were found last.
        asked: how often the account was read.
        saves: how often what was found was kept.
    """

    there: Sequence[Distribution] | None = ()
    kept: Kept | None = None
    asked: int = 0
    saves: int = 0
    now: datetime = NOON
    dirty: DirtyRowsInMemory = field(default_factory=DirtyRowsInMemory)
    journal: JournalInMemory = field(default_factory=JournalInMemory)

    def __post_init__(self) -> None:
        self.discovery = Discovery(
            self, self, self.dirty, self.journal, {"": Variants()}, lambda: self.now
        )

    def find(self) -> Sequence[Distribution]:
        """Read the account."""
        self.asked += 1
        if self.there is None:
            msg = "Not yours"
            raise Undiscovered(msg)
        return self.there

    def load(self) -> Kept | None:
        """Return what is kept."""
        return self.kept

    def save(self, kept: Kept) -> bool:
        """Keep this."""
        self.kept = replace(kept, revision=kept.revision + 1)
        self.saves += 1
        return True

    def look(self, later: timedelta = timedelta(0)) -> Discovered:
        """Look, some time after the last look."""
        self.now += later
        return self.discovery.look()

    def rows(self, place: str) -> Sequence[str]:
        """Return the keys that wait in a place."""
        return [one.change.key for one in self.dirty.read(place)]


def test_first_look() -> None:
    """What is found is known at once, and kept for the recorder."""
    world = World([distribution("E1")])

    assert world.look().routes.ids == ["E1"]
    assert world.kept
    assert world.kept.distributions == world.there


def test_age() -> None:
    """The account is read again after a while, not at every tick, and kept only if it changed."""
    world = World([distribution("E1")])

    world.look()
    world.look(REFRESHED - timedelta(seconds=1))
    assert (world.asked, world.saves) == (1, 1)
    world.look(timedelta(seconds=1))
    assert (world.asked, world.saves) == (2, 1)
    world.there = [distribution("E1", pattern="docs/*")]
    assert world.look(REFRESHED).routes.distributions("site", "a") == []
    assert (world.asked, world.saves) == (3, 2)


def test_hurry() -> None:
    """While a change waits for a distribution, one is looked for every minute."""
    world = World()
    world.dirty.add([row("a")])

    for _ in range(3):
        assert world.look(HURRIED).unrouted == 1

    assert world.asked == 3


def test_unreadable() -> None:
    """When the account cannot be read, what is known goes on, and the next tick asks again."""
    world = World([distribution("E1")])
    world.look()
    world.there = None

    for later in (REFRESHED, timedelta(seconds=1)):
        known = world.look(later)
        assert str(known.error) == "Not yours"
        assert known.routes.ids == ["E1"]

    assert (world.asked, world.saves) == (3, 1)


def test_never_readable() -> None:
    """Before the account could be read once, no row is taken for unserved."""
    world = World(None)
    world.dirty.add([row("a")])

    known = world.look()

    assert known.error is not None
    assert known.unrouted == 1
    assert world.kept is None
    assert world.rows(UNROUTED) == ["a"]


def test_appears() -> None:
    """Once distributions serve the bucket, each gets just the changes that it can serve."""
    world = World()
    world.dirty.add([row("docs/a"), row("b"), row("c", "other")])
    assert world.look().unrouted == 3

    world.there = [distribution("E1"), distribution("E2", pattern="docs/*")]
    known = world.look(HURRIED)

    assert known.unrouted == 1
    assert sorted(world.rows("E1")) == ["b", "docs/a"]
    assert world.rows("E2") == ["docs/a"]
    assert world.rows(UNROUTED) == ["c"]
    assert [one.recorded_at for one in world.dirty.read("E1")] == [NOON, NOON]


def test_unserved() -> None:
    """A change that waited and that nobody serves is let go once its bucket is served."""
    world = World([distribution("E1", pattern="docs/*")])
    world.dirty.add([row("b")])

    assert world.look().unrouted == 1  # that waited until now
    assert world.look(HURRIED).unrouted == 0
    assert world.dirty.rows == []


def test_disabled() -> None:
    """A disabled distribution gets nothing new."""
    world = World([replace(distribution("E1"), enabled=False)])
    world.dirty.add([row("a")])

    assert world.look().unrouted == 1
    assert world.rows(UNROUTED) == ["a"]
    assert world.rows("E1") == []


def test_no_room() -> None:
    """A row stays unrouted until every copy of it is written; nothing is written twice."""
    world = World([distribution("E1"), distribution("E2")], dirty=DirtyRowsInMemory(room=3))
    world.dirty.add([row("a"), row("b")])

    world.look()
    assert sorted(world.rows(UNROUTED)) == ["a", "b"]
    assert world.rows("E1") == ["a"]

    world.dirty.delete([one for one in world.dirty.rows if one.distribution == "E1"])
    world.dirty.room = None
    world.look(HURRIED)

    assert world.rows(UNROUTED) == []
    assert (world.rows("E1"), world.rows("E2")) == (["a", "b"], ["a", "b"])


@pytest.mark.parametrize("owed", ["row", "flush"])
def test_gone(owed: str) -> None:
    """A distribution that is gone is known, as disabled, until nothing waits for it any more."""
    world = World([distribution("E1")])
    world.look()
    if owed == "row":
        world.dirty.add([row("a", place="E1")])
    else:
        world.journal.leases["E1"] = Lease(unfinished="flush")
    world.there = []

    for _ in range(3):
        known = world.look(REFRESHED)
        assert (known.routes.ids, known.routes.enabled) == (["E1"], 0)

    world.dirty.delete(world.dirty.rows)
    world.journal.leases.clear()
    assert world.look(REFRESHED).routes.ids == []


def test_gone_with_nothing() -> None:
    """One that is gone is kept for one round more: a recorder may just be writing rows for it."""
    world = World([distribution("E1")])
    world.look()
    world.there = []

    assert world.look(REFRESHED).routes.ids == ["E1"]
    assert world.look(REFRESHED).routes.ids == []


def test_many_unrouted() -> None:
    """However many rows wait, about a thousand a minute are read again for nothing."""
    dirty = Counted()
    world = World(dirty=dirty)
    dirty.add([row(f"{n}") for n in range(3_000)])

    for _ in range(7):
        assert world.look(MINUTE).unrouted == 3_000

    assert dirty.reads == 3


def test_many_unrouted_at_last() -> None:
    """Many rows are routed as soon as a distribution appears, however seldom they are read."""
    world = World()
    world.dirty.add([row(f"{n}") for n in range(3_000)])
    world.look()
    world.there = [distribution("E1")]

    world.look(HURRIED)

    assert world.rows(UNROUTED) == []
    assert len(world.rows("E1")) == 3_000


accounts = st.none() | st.lists(
    st.builds(
        distribution,
        st.sampled_from(["E1", "E2"]),
        st.sampled_from(["site", "other"]),
        st.sampled_from(["*", "a*", "b*"]),
    ),
    max_size=2,
    unique_by=lambda one: one.id,
)
# What the account holds, what is recorded, how much the table takes, and how much later it is.
Event: TypeAlias = tuple[Sequence[Distribution] | None, list[DirtyRow], int | None, timedelta]
events = st.tuples(
    accounts,
    st.lists(st.builds(row, st.sampled_from(["a", "b"]), st.sampled_from(["site", "other"]))),
    st.integers(0, 4) | st.none(),
    st.integers(0, 400).map(lambda seconds: timedelta(seconds=seconds)),
)


@given(st.lists(events, max_size=6))
def test_nothing_lost(story: Sequence[Event]) -> None:
    """A row leaves the unrouted ones only for every distribution that serves it, as then known."""
    world = World()
    for there, recorded, room, later in story:
        world.there = there
        world.dirty.room = None
        world.dirty.add(recorded)
        world.dirty.room = None if room is None else len(world.dirty.rows) + room
        before = list(world.dirty.read(UNROUTED))

        routes = world.look(later).routes

        left = set(world.dirty.read(UNROUTED))
        for one in before:
            change = one.change
            copies = [
                replace(one, distribution=identity)
                for identity in routes.distributions(change.bucket, change.key)
            ]
            assert one in left or (
                routes.serves(change.bucket) and set(copies) <= set(world.dirty.rows)
            )
