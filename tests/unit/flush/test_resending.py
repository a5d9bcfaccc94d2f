"""A flush that cannot be sent as it is: what becomes of it, of its charges and of its rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

import pytest

from edgesweep.aws.cloudfront import CloudFront
from edgesweep.cover.survey import unsurveyed
from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.flush.budget import Budget
from edgesweep.flush.flusher import Flusher, Outcome
from edgesweep.flush.journal import Flush, State
from edgesweep.flush.policy import Policy, Reason
from edgesweep.flush.sender import Answer, Refusal, Refused, Sender, Unanswered
from edgesweep.operate.dry_run import JournalInMemory
from edgesweep.routes import everywhere
from tests.fakes.cloudfront import Rules, StrictCloudFront
from tests.fakes.dirty import DirtyRowsInMemory

SITE = "E2QWRUHEXAMPLE"
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
DECEMBER, JANUARY = "2026-12", "2027-01"
# Of what it allows, January needs every path for its guarantee: two at once are never free.
BUDGET = Budget(free_paths=8_928, guarantee=timedelta(minutes=5))


@dataclass
class Edge:
    """A strict CloudFront whose answers may be lost.

    Attributes:
        service: the CloudFront.
        lost: whether requests or answers are lost on their way, and which of them.
    """

    service: StrictCloudFront
    lost: str = ""

    def __post_init__(self) -> None:
        self._edge = CloudFront(cast("Any", self.service))
        self.in_progress = self._edge.in_progress
        self.look_up = self._edge.look_up

    def invalidate(self, distribution: str, paths: Sequence[str], reference: str) -> Answer:
        """Ask once."""
        if self.lost == "request":
            return Unanswered("Lost")
        answer = self._edge.invalidate(distribution, paths, reference)
        return Unanswered("Lost") if self.lost == "answer" else answer


@dataclass
class Site:
    """A distribution, its rows and its journal, and a clock that is set by hand."""

    now: datetime
    rules: Rules = field(default_factory=lambda: Rules(wildcards_per_second=None))
    budget: Budget = BUDGET
    rows: DirtyRowsInMemory = field(default_factory=DirtyRowsInMemory)
    journal: JournalInMemory = field(default_factory=JournalInMemory)

    def __post_init__(self) -> None:
        self.service = StrictCloudFront(lambda: self.now, {SITE}, self.rules)
        self.edge = Edge(self.service)
        self._tokens = count(1)

    def change(self, *keys: str) -> None:
        """Record changes of half a minute ago."""
        at = self.now - timedelta(seconds=30)
        changes = [Change("site", key, Kind.CREATED, at) for key in keys]
        self.rows.add([DirtyRow(SITE, change, at, self._token()) for change in changes])

    def tick(self) -> Outcome:
        """Let a flusher do its work."""
        (outcome,) = Flusher(
            dirty=self.rows,
            journal=self.journal,
            sender=Sender(
                self.edge, self.journal, self.budget, self._clock, self._token, self._pause
            ),
            policy=Policy(self.budget),
            survey=lambda _distribution, dirty, *_: unsurveyed(dirty),
            routes=everywhere([SITE]),
            clock=self._clock,
            token=self._token,
        ).tick([SITE])
        return outcome

    @property
    def keys(self) -> set[str]:
        """The keys of the rows that wait."""
        return {row.change.key for row in self.rows.rows}

    @property
    def asked(self) -> Sequence[Sequence[str]]:
        """The paths of each invalidation that was made."""
        return [made.paths for made in self.service.made]

    def _clock(self) -> datetime:
        return self.now

    def _token(self) -> str:
        return f"{next(self._tokens):04x}"

    def _pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def turned(lost: str) -> Site:
    """Return a site whose flush of two paths met the end of a month that had much left."""
    site = Site(NEW_YEAR - timedelta(minutes=1))
    site.change("a.html", "b.html")
    site.edge.lost = lost
    assert site.tick().reason is Reason.UNFINISHED
    site.edge.lost = ""
    return site


def die(*_: object) -> None:
    """Stand where a process dies.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError


