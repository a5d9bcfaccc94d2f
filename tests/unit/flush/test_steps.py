"""The steps of a flush, one after the other, and what is left wherever they end."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from edgesweep import dirty
from edgesweep.dirty import Span
from edgesweep.flush import planning
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.journal import Flush, Invalidation, State
from edgesweep.flush.policy import Reason
from edgesweep.flush.sender import Accepted, Answer, Refusal, Refused, Unanswered
from edgesweep.flush.sweeping import MARGIN
from edgesweep.operate.dry_run import JournalInMemory
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.flushing import HOUR, NOON, Killed, Process, Ticks

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
MONTH = "2026-11"
LOST = Unanswered("Read timeout")
# Every call to the outside of a flush of one row.
PEEK = ["span", "lease"]
DECIDE = ["take", "ledger", "demand"]
PLAN = ["read", "fits", "open", "remember"]
SEND = ["renew", "advance", "invalidate", "advance"]
CLEAR = ["delete", "read", "advance", "release"]
STEPS = [*PEEK, *DECIDE, *PLAN, *SEND, *CLEAR]


def reasons(outcomes: Sequence[Outcome]) -> list[tuple[str, Reason]]:
    """Return what became of each distribution."""
    return [(outcome.distribution, outcome.reason) for outcome in outcomes]


def test_steps() -> None:
    """A flush takes its steps in an order in which each of them may be the last."""
    world, process = Ticks(), Process()
    row = world.change("a.html")

    (outcome,) = world.tick(process=process)

    assert process.calls == STEPS
    assert (outcome.reason, outcome.oldest) == (Reason.QUIET, row.recorded_at)
    assert outcome.flush is not None
    assert (outcome.flush.state, outcome.flush.rows) == (State.SETTLED, 1)
    assert outcome.answer == Accepted("I0", NOON)
    assert (world.sent, world.keys) == ([("/a.html",)], [])
    assert world.journal.demand().seen_at == NOON


@pytest.mark.parametrize("most", range(len(STEPS)))
def test_killed(most: int) -> None:
    """Wherever a process ends, the next one finishes its work, and nothing is paid twice."""
    world = Ticks()
    world.change("a.html")
    with pytest.raises(Killed):
        world.tick(process=Process(most))
    world.now += MINUTE

    world.tick()

    assert (world.sent, world.keys) == ([("/a.html",)], [])
    assert world.journal.charged == {MONTH: 1}
    assert world.journal.lease("E1").unfinished is None


def test_idle() -> None:
    """Where nothing is dirty and nothing unfinished, a tick only peeks."""
    process = Process()

    assert Ticks().tick(process=process) == []
    assert process.calls == ["span", "lease"]


@pytest.mark.parametrize(
    ("age", "spent", "busy", "reason"),
    [
        (9 * SECOND, 0, 0, Reason.UPLOADING),
        (MINUTE, 1_000, 0, Reason.SPENT),
        (MINUTE, 0, 13, Reason.QUOTA),
    ],
)
def test_held(age: timedelta, spent: int, busy: int, reason: Reason) -> None:
    """What is held leaves rows, ledger and flushes as they are, and the lease free."""
    world = Ticks()
    world.change("a.html", age)
    world.journal.charged[MONTH] = spent
    requests = tuple(Invalidation(f"I{n}", MONTH, 0, 1) for n in range(busy))
    before = replace(world.journal.lease("E1"), in_progress=requests)
    world.journal.leases["E1"] = before
    world.busy = {request.id for request in requests}

    (outcome,) = world.tick()

    assert outcome == Outcome("E1", reason, oldest=NOON - age)
    assert world.keys == [("E1", "a.html")]
    assert (world.journal.charged[MONTH], world.journal.flushes) == (spent, {})
    assert world.journal.lease("E1") == before


def test_completed() -> None:
    """Requests that were completed make room, and are not asked about again."""
    world = Ticks()
    world.change("a.html")
    old = tuple(Invalidation(f"old{n}", MONTH, 0, 1) for n in range(13))
    world.journal.leases["E1"] = replace(world.journal.lease("E1"), in_progress=old)
    world.busy = {"old5"}

    (outcome,) = world.tick()

    assert outcome.reason is Reason.QUIET
    assert [request.id for request in world.journal.lease("E1").in_progress] == ["old5", "I0"]


def test_lease_held() -> None:
    """While another flusher is at it nothing is done, until its lease has expired."""
    world = Ticks()
    world.change("a.html")
    world.journal.take("E1", "theirs", NOON)

    assert reasons(world.tick()) == [("E1", Reason.LEASE)]
    assert world.journal.lease("E1").token == "theirs"  # noqa: S105  # of a lease
    world.now += MINUTE
    assert reasons(world.tick()) == [("E1", Reason.QUIET)]


def test_lease_lost() -> None:
    """Who loses the lease while it plans opens nothing, and leaves the lease to its owner."""

    def overtake(_: str) -> None:
        world.journal.release("E1", str(world.journal.lease("E1").token))
        world.journal.take("E1", "theirs", NOON)

    world = Ticks(meanwhile=overtake)
    world.change("a.html")

    assert reasons(world.tick()) == [("E1", Reason.LEASE)]
    assert world.journal.lease("E1").token == "theirs"  # noqa: S105  # of a lease
    assert (world.sent, world.journal.flushes) == ([], {})


def test_overspent() -> None:
    """What another flusher spends while this one plans is not spent twice."""

    def spend(_: str) -> None:
        world.journal.charged[MONTH] = 1_000

    world = Ticks(meanwhile=spend)
    world.change("a.html")

    assert reasons(world.tick()) == [("E1", Reason.BUDGET)]
    assert world.keys == [("E1", "a.html")]
    assert (world.sent, world.journal.flushes) == ([], {})


def test_vanished() -> None:
    """Rows that another flusher has covered since the peek need no flush."""

    class Stale(DirtyRowsInMemory):
        def span(self, distribution: str, shards: int = 1) -> Span:  # noqa: ARG002  # as it is
            return Span(NOON - HOUR, NOON - HOUR)

    world = Ticks(dirty=Stale())

    assert reasons(world.tick()) == [("E1", Reason.LEASE)]
    assert (world.sent, world.journal.flushes) == ([], {})


def test_age() -> None:
    """Who has waited longest goes first, after those that have something to finish."""
    world = Ticks([LOST])
    old = world.change("old.html", to="E4")
    world.tick("E4")
    world.dirty.delete([old])
    for name, minutes in (("E1", 5), ("E2", 60), ("E3", 20)):
        world.change("a.html", minutes * MINUTE, to=name)

    outcomes = world.tick("E1", "E2", "E3", "E4", "E5")

    assert reasons(outcomes) == [
        ("E4", Reason.RECOVERED),
        ("E2", Reason.QUIET),
        ("E3", Reason.QUIET),
        ("E1", Reason.QUIET),
    ]


def test_failure() -> None:
    """A distribution that fails is reported, and does not stop another."""

    def fail(distribution: str) -> None:
        if distribution == "E1":
            raise failure

    failure = OSError("No route")
    world = Ticks(meanwhile=fail)
    for name in ("E1", "E2"):
        world.change("a.html", to=name)

    outcomes = world.tick("E1", "E2")

    assert reasons(outcomes) == [("E1", Reason.FAILED), ("E2", Reason.QUIET)]
    assert outcomes[0].error is failure
    assert world.keys == [("E1", "a.html")]
    assert world.journal.lease("E1").token is None


def test_unreadable() -> None:
    """A distribution whose rows cannot be looked at does not stop another."""
    failure = OSError("No route")

    class Closed(DirtyRowsInMemory):
        def span(self, distribution: str, shards: int = 1) -> Span | None:
            if distribution == "E1":
                raise failure
            return super().span(distribution, shards)

    world = Ticks(dirty=Closed())
    world.change("a.html", to="E2")

    outcomes = world.tick("E1", "E2")

    assert reasons(outcomes) == [("E1", Reason.FAILED), ("E2", Reason.QUIET)]
    assert outcomes[0] == Outcome("E1", Reason.FAILED, error=failure)


@pytest.mark.parametrize("answer", [LOST, Refused(Refusal.DENIED, "No.")])
def test_unfinished(answer: Answer) -> None:
    """What CloudFront does not accept stays, and goes out first in the next tick, just the same."""
    world = Ticks([answer, answer])
    world.change("a.html")

    for _ in range(2):
        (outcome,) = world.tick(gone=False)
        assert (outcome.reason, outcome.answer) == (Reason.UNFINISHED, answer)
        assert world.keys == [("E1", "a.html")]
    (outcome,) = world.tick(gone=False)

    assert outcome.reason is Reason.RECOVERED
    assert outcome.flush is not None
    assert list(world.made) == [outcome.flush.reference(0)]
    assert (world.keys, len(world.journal.flushes)) == ([], 1)


def test_recovery() -> None:
    """Recovery has not read the rows; it deletes the older ones, and a new flush sends the rest."""
    world = Ticks([LOST])
    world.change("a.html")
    world.tick()
    world.change("a.html", MARGIN)
    world.change("a.html", MARGIN - SECOND)
    world.change("b.html", MINUTE)

    (outcome,) = world.tick()
    assert outcome.reason is Reason.UPLOADING
    assert world.keys == [("E1", "a.html"), ("E1", "b.html")]
    world.now += MINUTE
    (outcome,) = world.tick()

    assert world.sent == [("/a.html",), ("/a.html", "/b.html")]
    assert (outcome.reason, world.keys) == (Reason.QUIET, [])


def test_finished_meanwhile() -> None:
    """A flush that its first owner finishes after all is neither sent nor paid again."""

    class Late(JournalInMemory):
        finished = False

        def load(self, distribution: str, flush_id: str) -> Flush | None:
            flush = super().load(distribution, flush_id)
            if not self.finished and flush and flush.state is State.SENT:
                self.finished = True
                ticks.dirty.delete(ticks.dirty.rows)
                self.advance(flush, flush.settle(NOON))
            return super().load(distribution, flush_id)

    ticks = Ticks(journal=Late())
    ticks.change("a.html")
    with pytest.raises(Killed):
        ticks.tick(process=Process(STEPS.index("delete")))
    ticks.now += MINUTE

    assert reasons(ticks.tick()) == [("E1", Reason.LEASE)]
    assert (ticks.sent, ticks.journal.charged) == ([("/a.html",)], {MONTH: 1})
    assert ticks.journal.lease("E1").token is None


def test_landed_meanwhile() -> None:
    """A row that lands in a flush is deleted if it is surely older and covered, else it stays."""

    def land(_: str) -> None:
        world.change("a.html", MARGIN)
        world.change("a.html", MARGIN - SECOND)
        world.change("b.html")

    world = Ticks(meanwhile=land)
    world.change("a.html")

    world.tick()

    left = [(row.change.key, NOON - row.recorded_at) for row in world.dirty.rows]
    assert left == [("a.html", MARGIN - SECOND), ("b.html", HOUR)]


def test_gone() -> None:
    """The rows of a distribution that is gone go as well; nothing is charged."""
    world = Ticks([Refused(Refusal.GONE, "No.")])
    world.change("a.html", 2 * HOUR)
    world.change("b.html", to="E2")

    outcomes = world.tick("E1", "E2")

    assert outcomes[0].flush is not None
    assert outcomes[0].flush.state is State.REJECTED
    assert world.keys == []
    assert world.sent == [("/b.html",)]
    assert world.journal.charged == {MONTH: 1}


def test_rejected() -> None:
    """The rows of a flush that CloudFront rejects stay for the next one."""
    world = Ticks([Refused(Refusal.CONFLICT, "No.")])
    world.change("a.html")

    (outcome,) = world.tick()

    assert outcome.flush is not None
    assert outcome.flush.state is State.REJECTED
    assert world.keys == [("E1", "a.html")]
    world.tick()
    assert (world.sent, world.keys) == ([("/a.html",)], [])


@pytest.mark.parametrize(
    ("bound", "most"), [("MAX_ROWS", 2), ("MAX_BYTES", 2 * planning.ROW_BYTES)]
)
@pytest.mark.parametrize(("spent", "paths", "left"), [(0, ("/a", "/b"), 1), (995, ("/*",), 0)])
def test_cut(  # noqa: PLR0913, PLR0917  # its cases
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
    most: int,
    spent: int,
    paths: tuple[str, ...],
    left: int,
) -> None:
    """Where rows are left unread, a flush that may take one path alone covers them as well.

    Rows are read up to a number, and up to what they take in memory.
    """
    monkeypatch.setattr(planning, bound, most)
    monkeypatch.setattr(dirty, "CHUNK", 1)
    world = Ticks()
    world.journal.charged[MONTH] = spent
    for key in ("a", "b", "c"):
        world.change(key)

    world.tick()

    assert (world.sent, len(world.keys)) == ([paths], left)


def test_too_large() -> None:
    """Paths that the journal does not take are made coarser, and no row is dropped."""
    world = Ticks(journal=JournalInMemory(most_paths=2))
    for key in ("a/1", "a/2", "b/1", "b/2", "c"):
        world.change(key)

    world.tick()

    ((*paths,),) = world.sent
    assert 1 <= len(paths) <= 2
    assert world.keys == []
