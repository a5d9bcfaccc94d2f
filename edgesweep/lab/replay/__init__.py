"""Strategies replayed over publish histories: what each would have sent, hit and cost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from edgesweep.cover import cover
from edgesweep.lab import baselines
from edgesweep.lab.baselines import Strategy
from edgesweep.lab.replay.history import Folder, Progress, Source, Step
from edgesweep.lab.replay.reach import Reach, holds
from edgesweep.paths import Pattern
from edgesweep.prices import S3_GET_PRICE, invalidation_bill


def edgesweep(dirty: Sequence[str], live: Sequence[str]) -> tuple[Pattern, ...]:
    """Send the cheapest cover at list prices."""
    return tuple(member.pattern for member in cover(dirty, live).members)


# As it is deployed, and as it is with `skipUnchanged=false`: only the former passes uploads over.
OURS, BLIND = "edgesweep", "edgesweep-no-catalogue"
STRATEGIES: Mapping[str, Strategy] = {OURS: edgesweep, **baselines.STRATEGIES}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a strategy did over a history.

    Attributes:
        history: the folder's name.
        strategy: the strategy's name.
        deploys: how many there were.
        paths: invalidation paths, all deploys together.
        collateral: live objects that did not change and were hit, counted at every deploy.
        usd: the bill, each UTC month less its free paths.
        most_paths_in_a_month: the paths of the busiest UTC month.
        missed: changed objects that no path matched.
        most_wildcards: the wildcards of the deploy that had most.
        heads: requests by which uploads that change nothing were told; None where nobody asked.
    """

    history: str
    strategy: str
    deploys: int
    paths: int
    collateral: int
    usd: Decimal
    most_paths_in_a_month: int
    missed: int
    most_wildcards: int
    heads: int | None = None

    @property
    def heads_usd(self) -> Decimal:
        """What the HEAD requests cost."""
        return S3_GET_PRICE * (self.heads or 0)

    def to_json(self) -> dict[str, str | int | float]:
        """Return the row as `edgesweep replay --json` prints it."""
        heads = (
            {} if self.heads is None else {"heads": self.heads, "heads_usd": float(self.heads_usd)}
        )
        return {
            "history": self.history,
            "strategy": self.strategy,
            "deploys": self.deploys,
            "paths": self.paths,
            "collateral": self.collateral,
            "usd": float(self.usd),
            "most_paths_in_a_month": self.most_paths_in_a_month,
            "missed": self.missed,
            **heads,
        }


@dataclass(slots=True)
class Tally:
    """What a strategy did so far."""

    deploys: int = 0
    collateral: int = 0
    missed: int = 0
    most_wildcards: int = 0
    heads: int | None = None
    months: Counter[str] = field(default_factory=Counter)

    def begin(self, step: Step) -> None:
        """Count a deploy."""
        self.deploys += 1
        if step.heads is not None:
            self.heads = (self.heads or 0) + step.heads

    def add(self, step: Step, sent: Sequence[Pattern]) -> None:
        """Count what was sent for a step, which may be several deploys in one."""
        reach = Reach(sent)
        self.months[f"{step.at:%Y-%m}"] += len(sent)
        self.collateral += collateral(reach, step)
        self.missed += sum(not reach.matches(path) for path in step.dirty)
        self.most_wildcards = max(self.most_wildcards, sum(pattern.wildcard for pattern in sent))

    def replayed(self, history: str, strategy: str) -> Replayed:
        """Return the sums."""
        return Replayed(
            history=history,
            strategy=strategy,
            deploys=self.deploys,
            paths=self.months.total(),
            collateral=self.collateral,
            usd=sum(map(invalidation_bill, self.months.values()), Decimal(0)),
            most_paths_in_a_month=max(self.months.values(), default=0),
            missed=self.missed,
            most_wildcards=self.most_wildcards,
            heads=self.heads,
        )


def replay(
    history: Source | Path,
    strategies: Mapping[str, Strategy] = STRATEGIES,
    progress: Progress | None = None,
) -> tuple[Replayed, ...]:
    """Replay strategies over a history, or the one in a folder, reading it once.

    Raises:
        BadInput: as the steps of the history do.
    """
    source = Folder(history) if isinstance(history, Path) else history
    tallies = {name: Tally() for name in strategies}
    for step in source.steps(progress):
        for name, strategy in strategies.items():
            seen = step.seen(catalogue=name == OURS)
            tallies[name].begin(seen)
            tallies[name].add(seen, strategy(seen.reported, seen.live))
    return tuple(tally.replayed(source.name, strategy) for strategy, tally in tallies.items())


def collateral(reach: Reach, step: Step) -> int:
    """Count the live objects that are hit though they did not change."""
    dirty_and_live = [path for path in step.dirty if holds(step.live, path)]
    return reach.count(step.live) - reach.count(dirty_and_live)
