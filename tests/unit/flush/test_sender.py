"""Every answer of CloudFront, and the flush, its charge and its reference after it."""

from datetime import timedelta

import pytest

from edgesweep.errors import Overtaken
from edgesweep.flush.journal import State
from edgesweep.flush.sender import Accepted, Answer, Refusal
from tests.fakes.sending import (
    LOST,
    NOON,
    NOVEMBER,
    PLAIN,
    TOUCHY,
    WILD,
    World,
    no,
)


def test_accepted() -> None:
    """An accepted flush is sent, charged once, and its request is in progress."""
    world = World()
    opened = world.open()

    flush, answer = world.send(opened)

    assert answer == Accepted("I1", NOON)
    assert (flush.state, flush.sent_at, flush.attempts) == (State.SENT, NOON, 1)
    assert world.asked == [(opened.reference(0), PLAIN)]
    assert world.journal.charged == {NOVEMBER: 2}
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
    assert world.journal.charged == {NOVEMBER: 2}
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
    assert world.journal.charged[NOVEMBER] == charged


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
    assert world.journal.charged == {NOVEMBER: 2}


def test_still_invalid() -> None:
    """Where plainer paths are not understood either, it is `/*`; after that nothing is tried."""
    world = World([no(Refusal.INVALID)] * 3)

    flush, _ = world.send(world.open(TOUCHY))

    assert [paths for _, paths in world.asked][1:] == [("/a.html", "/caf*"), ("/*",)]
    assert flush.state is State.REJECTED
    assert world.journal.charged == {NOVEMBER: 0}


def test_unpaid_successor() -> None:
    """What would have to be paid again, without money for it, is given up instead."""
    world = World([LOST, no(Refusal.INVALID)], allowance=3)
    flush, _ = world.send(world.open(TOUCHY))

    flush, answer = world.send(flush)

    assert (flush.state, answer) == (State.REJECTED, no(Refusal.INVALID))
    assert world.journal.charged == {NOVEMBER: 2}


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
    """A flusher that finds that another continued the flush asks for nothing."""
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