def flush_of(outcome: Outcome) -> Flush:
    """Return an outcome's flush."""
    assert outcome.flush is not None
    return outcome.flush


def test_held_at_the_turn() -> None:
    """A flush that may be billed in a month that cannot pay is held while it may be under way."""
    site = turned("answer")
    site.now = NEW_YEAR + timedelta(seconds=10)

    assert site.tick().reason is Reason.BUDGET

    assert site.journal.charged == {DECEMBER: 2}
    assert len(site.asked) == 1


def test_found_after_the_turn() -> None:
    """What CloudFront made in the month that paid is found there: nothing is asked or paid again.

    The change that came meanwhile goes on its own way.
    """
    site = turned("answer")
    site.now = NEW_YEAR + BUDGET.interval(NEW_YEAR)
    site.change("c.html")

    outcome = site.tick()

    assert site.asked == [("/a.html", "/b.html"), ("/c.html",)]
    assert flush_of(outcome).state is State.SETTLED
    assert site.journal.charged == {DECEMBER: 2, JANUARY: 1}
    assert site.keys == set()


def test_lost_after_the_turn() -> None:
    """Paths that CloudFront did not invalidate are planned again, as the new month can pay.

    An attempt went unanswered, so its charge is kept.
    """
    site = turned("request")
    site.now = NEW_YEAR + BUDGET.interval(NEW_YEAR)

    site.tick()

    assert site.asked == [("/*",)]
    assert site.journal.charged == {DECEMBER: 2, JANUARY: 1}
    assert site.keys == set()


def test_refused_at_the_turn() -> None:
    """A flush that was always refused is given up at the turn of the month, its charge returned."""
    site = Site(NEW_YEAR - timedelta(minutes=1))
    site.change("a.html", "b.html")
    with pytest.MonkeyPatch.context() as patch:
        denied = Refused(Refusal.DENIED, "AccessDenied: ")
        patch.setattr(site.edge, "invalidate", lambda *_: denied)
        assert site.tick().reason is Reason.UNFINISHED
    site.now = NEW_YEAR + BUDGET.interval(NEW_YEAR)

    site.tick()

    assert site.asked == [("/*",)]
    assert site.journal.charged == {DECEMBER: 0, JANUARY: 1}
    assert site.keys == set()


@pytest.mark.parametrize("lost", ["answer", "request"])
def test_forgotten_reference(lost: str) -> None:
    """After hours a flush is looked up first: CloudFront may have forgotten its reference.

    Nobody says for how long it knows one. What it has made is neither made nor paid twice.
    """
    site = Site(NOON, budget=Budget())
    site.change("a.html", "b.html")
    site.edge.lost = lost
    site.tick()
    site.edge.lost = ""
    site.service.rules = replace(site.rules, remembers=timedelta(hours=1))
    site.now += timedelta(hours=2)
    site.change("c.html")

    outcome = site.tick()

    assert site.asked == [("/a.html", "/b.html"), ("/c.html",)]
    assert flush_of(outcome).state is State.SETTLED
    assert site.journal.charged == {DECEMBER: 3}
    assert site.keys == set()


def test_slow() -> None:
    """While CloudFront works on a flush without an answer, nothing in it is paid twice."""
    rules = Rules(wildcards=3, wildcards_per_second=None, duration=timedelta(minutes=15))
    site = Site(NOON, rules, Budget())
    site.change("a~1", "b~1")
    site.edge.lost = "answer"
    site.tick()
    site.edge.lost = ""

    while site.keys:
        site.now += timedelta(minutes=1)
        site.tick()

    assert site.asked == [("/a*", "/b*")]
    assert site.journal.charged == {DECEMBER: 2}


@pytest.mark.parametrize(("minutes", "looks"), [(59, False), (61, True)])
def test_looked_up(minutes: int, looks: bool) -> None:  # noqa: FBT001  # a parameter
    """A flush of the last hour is sent again at once, as CloudFront means it to be."""
    site = Site(NOON, budget=Budget())
    site.change("a.html")
    site.edge.lost = "answer"
    site.tick()
    site.edge.lost = ""
    site.now += timedelta(minutes=minutes)
    looked: list[str] = []

    def look_up(_distribution: str, reference: str, *_: object) -> None:
        looked.append(reference)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.edge, "look_up", look_up)
        site.tick()

    assert bool(looked) == looks
    assert site.asked == [("/a.html",)]
    assert site.journal.charged == {DECEMBER: 1}


