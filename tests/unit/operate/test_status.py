"""What the observer says of a stack is what the next tick does."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgesweep.cover.survey import Survey
from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.flush.budget import Budget, month_of
from edgesweep.flush.flusher import Flusher, Outcome
from edgesweep.flush.journal import Flush, Invalidation, Lease
from edgesweep.flush.pace import LADDER, Demand
from edgesweep.flush.policy import Policy, Reason
from edgesweep.flush.sender import Accepted, Answer, Sender
from edgesweep.operate.dry_run import JournalInMemory
from edgesweep.operate.status import NEXT, Observer, StackStatus
from edgesweep.routes import Routes
from tests.fakes.dirty import DirtyRowsInMemory

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
SITE = "E1"
UNLIMITED = Budget(usd=None)
SMALL = Budget(free_paths=10)


@dataclass
class Edge:
    """A CloudFront that takes everything, and is still at work on some of it.

    Attributes:
        busy: ids of invalidations that are in progress.
        asked: the paths of each request.
    """

    busy: set[str] = field(default_factory=set)
    asked: list[Sequence[str]] = field(default_factory=list)

    def invalidate(self, _distribution: str, paths: Sequence[str], reference: str) -> Answer:
        """Take it."""
        self.asked.append(paths)
        return Accepted(reference, NOON)

    def in_progress(self, _distribution: str, invalidation: str) -> bool:
        """Tell whether it is at work on it."""
        return invalidation in self.busy

    def look_up(self, *_: object) -> None:
        """Have made nothing before."""


@dataclass
class World:
    """A stack in memory at noon."""

    policy: Policy
    rows: DirtyRowsInMemory = field(default_factory=DirtyRowsInMemory)
    journal: JournalInMemory = field(default_factory=JournalInMemory)
    edge: Edge = field(default_factory=Edge)

    def change(self, *ages: timedelta) -> None:
        """Record a change so long ago."""
        for number, age in enumerate(ages):
            change = Change("site", f"{number}.html", Kind.CREATED, NOON - age)
            self.rows.add([DirtyRow(SITE, change, NOON - age, f"{number:04x}")])

    def look(self, now: datetime = NOON) -> StackStatus:
        """Observe."""
        return self.observer.look([SITE], now)

    @property
    def observer(self) -> Observer:
        """Return what observes it."""
        return Observer(
            self.rows, self.rows.count, self.journal, self.edge.in_progress, self.policy,
            lambda: 3, lambda: 2,
        )  # fmt: skip

    def tick(self, now: datetime = NOON) -> Outcome | None:
        """Let the flusher do what it does."""
        clock, token = lambda: now, lambda: "token"
        sender = Sender(self.edge, self.journal, self.policy.budget, clock, token, lambda _: None)
        flusher = Flusher(
            dirty=self.rows,
            journal=self.journal,
            sender=sender,
            policy=self.policy,
            survey=lambda *_: Survey([], ()),
            routes=Routes(),
            clock=clock,
            token=token,
        )
        outcomes = flusher.tick([SITE])
        return outcomes[0] if outcomes else None


ages = st.integers(0, 400).map(partial(timedelta, 0))
budgets = st.builds(
    Budget,
    usd=st.sampled_from([None, Decimal(0), Decimal(5)]),
    free_paths=st.sampled_from([2, 10, 1_000]),
)


@given(
    budget=budgets,
    waiting=st.lists(ages, max_size=4),
    spent=st.integers(0, 1_100),
    flushed=st.none() | st.integers(0, 10_000).map(partial(timedelta, 0)),
    wildcards=st.integers(0, 14),
    lease=st.none() | st.integers(-60, -1) | st.integers(1, 45),
)
def test_next(  # noqa: PLR0913, PLR0917  # all that a tick depends on
    budget: Budget,
    waiting: Sequence[timedelta],
    spent: int,
    flushed: timedelta | None,
    wildcards: int,
    lease: int | None,
) -> None:
    """What is said to go goes, and what is said to wait waits, for the reason that is given."""
    world = World(Policy(budget))
    world.change(*waiting)
    world.journal.charged[month_of(NOON)] = spent
    world.edge.busy = {"I1"}
    world.journal.leases[SITE] = Lease(
        token=None if lease is None else "other",
        expires_at=None if lease is None else NOON + lease * SECOND,
        in_progress=(Invalidation("I1", month_of(NOON), 0, wildcards),),
        flushed_at=None if flushed is None else NOON - flushed,
    )

    (told,) = world.look().distributions
    outcome = world.tick()

    if outcome is None:
        assert told.reason is Reason.NOTHING
        assert told.due is None
        return
    assert outcome.reason is told.reason
    assert (outcome.flush is not None) == (told.due == NOON)
    if outcome.flush:
        assert told.most_paths is not None
        assert len(outcome.flush.paths) <= told.most_paths
    else:
        assert told.most_paths is None
        assert told.due is None or told.due > NOON


@pytest.mark.parametrize("waiting", [[3 * SECOND, MINUTE], [3 * SECOND, 299 * SECOND]])
def test_uploading(waiting: Sequence[timedelta]) -> None:
    """An upload is waited for until it has come to rest, or has continued for too long."""
    world = World(Policy(UNLIMITED))
    world.change(*waiting)

    assert_due(world, NOON)


# Here the due time is not a whole number of microseconds.
@example(free_paths=6, left=1, flushed=SECOND, now=datetime(2026, 11, 1, tzinfo=UTC))
@given(
    free_paths=st.integers(2, 50),
    left=st.integers(0, 50),
    flushed=st.none() | st.integers(0, 10**6).map(partial(timedelta, 0)),
    now=st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 30)).map(  # noqa: DTZ001  # made so
        partial(datetime.replace, tzinfo=UTC)
    ),
)
def test_affordable(free_paths: int, left: int, flushed: timedelta | None, now: datetime) -> None:
    """A flush that the budget holds back goes when it is due, and not a second before."""
    world = World(Policy(Budget(free_paths=free_paths)))
    world.change(NOON - now + MINUTE)
    world.journal.charged[month_of(now)] = max(0, free_paths - left)
    world.journal.leases[SITE] = Lease(flushed_at=None if flushed is None else now - flushed)

    if world.look(now).distributions[0].reason is Reason.BUDGET:
        assert_due(world, now)


@pytest.mark.parametrize("seconds", [0, 10, 29])
def test_turn_of_the_month(seconds: int) -> None:
    """Right after a month that was used up, a flush waits for its margin, not for a month."""
    now = datetime(2026, 12, 1, tzinfo=UTC) + seconds * SECOND
    world = World(Policy(SMALL))
    world.change(NOON - now + MINUTE)
    world.journal.charged["2026-11"] = 10

    assert_due(world, now)


def assert_due(world: World, now: datetime) -> None:
    """Assert that the next flush goes when it is due, and not a second before."""
    (told,) = world.look(now).distributions
    assert told.due is not None
    assert told.due > now

    early, late = world.tick(max(now, told.due - SECOND)), world.tick(told.due)

    assert early is not None
    assert early.flush is None
    assert late is not None
    assert late.flush is not None


@pytest.mark.parametrize(("pattern", "reason"), [("0*", Reason.URGENT), ("", Reason.UPLOADING)])
def test_urgent(pattern: str, reason: Reason) -> None:
    """`status` says that an urgent change goes while the upload continues, and it does."""
    world = World(Policy(UNLIMITED, urgent=(pattern,)))
    world.change(SECOND)

    (told,) = world.look().distributions
    outcome = world.tick()

    assert (told.reason, told.next) == (reason, NEXT[reason])
    assert outcome
    assert outcome.reason is reason


DEAR = Demand(NOON, 1.0, 50.0, (2_000.0,) * len(LADDER))


@pytest.mark.parametrize(
    ("kind", "urgent", "demand", "age", "patient"),
    [
        (Kind.CREATED, (), DEAR, MINUTE, True),
        (Kind.CREATED, (), Demand(), MINUTE, False),
        (Kind.CREATED, (), DEAR, 6 * MINUTE, False),
        (Kind.CREATED, ("b*",), DEAR, MINUTE, False),
        (Kind.REMOVED, (), DEAR, MINUTE, False),
    ],
)
def test_patient(
    kind: Kind, urgent: Sequence[str], demand: Demand, age: timedelta, *, patient: bool
) -> None:
    """Where paths are dear a change may wait for the next; removals and urgent ones do not."""
    world = World(Policy(urgent=urgent))
    world.journal.remember(demand)
    for key in ("a", "b"):
        row = DirtyRow(SITE, Change("site", key, kind, NOON - age), NOON - age, key)
        world.rows.add([row])

    (told,) = world.look().distributions

    assert (told.next == NEXT[Reason.PATIENT]) is patient
    assert told.due == NOON
    assert (
        "or with the next change" in world.observer.why(SITE, *world.observer.peek(SITE), NOON)
    ) is patient


def test_unfinished() -> None:
    """A flush that CloudFront has not accepted is named, and is sent again by the next tick."""
    world = World(Policy())
    flush = Flush(SITE, NOON - MINUTE, "t", ("/a",), (month_of(NOON),), rows=1)
    world.journal.open(flush, replace(world.journal.take(SITE, "x", NOON)), {month_of(NOON): None})
    world.journal.release(SITE, "x")

    (told,) = world.look().distributions

    assert (told.unfinished, told.reason, told.due) == (flush.id, Reason.UNFINISHED, NOON)
    world.tick()
    assert world.edge.asked == [("/a",)]


def test_counts() -> None:
    """Everything that waits is counted, and the budget is what the ledger leaves of it."""
    world = World(Policy(Budget(usd=Decimal(1), free_paths=100)))
    world.change(MINUTE, 2 * MINUTE)
    world.rows.add([replace(world.rows.rows[0], distribution="unrouted")])
    world.journal.charged["2026-11"] = 120

    told = world.look()

    assert (told.queued, told.dead_letters, told.unrouted) == (3, 2, 1)
    assert (told.month, told.budget.charged, told.budget.left) == ("2026-11", 120, 180)
    assert (told.budget.spent_usd, told.budget.left_usd) == (Decimal("0.1"), Decimal("0.9"))
    (one,) = told.distributions
    assert (one.dirty, one.oldest) == (2, NOON - 2 * MINUTE)
    assert told.budget.reserve == world.policy.budget.reserve(NOON)


def test_no_limit() -> None:
    """Without a limit nothing is left to count down."""
    budget = World(Policy(UNLIMITED)).look().budget

    assert (budget.left, budget.left_usd, budget.reserve) == (None, None, 0)
