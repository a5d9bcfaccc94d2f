"""Laws of distributions that change: no change is lost, and nothing is swept for nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from edgesweep.dirty import UNROUTED, Change, DirtyRow, Kind, RequestedPath
from edgesweep.record.recorder import Selection, fate
from edgesweep.routes import Distribution, Routes
from edgesweep.routes.kept import Kept
from tests.fakes.discovery import NOON, Account, distribution

MINUTE = timedelta(minutes=1)
IDS = ("E1", "E2")
KEYS = ("a", "b")

# A distribution that is not there, is disabled, leads elsewhere, or serves one object or all.
shapes = st.sampled_from(["missing", "disabled", "elsewhere", "a*", "b*", "*"])


def shaped(identity: str, shape: str) -> list[Distribution]:
    """Return a distribution of a shape, none if it is missing."""
    if shape == "missing":
        return []
    if shape == "elsewhere":
        return [distribution(identity, "other")]
    if shape == "disabled":
        return [replace(distribution(identity), enabled=False)]
    return [distribution(identity, pattern=shape)]


@dataclass
class Story:
    """A site whose distributions change while its objects do.

    Attributes:
        account: what the flusher looks at.
        shapes: what each distribution is like.
        changes: when which object changed.
        early: distributions that were swept while their edges worked by others.
    """

    account: Account = field(default_factory=Account)
    shapes: dict[str, str] = field(default_factory=lambda: dict.fromkeys(IDS, "missing"))
    changes: list[tuple[datetime, str]] = field(default_factory=list)
    early: set[str] = field(default_factory=set)

    def configure(self, identity: str, shape: str, *, deployed: bool) -> None:
        """Let somebody configure a distribution."""
        self.shapes[identity] = shape
        self.account.there = [one for name in IDS for one in shaped(name, self.shapes[name])]
        rest = set(self.account.under_way) - {identity}
        self.account.under_way = rest if deployed else {*rest, identity}

    def upload(self, key: str) -> None:
        """Let an object change, and the recorder hear of it at once."""
        now, kept = self.account.now, self.account.store.kept or Kept()
        self.changes.append((now, key))
        change = Change("site", key, Kind.CREATED, now)
        _, places = fate(Selection(), Routes(kept.distributions), "site", key)
        token = f"{len(self.changes):08x}"
        self.account.dirty.add([DirtyRow(place, change, now, token) for place in places])

    def tick(self, minutes: int) -> None:
        """Let minutes pass."""
        for _ in range(minutes):
            self.account.route(MINUTE)
            self.early |= {row.distribution for row in self.swept(self.account.now)} & {
                *self.account.under_way
            }

    def swept(self, since: datetime = NOON) -> Sequence[DirtyRow]:
        """Return the rows that ask a distribution to forget everything."""
        rows = self.account.dirty.rows
        asked = (row for row in rows if isinstance(row.subject, RequestedPath))
        return [row for row in asked if row.recorded_at >= since]

    def end(self) -> None:
        """Let CloudFront deploy everything, and the flusher see it."""
        self.account.under_way = ()
        self.tick(15)

    def told(self, identity: str, key: str, since: datetime) -> bool:
        """Tell whether a distribution has to forget an object, as it is since a moment."""
        waiting = self.account.dirty.read(identity)
        later = [row.subject for row in waiting if row.recorded_at >= since]
        return any(isinstance(one, RequestedPath) or one.key == key for one in later)


steps = st.one_of(
    st.tuples(st.just("configure"), st.sampled_from(IDS), shapes, st.booleans()),
    st.tuples(st.just("upload"), st.sampled_from(KEYS)),
    st.tuples(st.just("tick"), st.integers(1, 12)),
    st.tuples(st.just("cold")),
)


def tell(story: Story, told: Sequence[tuple[object, ...]]) -> None:
    """Let a story happen."""
    for name, *arguments in told:
        if name == "configure":
            identity, shape, deployed = arguments
            story.configure(str(identity), str(shape), deployed=bool(deployed))
        elif name == "upload":
            story.upload(str(arguments[0]))
        elif name == "tick":
            story.tick(int(str(arguments[0])))
        else:
            story.account.restart()


@given(st.lists(steps, max_size=12))
@settings(max_examples=400)
def test_nothing_lost(told: Sequence[tuple[object, ...]]) -> None:
    """Every change reaches whoever serves its object in the end: by its row, or by a later `/*`."""
    story = Story()
    story.tick(1)

    tell(story, told)
    story.end()

    routes = Routes(story.account.there or ())
    for at, key in story.changes:
        for identity in routes.distributions("site", key):
            assert story.told(identity, key, at)
    assert not routes.serving("site") or story.account.rows(UNROUTED) == []


@given(st.lists(steps, max_size=12))
def test_nothing_swept(told: Sequence[tuple[object, ...]]) -> None:
    """Each new configuration is swept at most once, and never while edges work by others."""
    story = Story()
    story.tick(1)

    tell(story, told)
    story.end()

    assert not story.early
    assert len(story.swept()) <= sum(name == "configure" for name, *_ in told)
