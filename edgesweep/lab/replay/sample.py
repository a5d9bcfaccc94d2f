"""Samples a history that is too long to be replayed whole: every nth of its months.

A month has its own free paths and its own pace, so that it is replayed whole or not at all. The
choice depends on the history alone: another machine replays the same months.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from edgesweep.flush.budget import month_of
from edgesweep.lab.replay.history import HistorySource, Progress, Step

# A strategy takes about a tenth of a millisecond for each.
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
    """Return a history whole, or evenly spaced months of it with at most so many changes.

    The first month is always among them, even if it alone has more.
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
