"""Interleaves processes step by step, as a seed says.

Processes run real, blocking code, each as a greenlet: whoever calls `step` waits there until it is
chosen. Nothing else decides the order, so a seed always tells the same story.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from greenlet import getcurrent, greenlet

# How often others fall asleep, and how many: what is slow is slow for a while.
_NAPS = 0.05
_ASLEEP = 0.5
# What a step may take: it may stay within a second or leave it far behind.
_PACES = tuple(timedelta(milliseconds=ms) for ms in (1, 1, 40, 400, 3_000))


class Crash(BaseException):
    """The process is gone: it runs no further, also not to clean up."""


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

    def run(self, *bodies: Callable[[], None]) -> None:
        """Run processes to their ends, interleaved; who is gone keeps nobody else from ending.

        Raises:
            BaseException: what the first of them raised.
        """
        failures: dict[int, BaseException] = {}
        alive = {number: greenlet(body) for number, body in enumerate(bodies)}
        asleep: set[int] = set()
        while alive:
            if self.chance.random() < _NAPS:
                asleep = {number for number in alive if self.chance.random() < _ASLEEP}
            chosen = self.chance.choice([one for one in alive if one not in asleep] or [*alive])
            try:
                alive[chosen].switch()
            except BaseException as error:  # noqa: BLE001  # told at the end
                failures[chosen] = error
            if alive[chosen].dead:
                del alive[chosen]
        if failures:
            raise failures[min(failures)]

    def step(self) -> None:
        """Let time pass and the others continue."""
        self.now += self.chance.choice(_PACES)
        if (others := getcurrent().parent) is not None:
            others.switch()

    def call(self) -> None:
        """Take a step at which the process may be gone."""
        self.step()
        if self.chance.random() < self.crash:
            raise Crash
