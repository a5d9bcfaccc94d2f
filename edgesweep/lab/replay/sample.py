"""Samples a history that is too long to be replayed whole: every nth of its months.

We replay a month whole or not at all, since its free paths and its pace are its own. The choice
depends on the history alone, so another machine replays the same months.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from edgesweep.flush.budget import month_of
from edgesweep.lab.replay.history import HistorySource, Progress, Step

# A strategy takes about a tenth of a millisecond for each change, so five minutes for all of them.
MOST_CHANGES = 3_000_000


@dataclass(frozen=True, slots=True)
class Sampled:
    """The steps of some UTC months of a history; its name says of how many."""

    history: HistorySource
    months: frozenset[str]
    of: int

    @property
    def name(self) -> str:
        return f"{self.history.name} ({len(self.months)} of {self.of} months)"

    def steps(self, progress: Progress | None = None) -> Iterator[Step]:
        return (step for step in self.history.steps(progress) if month_of(step.at) in self.months)


def sample(history: HistorySource, most: int = MOST_CHANGES) -> HistorySource:
    """Return the history, or evenly spaced months of it with `most` changes at most.

    The first month is always among them, even if it has more changes than that.
    """
    changes = Counter[str]()
    for step in history.steps():
        changes[month_of(step.at)] += len(step.reported)
    months = sorted(changes)
    for every in count(1):
        chosen = frozenset(months[::every])
        if len(chosen) <= 1 or sum(changes[month] for month in chosen) <= most:
            break
    return history if every == 1 else Sampled(history, chosen, len(months))
