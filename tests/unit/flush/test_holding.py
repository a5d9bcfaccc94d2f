"""However long each step of a flush takes, no other tick gets hold of its lease."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from edgesweep import dirty
from edgesweep.cover import capped
from edgesweep.dirty import DirtyRow
from edgesweep.errors import Overtaken
from edgesweep.flush import journal, planning, sweeping
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.journal import LEASE_TERM, Invalidation
from edgesweep.flush.policy import Reason
from edgesweep.flush.sender import Refusal, Refused
from edgesweep.operate.dry_run import JournalInMemory
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.flushing import Killed, Process, Ticks

MINUTE = timedelta(minutes=1)
# A step may take as long as a third of a term.
STEP = LEASE_TERM / 3
# What waits for the network, or counts for much processor time; other calls are quick.
SLOW = ("add", "delete", "read", "fits", "in_progress", "invalidate", "look_up")
NO = Refused(Refusal.GONE, "No.")


class Slow(Process):
    """A process that takes long for each step, while another one tries to take its lease."""

    def __init__(self, world: Ticks) -> None:
        super().__init__()
        self._world = world

    def note(self, name: str) -> None:
        """Let time pass, then let the other one try."""
        super().note(name)
        if name in SLOW:
            self.work()

    def work(self) -> None:
        """Take as long as a step may take."""
        self._world.now += STEP
        if self._world.journal.lease("E1").token is not None:
            with pytest.raises(Overtaken):
                self._world.journal.take("E1", "theirs", self._world.now)


def tick(world: Ticks, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Let a slow process flush."""
    process = Slow(world)
    world.meanwhile = lambda _: process.work()

    def slow(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401  # as it is
        process.work()
        return function(*arguments, **named)

    with monkeypatch.context() as patch:
        for module, name in (
            (planning, "find_candidates"),
            (capped, "cheapest"),
            (capped, "independent"),
        ):
            patch.setattr(module, name, partial(slow, getattr(module, name)))
        (outcome,) = world.tick(process=process)
    return outcome


@pytest.fixture(autouse=True)
def _few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dirty, "CHUNK", 10)
    monkeypatch.setattr(sweeping, "SWEEP_TIME", timedelta(days=1))
    monkeypatch.setattr(journal, "PATHS_PER_SECOND", 10)


def test_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept from the first row that is read to the last that is deleted."""
    world = Ticks(journal=JournalInMemory(most_paths=30))
    for number in range(120):
        world.change(f"{number}.html")
    requests = tuple(Invalidation(f"old{n}", "2026-11", 0, 1) for n in range(5))
    before = replace(world.journal.lease("E1"), in_progress=requests)
    world.journal.leases["E1"] = before

    outcome = tick(world, monkeypatch)

    assert (outcome.error, outcome.reason, world.keys) == (None, Reason.QUIET, [])


def test_reading() -> None:
    """It is kept while rows are read, however many there are."""

    class Long(DirtyRowsInMemory):
        """Rows of which a chunk takes as long as a step may take."""

        def read(self, *arguments: Any, **named: Any) -> Iterator[DirtyRow]:  # noqa: ANN401  # as it is
            for row in super().read(*arguments, **named):
                world.now += STEP / dirty.CHUNK
                if world.journal.lease("E1").token is not None:
                    with pytest.raises(Overtaken):
                        world.journal.take("E1", "theirs", world.now)
                yield row

    world = Ticks(dirty=Long())
    for number in range(120):
        world.change(f"{number}.html")

    (outcome,) = world.tick()

    assert (outcome.error, outcome.reason, world.keys) == (None, Reason.QUIET, [])


def test_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept while covered rows are looked for and deleted that the process has not read."""
    world = Ticks()
    for number in range(120):
        world.change(f"{number}.html")
    world.journal.leases["E1"] = world.journal.lease("E1")
    with pytest.raises(Killed):
        world.tick(process=Process(most=12))
    world.now += MINUTE

    outcome = tick(world, monkeypatch)

    assert (outcome.error, outcome.reason, world.keys) == (None, Reason.RECOVERED, [])


def test_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept while the rows of a distribution that is gone are moved."""
    world = Ticks([NO])
    for number in range(120):
        world.change(f"{number}.html")

    outcome = tick(world, monkeypatch)

    assert (outcome.error, outcome.reason) == (None, Reason.QUIET)


@pytest.mark.parametrize("refusal", [Refusal.QUOTA, Refusal.TOO_LARGE])
def test_parts(monkeypatch: pytest.MonkeyPatch, refusal: Refusal) -> None:
    """It is kept while a flush goes out in parts, and before that is known to be needed."""
    world = Ticks([Refused(refusal, "No.")])
    for number in range(40):
        world.change(f"{number}.html")
    requests = tuple(Invalidation(f"old{n}", "2026-11", 0, 1) for n in range(5))
    before = replace(world.journal.lease("E1"), in_progress=requests)
    world.journal.leases["E1"] = before

    outcome = tick(world, monkeypatch)

    assert (outcome.error, outcome.reason, world.keys) == (None, Reason.QUIET, [])
