"""Dead letters in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from edgesweep.flush.redrive import Letter

_A_FEW = 10


class DeadLettersInMemory:
    """The port of the dead-letter queue.

    Attributes:
        now: when messages are sent.
        queue: the messages that were sent to the queue, as it would hand them to the recorder.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.queue: list[Letter] = []
        self._dead: dict[str, Letter] = {}
        self._hidden: set[str] = set()
        self._ids = map(str, count(1))

    def bury(self, *letters: Letter) -> None:
        """Let messages come here, from the queue or from nowhere."""
        self._dead |= {letter.id: letter for letter in letters}
        self.queue = [letter for letter in self.queue if letter not in letters]

    @property
    def dead(self) -> Sequence[Letter]:
        """The messages that anybody can take."""
        return [letter for letter in self._dead.values() if letter.id not in self._hidden]

    def waiting(self) -> int:
        """Return how many messages are there."""
        return len(self._dead)

    def take(self) -> Sequence[Letter]:
        """Return a few messages and hide them."""
        taken = self.dead[:_A_FEW]
        self._hidden |= {letter.id for letter in taken}
        return taken

    def send_back(self, letters: Sequence[Letter]) -> int:
        """Send messages to the queue and remove them here."""
        for letter in letters:
            del self._dead[letter.id]
            redriven = letter.redriven + 1
            self.queue.append(
                replace(letter, id=next(self._ids), sent_at=self.now, redriven=redriven)
            )
        return len(letters)

    def release(self, letters: Sequence[Letter]) -> None:
        """Show messages again."""
        self._hidden -= {letter.id for letter in letters}
