"""Every answer of CloudFront, and what becomes of the flush, its charge and its reference."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from edgesweep.errors import Overtaken
from edgesweep.flush.answers import Accepted, Answer, Refusal, Refused, Unanswered
from edgesweep.flush.budget import Budget
from edgesweep.flush.holding import HeldLease
from edgesweep.flush.journal import NO_LIMITS, Flush, Invalidation, Lease, LedgerLimits, State
from edgesweep.flush.policy import Headroom
from edgesweep.flush.sender import PAUSE_SECONDS, Sender
from edgesweep.operate.journal_in_memory import JournalInMemory

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONTH_END = datetime(2026, 12, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LOST = Unanswered("Read timeout")
NOVEMBER, DECEMBER = "2026-11", "2026-12"
PLAIN = ("/a.html", "/b/*")
# More wildcards than one request of a second may hold.
WILD = ("/a/*", "/b/*", "/c/*")
TOUCHY = ("/caf%C3%A9.html", "/a.html")


def no(refusal: Refusal) -> Refused:
    """Refuse."""
    return Refused(refusal, "No.")


@dataclass
class World:
    """An opened flush, and a CloudFront that answers what it is told to; then it accepts.

    Attributes:
        answers: what CloudFront answers, in this order.
        allowance: what a month may hold.
        quota: wildcards that may be in progress.
        now: the time, which goes on by `takes` with every request.
        asked: reference and paths of every request.
        busy: the invalidations that are in progress.
        paused: how long was waited, each time.
    """

    answers: list[Answer] = field(default_factory=list)
    allowance: int | None = None
    quota: int = 13
    now: datetime = NOON
    takes: timedelta = timedelta()
    asked: list[tuple[str, Sequence[str]]] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    paused: list[float] = field(default_factory=list)
    journal: JournalInMemory = field(default_factory=JournalInMemory)

    def __post_init__(self) -> None:
        tokens = count(1)
        self.sender = Sender(
            edge=self,
            journal=self.journal,
            budget=Budget(None if self.allowance is None else Decimal(0), self.allowance or 0),
            clock=lambda: self.now,
            token=lambda: f"t{next(tokens)}",
            pause=self.paused.append,
            quota=Headroom(3_000, self.quota),
        )

    def invalidate(self, _distribution: str, paths: Sequence[str], reference: str) -> Answer:
        """Answer."""
        self.asked.append((reference, paths))
        self.now += self.takes
        if self.answers:
            return self.answers.pop(0)
        return Accepted(f"I{len(self.asked)}", self.now)

    def in_progress(self, _distribution: str, invalidation: str) -> bool:
        """Tell what is in progress."""
        return invalidation in self.busy

    def open(self, paths: Sequence[str] = PLAIN) -> Flush:
        """Open a flush."""
        self.journal.take("E1", "mine", self.now)
        flush = Flush("E1", self.now, "t0", tuple(paths), (NOVEMBER,), rows=2)
        self.journal.open(flush, self.lease, {})
        return flush

    def working(self, wildcards: int) -> None:
        """Let wildcards of earlier flushes be in progress."""
        requests = tuple(Invalidation(f"W{n}", NOVEMBER, 0, 1) for n in range(wildcards))
        self.busy = {request.id for request in requests}
        self.journal.leases["E1"] = replace(self.lease, in_progress=requests)

    def look_up(self, *_: object) -> None:
        """Have made nothing that was not heard of."""

    def send(self, flush: Flush) -> tuple[Flush, Answer | None]:
        """Send it, and forget what is given up."""
        sent = self.sender.send(flush, self.held)
        flush = sent.flush
        return self.journal.advance(flush, flush.reject()) if sent.given_up else flush, sent.answer

    @property
    def held(self) -> HeldLease:
        """The lease, held."""
        return HeldLease("E1", self.lease, self.journal, lambda: self.now)

    @property
    def lease(self) -> Lease:
        """The lease as it stands."""
        return self.journal.lease("E1")

    @property
    def references(self) -> list[str]:
        """The reference of every request."""
        return [reference for reference, _ in self.asked]


def test_accepted() -> None:
    """An accepted flush is sent, charged once, and its request is in progress."""
    world = World()
    opened = world.open()

    flush, answer = world.send(opened)

    assert answer == Accepted("I1", NOON)
    assert (flush.state, flush.sent_at, flush.attempts) == (State.SENT, NOON, 1)
    assert world.asked == [(opened.reference(0), PLAIN)]
    assert world.journal.ledger == {NOVEMBER: 2}
    (request,) = world.lease.in_progress
    assert (request.id, request.month, request.exact, request.wildcards) == ("I1", NOVEMBER, 1, 1)
    assert world.lease.unfinished == flush.id


@pytest.mark.parametrize(
    ("answer", "attempts", "refusals"),
    [
        (LOST, 1, 0),
        (no(Refusal.THROTTLED), 1, 1),
        (no(Refusal.QUOTA), 1, 1),
        (no(Refusal.DENIED), 1, 1),
    ],
)
def test_kept(answer: Answer, attempts: int, refusals: int) -> None:
    """What may pass later stays open and charged, and is the same request next time."""
    world = World([answer])
    opened = world.open()

    flush, told = world.send(opened)

    assert told == answer
    assert (flush.state, flush.id) == (State.OPEN, opened.id)
    assert (flush.attempts, flush.refusals) == (attempts, refusals)
    assert world.lease.unfinished == opened.id
    assert world.journal.ledger == {NOVEMBER: 2}
    again, _ = world.send(flush)
    assert again.state is State.SENT
    assert world.asked == [(opened.reference(0), PLAIN)] * 2


@pytest.mark.parametrize(
    ("answers", "charged"),
    [
        ([no(Refusal.GONE)], 0),
        ([no(Refusal.INVALID), no(Refusal.INVALID)], 0),
        ([no(Refusal.CONFLICT)], 2),
        ([LOST, no(Refusal.GONE)], 2),
        ([no(Refusal.DENIED), no(Refusal.GONE)], 0),
    ],
)
def test_rejected(answers: list[Answer], charged: int) -> None:
    """What will never pass is rejected, refunded if every attempt was answered by a refusal."""
    world = World(list(answers))

    flush = world.open()
    while flush.state is State.OPEN:
        flush, _ = world.send(flush)

    assert (flush.state, world.answers) == (State.REJECTED, [])
    assert world.lease.unfinished is None
    assert world.journal.ledger[NOVEMBER] == charged


def test_invalid() -> None:
    """Paths that are not understood go out once more, cut plain, under another reference."""
    world = World([no(Refusal.INVALID)])
    opened = world.open(TOUCHY)

    flush, _ = world.send(opened)

    assert (flush.state, flush.paths) == (State.SENT, ("/a.html", "/caf*"))
    assert [paths for _, paths in world.asked] == [TOUCHY, flush.paths]
    assert world.references == [opened.reference(0), flush.reference(0)]
    assert flush.reference(0) != opened.reference(0)
    assert world.journal.flushes["E1", opened.id].state is State.REJECTED
    assert world.journal.ledger == {NOVEMBER: 2}


def test_still_invalid() -> None:
    """Where plainer paths are not understood either, it is `/*`; after that nothing is tried."""
    world = World([no(Refusal.INVALID)] * 3)

    flush, _ = world.send(world.open(TOUCHY))

    assert [paths for _, paths in world.asked][1:] == [("/a.html", "/caf*"), ("/*",)]
    assert flush.state is State.REJECTED
    assert world.journal.ledger == {NOVEMBER: 0}


def test_unpaid_successor() -> None:
    """What would have to be paid again, without money for it, is given up instead."""
    world = World([LOST, no(Refusal.INVALID)], allowance=3)
    flush, _ = world.send(world.open(TOUCHY))

    flush, answer = world.send(flush)

    assert (flush.state, answer) == (State.REJECTED, no(Refusal.INVALID))
    assert world.journal.ledger == {NOVEMBER: 2}


@pytest.mark.parametrize("refusal", [Refusal.QUOTA, Refusal.THROTTLED, Refusal.TOO_LARGE])
def test_split(refusal: Refusal) -> None:
    """What is too much for one request goes out in several, a second apart, and is paid once."""
    world = World([no(refusal)])
    opened = world.open(WILD)

    flush, _ = world.send(opened)

    assert (flush.state, flush.split) == (State.SENT, True)
    assert [paths for _, paths in world.asked] == [WILD, *((path,) for path in WILD)]
    assert len(set(world.references)) == 4
    assert world.paused == [PAUSE_SECONDS] * 2
    assert world.journal.ledger == {NOVEMBER: 3}
    assert [request.id for request in world.lease.in_progress] == ["I2", "I3", "I4"]


def test_split_interrupted() -> None:
    """Of several requests those that were accepted are not asked for again."""
    world = World([no(Refusal.QUOTA), Accepted("I9", NOON), LOST])

    flush, answer = world.send(world.open(WILD))
    assert (flush.state, answer) == (State.OPEN, LOST)
    flush, _ = world.send(flush)

    assert [paths for _, paths in world.asked[1:]] == [("/a/*",), ("/b/*",), ("/b/*",), ("/c/*",)]
    assert world.references[2] == world.references[3]
    assert flush.state is State.SENT
    assert world.journal.ledger == {NOVEMBER: 3}


@pytest.mark.parametrize("refusal", [Refusal.QUOTA, Refusal.THROTTLED])
def test_split_later(refusal: Refusal) -> None:
    """While another request is in progress the same one may pass later, so nothing is split."""
    world = World([no(refusal)])
    opened = world.open(WILD)
    before = Invalidation("I7", NOVEMBER, 0, 12)
    world.journal.leases["E1"] = replace(world.lease, in_progress=(before,))
    world.busy = {"I7"}

    flush, _ = world.send(opened)

    assert (flush.id, flush.state) == (opened.id, State.OPEN)


@pytest.mark.parametrize(("minutes", "split"), [(9, False), (10, True)])
def test_doubt(minutes: int, split: bool) -> None:  # noqa: FBT001  # a parameter
    """An attempt that went unanswered may have been accepted: the same is asked for a while."""
    world = World([LOST, no(Refusal.QUOTA)])
    flush, _ = world.send(world.open(WILD))
    world.now += timedelta(minutes=minutes)

    flush, _ = world.send(flush)

    assert flush.split is split
    assert world.journal.ledger == {NOVEMBER: 6 if split else 3}


def test_successor_in_progress() -> None:
    """What was accepted of a flush stays known as in progress when another flush replaces it."""
    world = World([no(Refusal.TOO_LARGE), Accepted("I8", NOON), no(Refusal.INVALID)])
    opened = world.open(("/caf%C3%A9/*", *WILD))
    world.working(1)
    world.busy.add("I8")

    flush, _ = world.send(opened)

    assert (flush.state, flush.split) == (State.SENT, False)
    assert [request.id for request in world.lease.in_progress] == ["W0", "I8", "I4"]


@pytest.mark.parametrize(
    ("quota", "busy", "paths"),
    [
        (13, 0, ("/caf*", "/na*", "/se*")),
        (3, 0, ("/caf*", "/na*", "/se*")),
        (2, 0, ("/*",)),
        (13, 10, ("/caf*", "/na*", "/se*")),
        (13, 11, ("/*",)),
        (13, 12, ("/*",)),
    ],
)
def test_headroom(quota: int, busy: int, paths: tuple[str, ...]) -> None:
    """A flush that is sent again in a plainer form leaves people the wildcards that are theirs."""
    world = World([no(Refusal.INVALID)], quota=quota)
    opened = world.open(["/caf%C3%A9", "/na%C3%AFve", "/se%C3%B1or"])
    world.working(busy)

    flush, _ = world.send(opened)

    assert flush.paths == paths
    assert flush.wildcards + busy <= quota


def test_no_headroom() -> None:
    """While too much is in progress, a flush that needs a wildcard waits, and then goes out."""
    world = World([no(Refusal.INVALID), no(Refusal.INVALID)])
    opened = world.open(TOUCHY)
    world.working(13)

    flush, _ = world.send(opened)
    assert (flush.id, flush.state) == (opened.id, State.OPEN)
    world.busy.clear()
    flush, _ = world.send(flush)

    assert (flush.state, flush.paths) == (State.SENT, ("/a.html", "/caf*"))


def test_too_large() -> None:
    """Paths that are too large even one by one are said more coarsely."""
    world = World([no(Refusal.TOO_LARGE)])

    flush, _ = world.send(world.open(["/a.html"]))

    assert (flush.state, flush.paths) == (State.SENT, ("/*",))


@pytest.mark.parametrize(
    ("seconds", "billed"),
    [(-31, NOVEMBER), (-30, NOVEMBER), (-1, NOVEMBER), (0, DECEMBER), (29, DECEMBER)],
)
def test_month_end(seconds: int, billed: str) -> None:
    """Near the end of a month both are charged, and the one that is not billed gets it back."""
    world = World([], now=MONTH_END + seconds * SECOND)

    flush, _ = world.send(world.open())

    assert flush.months == ((NOVEMBER,) if seconds < -30 else (NOVEMBER, DECEMBER))
    assert +world.journal.ledger == {billed: 2}


def test_next_month_full() -> None:
    """Nothing is asked for that a month it may be billed in cannot take; it is given up."""
    world = World([], allowance=10, now=MONTH_END - SECOND)
    flush = world.open()
    world.journal.ledger[DECEMBER] = 9

    flush, answer = world.send(flush)

    assert (flush.state, answer) == (State.REJECTED, None)
    assert world.asked == []
    assert world.journal.ledger == {NOVEMBER: 0, DECEMBER: 9}


@pytest.mark.parametrize("seconds", [5, 40])
def test_full_after_counting(seconds: int) -> None:
    """A month that is full by the time an attempt is counted takes no charge that buys nothing."""

    class Slow(JournalInMemory):
        def advance(self, flush: Flush, to: Flush, limits: LedgerLimits = NO_LIMITS) -> Flush:
            world.now += timedelta(seconds=seconds * (to.attempts - flush.attempts))
            return super().advance(flush, to, limits)

    world = World([], allowance=10, now=MONTH_END - timedelta(seconds=34), journal=Slow())
    world.journal.ledger[DECEMBER] = 9

    flush, answer = world.send(world.open())

    assert (flush.state, answer, world.asked) == (State.REJECTED, None, [])
    assert world.journal.ledger == {NOVEMBER: 0, DECEMBER: 9}


def test_late_note() -> None:
    """If noting the attempt takes until the next month is near, that is charged as well."""

    class Slow(JournalInMemory):
        def advance(self, flush: Flush, to: Flush, limits: LedgerLimits = NO_LIMITS) -> Flush:
            world.now += timedelta(seconds=20 * (to.attempts - flush.attempts))
            return super().advance(flush, to, limits)

    world = World([LOST], now=MONTH_END - timedelta(seconds=40), journal=Slow())

    flush, _ = world.send(world.open())

    assert flush.months == (NOVEMBER, DECEMBER)
    assert world.journal.ledger == {NOVEMBER: 2, DECEMBER: 2}


def test_overtaken() -> None:
    """Who has lost the lease asks for nothing."""
    world = World()
    flush, held = world.open(), world.held
    world.journal.release("E1", "mine")
    world.journal.take("E1", "theirs", NOON)

    with pytest.raises(Overtaken):
        world.sender.send(flush, held)

    assert world.asked == []


def test_gone_on() -> None:
    """Who finds that another went on with the flush asks for nothing."""
    world = World()
    flush = world.open()
    world.journal.advance(flush, flush.attempt())

    with pytest.raises(Overtaken):
        world.send(flush)

    assert world.asked == []


def test_renewed() -> None:
    """The lease is renewed before every request."""
    world = World([no(Refusal.QUOTA)], takes=timedelta(seconds=30))

    flush, _ = world.send(world.open(WILD))

    assert flush.state is State.SENT
    assert world.lease.expires_at == NOON + timedelta(seconds=90 + 45)
