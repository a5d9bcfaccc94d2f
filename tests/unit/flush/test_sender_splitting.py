"""A flush that is too much at once goes out in several requests, within the quotas."""

from dataclasses import replace
from datetime import timedelta

import pytest

from edgesweep.flush.journal import Invalidation, State
from edgesweep.flush.sender import PAUSE_SECONDS, Accepted, Refusal
from tests.fakes.sending import LOST, NOON, NOVEMBER, TOUCHY, WILD, World, no


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
    assert world.journal.charged == {NOVEMBER: 3}
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
    assert world.journal.charged == {NOVEMBER: 3}


@pytest.mark.parametrize("refusal", [Refusal.QUOTA, Refusal.THROTTLED])
def test_split_beside(refusal: Refusal) -> None:
    """So it does while another request is in progress: the rate of a second may be too low."""
    world = World([no(refusal)])
    opened = world.open(WILD)
    before = Invalidation("I7", NOVEMBER, 0, 2)
    world.journal.leases["E1"] = replace(world.lease, in_progress=(before,))
    world.busy = {"I7"}

    flush, _ = world.send(opened)

    assert (flush.state, flush.split) == (State.SENT, True)


@pytest.mark.parametrize(("minutes", "split"), [(9, False), (10, True)])
def test_doubt(minutes: int, split: bool) -> None:  # noqa: FBT001  # a parameter
    """An attempt that went unanswered may have been accepted: the same is asked for a while."""
    world = World([LOST, no(Refusal.QUOTA)])
    flush, _ = world.send(world.open(WILD))
    world.now += timedelta(minutes=minutes)

    flush, _ = world.send(flush)

    assert flush.split is split
    assert world.journal.charged == {NOVEMBER: 6 if split else 3}


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
