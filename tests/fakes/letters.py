"""Dead letters in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, islice

from edgesweep.flush.redrive import Letter

_A_FEW = 10
_TAKEN = timedelta(minutes=2)


class DeadLettersInMemory:
    """The port of the dead-letter queue.

    Attributes:
        now: when messages are sent, taken and hidden.
        queue: the messages that were sent to the queue, as it would hand them to the recorder.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.queue: list[Letter] = []
        self._dead: dict[str, Letter] = {}
        self._hidden: dict[str, datetime] = {}
        self._receipts = map(str, count(1))

    def bury(self, *letters: Letter) -> None:
        """Let messages come here, from the queue or from nowhere."""
        self._dead |= {letter.receipt: letter for letter in letters}
        self.queue = [letter for letter in self.queue if letter not in letters]

    @property
    def dead(self) -> Sequence[Letter]:
        """The messages that anybody can take."""
        return list(self._seen())

    @property
    def kept(self) -> Sequence[Letter]:
        """All messages, hidden ones too."""
        return list(self._dead.values())

    def waiting(self) -> int:
        """Return how many messages are there."""
        return len(self._dead)

    def take(self) -> Sequence[Letter]:
        """Return a few messages and hide them."""
        taken = list(islice(self._seen(), _A_FEW))
        self.hide(dict.fromkeys(taken, _TAKEN))
        return taken

    def send_back(self, letters: Sequence[Letter]) -> int:
        """Send messages to the queue and remove them here."""
        for letter in letters:
            del self._dead[letter.receipt]
            redriven = letter.redriven + 1
            self.queue.append(
                replace(letter, receipt=next(self._receipts), sent_at=self.now, redriven=redriven)
            )
        return len(letters)

    def hide(self, waits: Mapping[Letter, timedelta]) -> None:
        """Hide messages, which then stand behind all others: those are found sooner."""
        self._hidden |= {letter.receipt: self.now + wait for letter, wait in waits.items()}
        self._dead |= {letter.receipt: self._dead.pop(letter.receipt) for letter in waits}

    def _seen(self) -> Iterator[Letter]:
        for letter in self._dead.values():
            if self._hidden.get(letter.receipt, self.now) <= self.now:
                yield letter
