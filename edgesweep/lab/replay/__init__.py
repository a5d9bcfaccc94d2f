"""Strategies replayed over publish histories, with their paths, collateral and costs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from edgesweep.cover import cover
from edgesweep.flush.budget import month_of
from edgesweep.lab import baselines
from edgesweep.lab.baselines import Strategies
from edgesweep.lab.replay.history import HistorySource, Progress, Step, holds
from edgesweep.paths import Pattern
from edgesweep.prices import S3_GET_PRICE, invalidation_bill


def edgesweep(dirty: Sequence[str], live: Sequence[str]) -> tuple[Pattern, ...]:
    """Send the cheapest cover at list prices."""
    return tuple(member.pattern for member in cover(dirty, live).members)


# As deployed by default, and with `skipUnchanged=false`: only the former skips uploads.
OURS, BLIND = "edgesweep", "edgesweep-no-catalogue"
STRATEGIES: Strategies = {OURS: edgesweep, **baselines.STRATEGIES}


def reached(patterns: Iterable[Pattern], paths: Sequence[str]) -> int:
    """Count the sorted, distinct paths that any pattern matches."""
    total = end = 0
    for pattern in sorted(patterns):
        span = pattern.span(paths)
        total += max(0, span.stop - max(span.start, end))
        end = max(end, span.stop)
    return total


@dataclass(slots=True)
class Replayed:
    """The result of a strategy over a history."""

    history: str
    strategy: str
    deploys: int = 0
    collateral: int = 0  # live objects that did not change and were hit, counted at every deploy
    missed: int = 0  # changed objects that no path matched
    most_wildcards: int = 0  # the most wildcards of any deploy
    heads: int | None = None  # HEAD requests that found unchanged uploads; None without a catalogue
    months: Counter[str] = field(default_factory=Counter)  # invalidation paths of each UTC month

    @property
    def paths(self) -> int:
        return self.months.total()

    @property
    def usd(self) -> Decimal:
        """The bill, each month less its free paths."""
        return sum(map(invalidation_bill, self.months.values()), Decimal(0))

    @property
    def most_paths_in_a_month(self) -> int:
        return max(self.months.values(), default=0)

    @property
    def heads_usd(self) -> Decimal:
        return S3_GET_PRICE * (self.heads or 0)

    def begin(self, step: Step) -> None:
        self.deploys += 1
        self.heads = None if step.heads is None else (self.heads or 0) + step.heads

    def add(self, step: Step, sent: Sequence[Pattern]) -> None:
        """Count the paths sent for a step, which may merge several deploys."""
        self.months[month_of(step.at)] += len(sent)
        self.collateral += collateral(sent, step)
        self.missed += len(step.dirty) - reached(sent, step.dirty)
        self.most_wildcards = max(self.most_wildcards, sum(pattern.wildcard for pattern in sent))


def replay(
    source: HistorySource, strategies: Strategies = STRATEGIES, progress: Progress = None
) -> tuple[Replayed, ...]:
    """Replay strategies over a history, reading it once."""
    rows = {name: Replayed(source.name, name) for name in strategies}
    for step in source.steps(progress):
        for name, strategy in strategies.items():
            seen = step.seen(catalogue=name == OURS)
            rows[name].begin(seen)
            rows[name].add(seen, strategy(seen.reported, seen.live))
    return tuple(rows.values())


def collateral(sent: Sequence[Pattern], step: Step) -> int:
    """Count the live objects that are hit though they did not change."""
    dirty_and_live = [path for path in step.dirty if holds(step.live, path)]
    return reached(sent, step.live) - reached(sent, dirty_and_live)
