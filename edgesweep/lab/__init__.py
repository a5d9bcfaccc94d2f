"""Edgesweep and the strategies of other tools, replayed over publish histories.

A strategy takes the dirty viewer paths and the sorted live ones, and returns its invalidation. All
get the same viewer paths, so no strategy renames a path (as some tools do with `index.html`), and
all send the narrowest wildcard for a path that no exact path can express.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate

from edgesweep.cover import cover
from edgesweep.flush.budget import month_of
from edgesweep.lab.history import HistorySource, Progress, Step, holds
from edgesweep.paths import Pattern, exact_stop
from edgesweep.prices import S3_GET_PRICE, invalidation_bill

Patterns = tuple[Pattern, ...]
Strategies = Mapping[str, Callable[[Sequence[str], Sequence[str]], Patterns]]

EVERYTHING = Pattern("/", wildcard=True)


def edgesweep(dirty: Sequence[str], live: Sequence[str]) -> Patterns:
    """Send the cheapest cover at list prices."""
    return tuple(member.pattern for member in cover(dirty, live).members)


def each_path(dirty: Sequence[str], _live: Sequence[str]) -> Patterns:
    """Send one path for every change, as most upload hooks do."""
    return tuple(dict.fromkeys(map(_exactly, dirty)))


def everything(dirty: Sequence[str], _live: Sequence[str]) -> Patterns:
    """Send `/*` whatever has changed, as Hugo and many deploy actions do."""
    return (EVERYTHING,) if dirty else ()


def all_or_nothing(dirty: Sequence[str], live: Sequence[str], threshold: int = 50) -> Patterns:
    """Send each path up to a threshold and `/*` above it, as Staatic does."""
    strategy = each_path if len(set(dirty)) <= threshold else everything
    return strategy(dirty, live)


def level_collapse(dirty: Sequence[str], _live: Sequence[str], threshold: int = 8) -> Patterns:
    """Shorten the deepest paths level by level until few enough remain, as s3deploy does.

    A path that is too deep loses its name and, below the first level, its folder as well. Where
    even the first level is too many, it is `/*`. Exact paths stay although a wildcard covers them.
    """
    entries = [Pattern(path) for path in sorted(set(dirty))]
    level = max((path.count("/") for path in dirty), default=0)
    while level and len(entries) > threshold:
        entries = list(dict.fromkeys(_shortened(entry, level) for entry in entries))
        level -= 1
    patterns = dict.fromkeys(one if one.wildcard else _exactly(one.text) for one in entries)
    too_many = len(entries) > threshold or EVERYTHING in patterns
    return (EVERYTHING,) if too_many else tuple(patterns)


def exact_folders(dirty: Sequence[str], live: Sequence[str]) -> Patterns:
    """Send the wildcard of the highest folder with nothing live that did not change, as wood does.

    Every other change is sent by itself.
    """
    changed = set(dirty)
    unchanged = [path for path in live if path not in changed]
    patterns: list[Pattern] = []
    for path in sorted(changed):
        if not (patterns and patterns[-1].wildcard and patterns[-1].matches(path)):
            place = bisect_left(unchanged, path)
            folder = _folder(path, unchanged[max(0, place - 1) : place + 1])
            patterns.append(Pattern(folder, wildcard=True) if folder else _exactly(path))
    return tuple(dict.fromkeys(patterns))


BASELINES: Strategies = {
    strategy.__name__.replace("_", "-"): strategy
    for strategy in (each_path, everything, all_or_nothing, level_collapse, exact_folders)
}
# As deployed by default, and with `skipUnchanged=false`: only the former skips uploads.
OURS, BLIND = "edgesweep", "edgesweep-no-catalogue"
STRATEGIES: Strategies = {OURS: edgesweep, **BASELINES}


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


def _exactly(path: str) -> Pattern:
    stop = exact_stop(path)
    return Pattern(path) if stop is None else Pattern(path[:stop], wildcard=True)


def _shortened(entry: Pattern, level: int) -> Pattern:
    if entry.text.count("/") <= level:
        return entry
    folder = entry.text[: entry.text.rindex("/")]
    if folder.count("/") > 1:
        folder = folder[: folder.rindex("/")]
    return Pattern(folder + "/", wildcard=True)


def _folder(path: str, neighbours: Sequence[str]) -> str | None:
    """Return the highest folder of `path` that holds neither of its nearest neighbours."""
    folders = accumulate(f"{name}/" for name in path.split("/")[:-1])
    alone = (one for one in folders if not any(other.startswith(one) for other in neighbours))
    return next(alone, None)
