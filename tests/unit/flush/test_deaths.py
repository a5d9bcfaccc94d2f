"""A flush that kills its process again and again takes less each time, and nobody waits for it."""

from collections.abc import Collection
from datetime import timedelta

import pytest

from edgesweep.cover.survey import Survey
from edgesweep.flush import planning
from edgesweep.flush.flusher import LAST_FOR, LAST_TURN, Outcome
from edgesweep.flush.journal import LEASE_TERM
from edgesweep.flush.planning import HOPELESS_DEATHS
from edgesweep.flush.policy import Reason
from tests.fakes.flushing import HOUR, Killed, Process, Ticks

MINUTE = timedelta(minutes=1)


def killed(world: Ticks, most: int = 5) -> None:
    """Let a process die while it has the lease of E1, before it opens a flush."""
    with pytest.raises(Killed):
        world.tick("E1", process=Process(most))
    world.now += MINUTE


def order(outcomes: Collection[Outcome]) -> list[str]:
    """Return the distributions in the order of their turns."""
    return [outcome.distribution for outcome in outcomes]


def test_last() -> None:
    """A distribution whose flusher died goes last, so that the others are not lost with it.

    After a while it is its turn again.
    """
    world = Ticks()
    world.change("a.html", 2 * HOUR)
    killed(world)
    world.change("b.html", to="E2")
    lease = world.journal.lease("E1")

    assert order(world.tick("E1", "E2")) == ["E2", "E1"]
    world.journal.leases["E1"] = lease
    world.change("a.html", 2 * HOUR)
    world.change("b.html", to="E2")
    world.now += LAST_FOR
    assert order(world.tick("E1", "E2")) == ["E1", "E2"]


def test_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """After two deaths in a row a flush reads far fewer rows; then all is as ever."""
    monkeypatch.setattr(planning, "MAX_ROWS", 64)
    world = Ticks()
    for number in range(100):
        world.change(f"{number:02}.html")
    for _ in range(2):
        killed(world)

    flushes = [outcome.flush for _ in range(2) for outcome in world.tick()]

    assert [flush.rows for flush in flushes if flush] == [4, 64]


def test_everything() -> None:
    """After one death more it sends `/*`, which takes neither a survey nor a cover."""
    world = Ticks(meanwhile=lambda _: pytest.fail("It is surveyed"))
    for number in range(100):
        world.change(f"{number:02}.html")
    for _ in range(HOPELESS_DEATHS):
        killed(world)

    (outcome,) = world.tick()

    assert (outcome.reason, world.sent, world.keys) == (Reason.QUIET, [("/*",)], [])
    assert world.journal.charged == {"2026-11": 1}
    assert world.journal.demand().seen_at == world.now


@pytest.mark.parametrize("bearable", [1_000, 30, 20, 0])
def test_gets_through(monkeypatch: pytest.MonkeyPatch, bearable: int) -> None:
    """However few rows a process survives, all are sent; others wait for two ticks at most."""
    monkeypatch.setattr(planning, "MAX_ROWS", 400)
    world = Ticks()
    for number in range(400):
        world.change(f"{number:03}.html", 2 * HOUR)

    process = Process()

    def survey(distribution: str, dirty: Collection[str], *_: object) -> Survey:
        if distribution == "E1" and len(dirty) > bearable:
            process.most = len(process.calls)
        return Survey(["/zebra.html"], ())

    monkeypatch.setattr(world, "_survey", survey)
    for number in range(60):
        if number % 2 == 0:
            assert ("E2", "b.html") not in world.keys
            world.change("b.html", to="E2")
        process = Process()
        try:
            world.tick("E1", "E2", process=process)
        except Killed:
            world.now += MINUTE

    assert world.keys == []


def test_named() -> None:
    """From the second death in a row on, a distribution is named before it is tried again."""
    world = Ticks()
    world.change("a.html")

    killed(world)
    assert world.warned == []
    killed(world)
    assert world.warned == []
    (outcome,) = world.tick()

    assert len(world.warned) == 1
    assert "E1" in world.warned[0]
    assert outcome.deaths == 2
    world.change("a.html")
    (outcome,) = world.tick()
    assert outcome.deaths == 0


def test_named_by_others() -> None:
    """A flusher that finds another one at work reports the deaths before."""
    world = Ticks()
    world.change("a.html")
    for _ in range(2):
        killed(world)
    world.journal.take("E1", "theirs", world.now)

    (outcome,) = world.tick()

    assert (outcome.reason, outcome.deaths) == (Reason.LEASE, 2)


def test_progress() -> None:
    """A death after a flush was opened is not counted with those before it."""
    world = Ticks()
    world.change("a.html")
    for _ in range(2):
        killed(world)
    world.change("b.html")

    killed(world, 11)

    assert world.journal.lease("E1").unfinished is not None
    assert world.journal.lease("E1").deaths(world.now + LEASE_TERM) == 1


def test_recovered() -> None:
    """Deaths of those who sent or deleted do not make the flush that comes after it any smaller."""
    world = Ticks()
    world.change("a.html")
    killed(world, 11)
    for _ in range(HOPELESS_DEATHS):
        killed(world, 6)
    world.change("b.html")

    outcome = world.tick()[0]

    assert outcome.deaths == HOPELESS_DEATHS + 1
    assert world.sent == [("/a.html",), ("/b.html",)]


def test_late() -> None:
    """A tick begins no turn that it could not bring to an end; the next one begins with it."""
    world = Ticks()
    world.change("a.html", 2 * HOUR)
    world.change("b.html", to="E2")
    world.meanwhile = lambda _: setattr(world, "now", world.now + LAST_TURN)

    first = world.tick("E1", "E2")
    world.change("a.html", timedelta(0))
    world.meanwhile = lambda _: None
    second = world.tick("E1", "E2")

    assert [outcome.reason for outcome in first] == [Reason.QUIET, Reason.LATER]
    assert order(second) == ["E2", "E1"]
