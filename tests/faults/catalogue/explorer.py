"""Interleaves processes step by step, as a seed says.

Processes run real, blocking code, each in a thread, but only one at a time: whoever calls `step`
waits there until it is chosen. Nothing else decides the order, so a seed always tells the same
story.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

# How often others fall asleep, and how many: what is slow is slow for a while.
_NAPS = 0.05
_ASLEEP = 0.5
# What a step may take: it may stay within a second or leave it far behind.
_PACES = tuple(timedelta(milliseconds=ms) for ms in (1, 1, 40, 400, 3_000))


class Crash(BaseException):
    """The process is gone: it runs no further, also not to clean up."""


def _held() -> threading.Lock:
    """Return a lock that waits for somebody else's release."""
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True)
class _Process:
    body: Callable[[], None]
    turn: threading.Lock = field(default_factory=_held)
    done: bool = False
    failure: BaseException | None = None


@dataclass(slots=True)
class Explorer:
    """One story.

    Attributes:
        chance: decides everything that is left open.
        crash: the probability that a process is gone at a step.
        now: the true time, which every clock shows.
    """

    chance: Random
    crash: float = 0
    now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)
    _current: _Process | None = None
    _idle: threading.Lock = field(default_factory=_held)

    def run(self, *bodies: Callable[[], None]) -> None:
        """Run processes to their ends, interleaved."""
        processes = [_Process(body) for body in bodies]
        threads = [threading.Thread(target=self._live, args=[process]) for process in processes]
        for thread in threads:
            thread.start()
        asleep: set[int] = set()
        while alive := [process for process in processes if not process.done]:
            if self.chance.random() < _NAPS:
                asleep = {id(process) for process in alive if self.chance.random() < _ASLEEP}
            awake = [process for process in alive if id(process) not in asleep] or alive
            self._current = self.chance.choice(awake)
            self._current.turn.release()
            self._idle.acquire()
        for thread in threads:
            thread.join()
        self._current = None
        _raise_first(processes)

    def step(self) -> None:
        """Let time pass and the others go on."""
        self.now += self.chance.choice(_PACES)
        process = self._current
        if process is not None:
            self._idle.release()
            process.turn.acquire()

    def call(self) -> None:
        """Take a step at which the process may be gone."""
        self.step()
        if self.chance.random() < self.crash:
            raise Crash

    def _live(self, process: _Process) -> None:
        process.turn.acquire()
        try:
            process.body()
        except BaseException as error:  # noqa: BLE001  # told by `run`
            process.failure = error
        process.done = True
        self._idle.release()


def _raise_first(processes: Sequence[_Process]) -> None:
    for process in processes:
        if process.failure is not None:
            raise process.failure
