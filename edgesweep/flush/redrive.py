"""Redrive: messages that could not be recorded go from the dead-letter queue back to their queue.

Goal: an outage loses nothing and needs nobody, and no message circulates for ever.

We send a message back before we remove it, so a crash between the two makes a copy: a change that
is recorded twice is invalidated once. Every copy carries how often it was sent back. It goes back
half an hour after it was sent, then after one hour, two, four: nine times within eleven days, and
then stays for good. SQS keeps each copy for 14 days, which is longer than any of these waits.
Nothing else has to be remembered, and no message waits for another one that fails again and again.

A message that is not due is hidden until it is. Otherwise SQS would return the messages that stay
again and again, before those that are due.

Cost: one request for a look without dead letters; three for every ten dead letters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from edgesweep.dirty import LONG_AGO

LOOK_EVERY = timedelta(minutes=10)  # how often we look at the dead-letter queue
MOST_LETTERS = 5_000  # how many messages one look reads: the flush function has time for no more
# SQS allows 12 hours, and hides about 120,000 messages of a queue at once: looks that hide
# `MOST_LETTERS` each reach 100,000 before the first message comes back.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
LONGEST_HIDING = 20 * LOOK_EVERY

# A message that fails again is back within 17 minutes: five attempts, 200 seconds apart.
FIRST_WAIT = timedelta(minutes=30)
ATTEMPTS = 9


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: when it was sent to its queue last, and how often it was sent back."""

    receipt: str
    body: str
    sent_at: datetime
    redriven: int = 0

    def wait(self, now: datetime) -> timedelta:
        """Return for how long to hide it: 0 if it is due."""
        if self.redriven >= ATTEMPTS:
            return LONGEST_HIDING
        due = self.sent_at + FIRST_WAIT * (1 << self.redriven)
        return min(max(due - now, timedelta()), LONGEST_HIDING)


class DeadLetters(Protocol):
    """The dead-letter queue, and the queue it belongs to."""

    def waiting(self) -> int:
        """Return about how many messages are there, hidden ones included."""

    def take(self) -> Sequence[Letter]:
        """Return a few messages, and hide them from others for two minutes."""

    def send_back(self, letters: Sequence[Letter]) -> int:
        """Send messages to their queue and remove them here; return how many were sent."""

    def hide(self, waits: Mapping[Letter, timedelta]) -> None:
        """Hide messages for some time, at most 12 hours from when they were taken."""


def redrive(
    dead: DeadLetters, wait: Callable[[Letter], timedelta], most: int | None = None
) -> Iterator[int]:
    """Send messages back that need not wait, hide the others, and yield how many more were sent.

    `wait` returns how long to hide a message, 0 to send it back; `most` messages are read.
    """
    left = dead.waiting() if most is None else min(most, dead.waiting())
    while left > 0 and (letters := dead.take()):
        left -= len(letters)
        waits = {letter: wait(letter) for letter in letters}
        dead.hide({letter: span for letter, span in waits.items() if span})
        if due := [letter for letter, span in waits.items() if not span]:
            yield dead.send_back(due)


@dataclass(slots=True)
class Redriver:
    """Sends messages back that are due, looking now and then; calls `see` with each message."""

    dead: DeadLetters
    clock: Callable[[], datetime]
    see: Callable[[Letter], None] = field(default=lambda _: None)
    _look_at: datetime = field(default=LONG_AGO, init=False)

    def look(self) -> int:
        """Look if it is time; return how many messages were sent back."""
        now = self.clock()
        if now < self._look_at:
            return 0

        def wait(letter: Letter) -> timedelta:
            self.see(letter)
            return letter.wait(now)

        moved = sum(redrive(self.dead, wait, MOST_LETTERS))
        # Where many went back, more may wait.
        self._look_at = now if moved >= MOST_LETTERS else now + LOOK_EVERY
        return moved