@pytest.mark.parametrize(("keys", "looks"), [(("a.html", "b.html"), 0), (("a~1", "b~1"), 1)])
def test_throttled(keys: Sequence[str], looks: int) -> None:
    """An unanswered flush that CloudFront throttles is looked up once, before it is split."""
    site = Site(NOON, budget=Budget())
    site.change(*keys)
    site.edge.lost = "request"
    site.tick()
    looked: list[object] = []

    with pytest.MonkeyPatch.context() as patch:
        throttled = Refused(Refusal.THROTTLED, "Rate exceeded")
        patch.setattr(site.edge, "invalidate", lambda *_: throttled)
        patch.setattr(site.edge, "look_up", lambda *asked: looked.append(asked))
        for minutes in (11, 1, 1):
            site.now += timedelta(minutes=minutes)
            site.tick()

    assert len(looked) == looks


@pytest.mark.parametrize("lost", ["answer", "request"])
def test_affordable_turn(lost: str) -> None:
    """Where the new month can pay as well, the same is asked again and one of them pays."""
    site = Site(NEW_YEAR - timedelta(minutes=1), budget=Budget())
    site.change("a.html", "b.html")
    site.edge.lost = lost
    site.tick()
    site.edge.lost = ""
    site.now = NEW_YEAR + timedelta(seconds=31)

    site.tick()

    assert site.asked == [("/a.html", "/b.html")]
    charged = DECEMBER if lost == "answer" else JANUARY
    assert site.journal.charged == {DECEMBER: 0, JANUARY: 0} | {charged: 2}
    assert site.keys == set()


PARTLY = Rules(
    wildcards_per_second=None,
    paths_per_second=2,
    per_path=True,
    paths_last=True,
    refused=frozenset("'"),
)


@pytest.fixture(name="rate_of_two")
def _rate_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgesweep.flush.journal.PATHS_PER_SECOND", 2)


@pytest.mark.usefixtures("rate_of_two")
def test_rest_alone() -> None:
    """When a part is refused as invalid, what was accepted before is not paid again."""
    site = Site(NOON, rules=PARTLY)
    site.change("a.html", "b.html", "c'.html", "d.html")

    outcome = site.tick()

    assert site.asked == [("/a.html", "/b.html"), ("/c*", "/d.html")]
    assert flush_of(outcome).state is State.SETTLED
    assert site.journal.charged == {DECEMBER: 4}
    assert site.keys == set()


@pytest.mark.usefixtures("rate_of_two")
def test_rest_recovered() -> None:
    """A flusher that finishes the rest without reading rows deletes those of the first part too."""
    site = Site(NOON, rules=PARTLY)
    site.change("a.html", "b.html", "c'.html", "d.html")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.rows, "delete", die)
        assert site.tick().reason is Reason.FAILED
    site.now += timedelta(minutes=1)

    assert site.tick().reason is Reason.RECOVERED

    assert len(site.asked) == 2
    assert site.journal.charged == {DECEMBER: 4}
    assert site.keys == set()


@pytest.mark.usefixtures("rate_of_two")
def test_later_change_of_the_first_part() -> None:
    """A change that came after the first part was sent waits for an invalidation of its own."""
    site = Site(NOON, rules=PARTLY)
    site.change("a.html", "b.html", "c'.html", "d.html")
    real = site.edge.invalidate

    def slowly(distribution: str, paths: Sequence[str], reference: str) -> Answer:
        answer = real(distribution, paths, reference)
        if paths[0] == "/a.html":
            site.now += timedelta(minutes=2)
            site.change("a.html")
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.edge, "invalidate", slowly)
        patch.setattr(site.rows, "delete", die)
        site.tick()
    site.now += timedelta(minutes=1)

    site.tick()

    assert site.asked == [("/a.html", "/b.html"), ("/c*", "/d.html"), ("/a.html",)]
    assert site.keys == set()
