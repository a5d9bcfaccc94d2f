"""Which events may have been missed, and what is done once they are no longer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from edgesweep.dirty import DirtyRow, RequestedPath
from edgesweep.errors import Unswept
from edgesweep.flush.gaps import DAILY, NEARLY_EXPIRED, SETTLED, Gaps, Watched
from edgesweep.flush.redrive import ATTEMPTS, LOOK_EVERY, Letter
from edgesweep.routes import Routes, everywhere
from edgesweep.routes.kept import Kept
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.discovery import StoreInMemory
from tests.messages import NOON, notification

MINUTE = timedelta(minutes=1)
LONG_AGO = NOON - timedelta(days=11)
BUCKETS = ("one", "two")
ROUTES = Routes(
    [
        *everywhere(["E1"], ["one"]).known,
        *everywhere(["E2"], ["two"]).known,
        *everywhere(["E3"], BUCKETS).known,
    ]
)


class World:
    """Two buckets that are attached, and a function that looks after them."""

    def __init__(self, kept: Kept | None = None) -> None:
        self.buckets: Sequence[str] = BUCKETS
        self.store = StoreInMemory()
        self.store.kept = kept or Kept(attached=BUCKETS, checked_at=NOON)
        self.dirty = DirtyRowsInMemory()
        self.unwired: Sequence[str] = ()
        self.dark: set[str] = set()
        self.oldest = timedelta()
        self.now = NOON
        self.looks = 0
        self.gaps = self.cold()

    def cold(self) -> Gaps:
        """Start another function."""
        tokens = count(1)
        return Gaps(
            self.buckets,
            self.store,
            self.dirty,
            self.wiring,
            lambda _: self.oldest,
            lambda: self.now,
            lambda: f"{next(tokens)}",
        )

    def wiring(self, before: Collection[str]) -> Sequence[str]:
        """Look at the buckets."""
        self.looks += 1
        return [*self.unwired, *(self.dark & {*before})]

    def pass_by(self, span: timedelta) -> list[Watched]:
        """Let ticks happen for some time; return those that found something."""
        found = []
        end = self.now + span
        while self.now < end:
            self.now += MINUTE
            found.append(self.gaps.look(ROUTES))
        return [watched for watched in found if watched != Watched()]

    @property
    def kept(self) -> Kept:
        """What is kept."""
        assert self.store.kept
        return self.store.kept

    @property
    def swept(self) -> list[tuple[str, datetime]]:
        """Who was asked to forget everything, and when."""
        assert all(row.subject == RequestedPath("/*", "missed events") for row in self.dirty.rows)
        return sorted((row.distribution, row.recorded_at) for row in self.dirty.rows)


def letter(
    body: str, redriven: int = ATTEMPTS, sent_at: datetime = NOON - timedelta(hours=1)
) -> Letter:
    """Return a dead letter that was given up."""
    return Letter("m", body, sent_at, redriven)


def test_unwired_spell() -> None:
    """When a bucket publishes again, its entries are not trusted and its distributions forget."""
    world = World()
    world.unwired = ["one"]
    assert {*world.pass_by(2 * DAILY)} == {Watched(("one",))}
    assert world.swept == []
    world.unwired = ()

    (watched,) = world.pass_by(SETTLED + LOOK_EVERY)

    since = world.kept.complete_since["one"]
    assert watched == Watched((), ("one",))
    assert world.kept.complete_since.keys() == {"one"}
    assert since >= NOON + 2 * DAILY
    assert world.swept == [("E1", since), ("E3", since)]
    assert world.kept.missed == {}
    assert world.pass_by(3 * DAILY) == []


def test_unreadable() -> None:
    """A gap stays open while nobody can see whether the bucket publishes again."""
    world = World()
    world.unwired = ["one"]
    world.pass_by(2 * DAILY)
    world.unwired, world.dark = (), {"one", "two"}
    assert {*world.pass_by(DAILY)} == {Watched(("one",))}
    assert world.swept == []
    world.dark = set()

    (watched,) = world.pass_by(SETTLED + LOOK_EVERY)

    assert watched == Watched((), ("one",))
    assert world.swept[0] == ("E1", world.kept.complete_since["one"])


def test_dropped_and_swept_again() -> None:
    """A bucket that was not swept for a while is as one that published nothing meanwhile."""
    world = World()
    world.buckets = ["two"]
    world.gaps = world.cold()
    assert world.pass_by(2 * DAILY) == []
    looks = world.looks
    assert looks <= 3
    world.buckets, again_at = BUCKETS, world.now
    world.gaps = world.cold()

    (watched,) = world.pass_by(SETTLED + LOOK_EVERY)

    since = world.kept.complete_since["one"]
    assert watched == Watched((), ("one",))
    assert again_at + SETTLED <= since <= again_at + SETTLED + LOOK_EVERY
    assert world.swept == [("E1", since), ("E3", since)]
    assert world.pass_by(3 * DAILY) == []


def test_wired_just_before_a_look() -> None:
    """Events are on their way only some time after a bucket was seen to publish them again."""
    world = World()
    world.unwired = ["one"]
    world.pass_by(DAILY + LOOK_EVERY - MINUTE)
    world.unwired, wired_at = (), world.now

    world.pass_by(SETTLED)
    assert world.swept == []

    world.pass_by(LOOK_EVERY)
    assert world.kept.complete_since["one"] >= wired_at + SETTLED


def test_spell_of_seconds() -> None:
    """A gap is not closed before the way of the events has settled."""
    world = World(Kept(attached=BUCKETS, missed={"one": NOON}, checked_at=NOON))

    assert world.pass_by(SETTLED - MINUTE) == []
    assert world.swept == []


def test_daily() -> None:
    """Buckets are looked at once a day, by whatever process, and never by two on one day."""
    world = World(Kept(attached=BUCKETS))

    for _ in range(24 * 6):
        world.gaps = world.cold()
        world.pass_by(10 * MINUTE)

    assert world.looks == 1
    world.pass_by(DAILY)
    assert world.looks == 2


def test_not_attached() -> None:
    """A bucket that was never attached sweeps nothing, but nothing from before is trusted."""
    world = World(Kept())
    world.unwired = ["one"]
    world.pass_by(DAILY)
    before = world.now
    world.unwired = ()

    world.pass_by(DAILY)

    assert world.swept == []
    assert world.kept.attached == BUCKETS
    assert world.kept.missed == {}
    assert before - LOOK_EVERY <= world.kept.complete_since["one"] <= before


@pytest.mark.parametrize(
    ("body", "swept"),
    [
        (notification("a", bucket="one", at=LONG_AGO), {"E1", "E3"}),
        (notification("a", bucket="two", at=LONG_AGO), {"E2", "E3"}),
        (notification("a", bucket="stray", at=LONG_AGO), set()),
        (notification("a", bucket="one", event="ObjectTagging:Put"), set()),
        ("nonsense", {"E1", "E2", "E3"}),
    ],
)
def test_given_up(body: str, swept: set[str]) -> None:
    """A dead letter that is given up sweeps its bucket once, and all buckets if it names none."""
    world = World()

    for _ in range(100):
        world.gaps.see(letter(body))
        world.pass_by(MINUTE)
    world.gaps = world.cold()
    world.gaps.see(letter(body))
    world.pass_by(DAILY)

    assert {distribution for distribution, _ in world.swept} == swept
    assert len(world.swept) == len(swept)


def test_covered() -> None:
    """A dead letter of a change that a closed gap has swept is not another gap."""
    since = {"one": LONG_AGO + MINUTE}
    world = World(Kept(complete_since=since, attached=BUCKETS, checked_at=NOON))

    world.gaps.see(letter(notification("a", bucket="one", at=LONG_AGO)))
    world.pass_by(LOOK_EVERY)

    assert world.swept == []
    assert world.looks == 0


@pytest.mark.parametrize(
    ("redriven", "age", "swept"),
    [
        (ATTEMPTS - 1, NEARLY_EXPIRED, True),
        (0, NEARLY_EXPIRED, True),
        (0, NEARLY_EXPIRED - MINUTE * 2, False),
        (ATTEMPTS - 1, NEARLY_EXPIRED - MINUTE * 2, False),
    ],
)
def test_nearly_expired_letter(redriven: int, age: timedelta, swept: bool) -> None:  # noqa: FBT001  # a parameter
    """A dead letter that nobody sent back until others may be gone is a gap of every bucket."""
    world = World()

    world.gaps.see(letter("nonsense", redriven, NOON - age))
    world.pass_by(DAILY)

    assert bool(world.swept) == swept


@pytest.mark.parametrize(
    ("age", "swept"), [(NEARLY_EXPIRED, True), (NEARLY_EXPIRED - MINUTE, False)]
)
def test_stuck_queue(age: timedelta, swept: bool) -> None:  # noqa: FBT001  # a parameter
    """A queue whose oldest message is nearly expired is a gap until it is worked off."""
    world = World()
    world.oldest = age
    world.pass_by(2 * DAILY)
    assert world.swept == []
    world.oldest = timedelta()

    world.pass_by(SETTLED + LOOK_EVERY)

    assert len(world.swept) == (3 if swept else 0)


@pytest.mark.parametrize(("span", "swept"), [(NEARLY_EXPIRED, 3), (NEARLY_EXPIRED - DAILY, 0)])
def test_silence(span: timedelta, swept: int) -> None:
    """If nobody has looked for as long as messages are kept, any of them may be gone."""
    world = World()
    world.now = NOON + span

    world.pass_by(DAILY)

    assert len(world.swept) == swept


def test_first_look() -> None:
    """Before anybody has found the distributions, nothing is kept and nobody looks."""
    world = World()
    world.store.kept = None

    world.gaps.see(letter("nonsense"))

    assert world.pass_by(DAILY) == []
    assert world.store.saves == 0


def test_saved_meanwhile() -> None:
    """A dead letter is not forgotten because somebody else saves at the same moment."""
    world = World()
    world.gaps.see(letter("nonsense"))
    load = world.store.load
    world.store.load = lambda: replace(world.kept, revision=-1)  # type: ignore[method-assign]  # an older one
    world.pass_by(2 * MINUTE)
    assert world.swept == []
    world.store.load = load  # type: ignore[method-assign]  # the present one

    world.pass_by(MINUTE)

    assert len(world.swept) == 3


def test_unswept() -> None:
    """While rows cannot be written the gap stays open, and entries are not trusted meanwhile."""
    world = World()
    world.dirty.room = 0
    world.gaps.see(letter("nonsense"))
    with pytest.raises(Unswept, match="full"):
        world.pass_by(MINUTE)
    assert world.kept.complete_since.keys() == {*BUCKETS}
    world.dirty.room = None

    world.pass_by(SETTLED + LOOK_EVERY)

    assert len(world.swept) == 3
    assert world.kept.missed == {}


def test_order() -> None:
    """A row is written after entries are no longer trusted, and before the gap is forgotten."""
    world = World()
    stages: list[tuple[bool, bool]] = []
    add = world.dirty.add

    def spy(rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        stages.append((bool(world.kept.complete_since), bool(world.kept.missed)))
        return add(rows)

    world.dirty.add = spy  # type: ignore[method-assign]  # that is the test
    world.gaps.see(letter("nonsense"))

    world.pass_by(MINUTE)

    assert stages == [(True, True)]
