"""Strategies replayed in several processes at once, and how far they have come.

A history gets a process of its own. If there are fewer histories than processors, each of them is
read by several processes, which share its strategies out between them.
"""

import os
import signal
from collections.abc import Callable, Iterator, MutableSequence, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import active_children
from multiprocessing.sharedctypes import RawArray
from typing import TypeAlias

from edgesweep.errors import EdgesweepError
from edgesweep.flush.budget import Budget
from edgesweep.lab.replay import BLIND, OURS, STRATEGIES, Replayed, replay
from edgesweep.lab.replay.history import Progress, Source
from edgesweep.lab.replay.paced import replay_paced

Rows: TypeAlias = tuple[Replayed, ...]
# Told how many histories are done with, in parts as well.
Watch = Callable[[float], None]

_STRATEGIES = {**STRATEGIES, BLIND: STRATEGIES[OURS]}
# Those that are Edgesweep, and so keep to a budget.
_HELD = {OURS, BLIND}
_SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True, slots=True)
class Job:
    """Some strategies to be replayed over a history.

    Attributes:
        place: of the history among all histories.
        history: what is read.
        strategies: by their names.
        budget: what Edgesweep, then the only strategy, is held to; None for no budget.
    """

    place: int
    history: Source
    strategies: Sequence[str]
    budget: Budget | None = None

    def run(self, progress: Progress) -> Rows:
        """Replay them."""
        if self.budget is not None:
            (strategy,) = self.strategies
            return (replay_paced(self.history, self.budget, progress, strategy),)
        named = {name: _STRATEGIES[name] for name in self.strategies}
        return replay(self.history, named, progress)


def in_parallel(
    histories: Sequence[Source], strategies: Sequence[str], budget: Budget | None, watch: Watch
) -> Sequence[Replayed]:
    """Replay strategies over histories; return the rows in the order of both.

    Args:
        histories: at least one.
        strategies: their names, each once.
        budget: what Edgesweep is held to, None for no budget.
        watch: told how far it is, from when all processes are there.

    Raises:
        BadInput: as soon as one history is malformed.
        EdgesweepError: a process was killed.
    """
    processors = os.cpu_count() or 1
    shares = max(1, processors // len(histories))
    jobs = [
        job
        for place, history in enumerate(histories)
        for job in _jobs(place, history, strategies, budget, shares)
    ]
    done = RawArray("d", len(jobs))
    with ProcessPoolExecutor(min(len(jobs), processors), None, _begin, (done,)) as pool:
        futures = {pool.submit(_run, number, job): number for number, job in enumerate(jobs)}
        try:
            _follow(futures, done, len(jobs) // len(histories), watch)
        except BrokenProcessPool as error:
            msg = "A process that replayed a history was killed; is there enough memory?"
            raise EdgesweepError(msg) from error
        finally:
            # Those at work end as well; leaving the pool waits for all of them.
            for process in active_children():
                process.terminate()
        rows = {
            (jobs[number].place, row.strategy): row
            for future, number in futures.items()
            for row in future.result()
        }
    return [rows[place, name] for place in range(len(histories)) for name in strategies]


def _jobs(
    place: int, history: Source, strategies: Sequence[str], budget: Budget | None, shares: int
) -> Iterator[Job]:
    """Yield the jobs of a history: as many as there are shares, and each that a budget holds."""
    if budget is not None:
        yield from (Job(place, history, (name,), budget) for name in strategies if name in _HELD)
        strategies = [name for name in strategies if name not in _HELD]
    for share in range(min(shares, len(strategies))):
        yield Job(place, history, strategies[share::shares])


def _follow(
    futures: dict[Future[Rows], int], done: MutableSequence[float], shares: int, watch: Watch
) -> None:
    waiting = set(futures)
    while waiting:
        ended, waiting = wait(waiting, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
        for future in ended:
            future.result()
            done[futures[future]] = 1
        watch(sum(done) / shares)


@dataclass(slots=True)
class _Process:
    """What a process knows from its beginning: where to note how far each job has come."""

    done: MutableSequence[float] = field(default_factory=list)


_HERE = _Process()


def _begin(done: MutableSequence[float]) -> None:
    """Let the first process tell of an interrupt, and end the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _HERE.done = done


def _run(number: int, job: Job) -> Rows:
    def progress(count: int, total: int) -> None:
        _HERE.done[number] = count / total

    return job.run(progress)
