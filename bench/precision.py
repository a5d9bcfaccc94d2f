"""Precision at $0: the collateral of a budget of $0, beside tools without a budget.

    python -m bench.precision [DIR]

DIR holds history folders, at any depth; without it the sites are made up. Every deploy waits for
its tick, and three claims are checked:

(a) no month of any site has more paths than are free;
(b) every change goes out at the first tick at which it is due;
(c) the unchanged objects that are hit, all histories together, are a sixteenth of those that the
    level collapse hits, or fewer, and a hundredth of those that `/*` hits, or fewer.

On made-up sites, some of which change too often for (b), only (a) is checked. Hindsight stands for
a pace that knows the future: every path of a month has the one price at which the month spends no
more than the free paths. It merges no deploys and keeps no reserve. A month that even the list
price cannot pay for has no such price, and is left out of it.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from edgesweep.cover import Cover, Limits, climb, find_candidates
from edgesweep.errors import BadInput
from edgesweep.flush.budget import month_of
from edgesweep.flush.policy import Policy
from edgesweep.lab import BASELINES, Replayed, replay
from edgesweep.lab.generators import SHAPES
from edgesweep.lab.history import Folder, HistorySource, Step
from edgesweep.lab.paced import Paced
from edgesweep.prices import FREE_PATHS, PATH_PRICE, REFETCH_COST

OURS, BEST, PEER, ALL = "edgesweep", "hindsight", "level-collapse", "everything"
RATIOS = {PEER: 16, ALL: 100}
# Half a step of the pace's ladder apart.
FINE = tuple(PATH_PRICE / Decimal(2) ** down for down in reversed(range(17)))
SEED, DAYS = 1, 90


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a strategy, and how many flushes came after the first tick that wanted them."""

    row: Replayed
    late: int = 0


def paced(source: HistorySource, name: str, policy: Policy) -> Result:
    """Replay a history under a policy."""
    row, late = Replayed(source.name, name), 0
    for sent in Paced(policy).run((source.name, step) for step in source.steps()):
        row.deploys += len(sent.steps)
        row.add(sent.step, [member.pattern for member in sent.members])
        late += sent.step.at > sent.due_at
    return Result(row, late)


def measure(source: HistorySource) -> Sequence[Result]:
    """Replay a history by every strategy, ours first."""
    others = replay(source, {name: BASELINES[name] for name in RATIOS})
    ours = paced(source, OURS, Policy())
    return (ours, Result(hindsight(source)), *map(Result, others))


def hindsight(source: HistorySource) -> Replayed:
    """Replay a history with the best price of each month, known in advance."""
    months = defaultdict[str, list[tuple[Step, Sequence[Cover]]]](list)
    for step in source.steps():
        if step.dirty:
            candidates = find_candidates(step.reported, step.live)
            covers = climb(candidates, FINE, REFETCH_COST, Limits())
            months[month_of(step.at)].append((step, covers))
    row = Replayed(source.name, BEST)
    for month in months.values():
        for chosen in zip(*(covers for _, covers in month), strict=True):
            if sum(len(cover.members) for cover in chosen) <= FREE_PATHS:
                for (step, _), cover in zip(month, chosen, strict=True):
                    row.begin(step)
                    row.add(step, [member.pattern for member in cover.members])
                break
    return row


def table(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line for each site and strategy, and for all sites together."""
    yield (
        f"{'site':<16} {'strategy':<15} {'paths':>7} {'busiest month':>14} {'late':>6} "
        f"{'collateral':>11} {'of /*':>9}"
    )
    sites = dict.fromkeys(one.row.history for one in results)
    for site in sites:
        yield from _lines(site, [one for one in results if one.row.history == site])
    yield from _lines("all", results)


def _lines(site: str, results: Sequence[Result]) -> Iterator[str]:
    for strategy in dict.fromkeys(one.row.strategy for one in results):
        its = [one for one in results if one.row.strategy == strategy]
        hit = collateral(results, strategy)
        yield (
            f"{site:<16} {strategy:<15} {sum(one.row.paths for one in its):>7,} "
            f"{max(one.row.most_paths_in_a_month for one in its):>14,} "
            f"{sum(one.late for one in its):>6,} "
            f"{hit:>11,} {hit / max(1, collateral(results, ALL)):>9.3%}"
        )


def collateral(results: Sequence[Result], strategy: str) -> int:
    """Return the unchanged objects that a strategy hit on all sites."""
    return sum(one.row.collateral for one in results if one.row.strategy == strategy)


def claims(results: Sequence[Result], *, real: bool) -> Iterator[tuple[str, bool]]:
    """Yield each claim with its figures, and whether it holds."""
    ours = [one for one in results if one.row.strategy == OURS]
    busiest = max(one.row.most_paths_in_a_month for one in ours)
    yield f"(a) paths of the busiest month: {busiest:,} of {FREE_PATHS:,}", busiest <= FREE_PATHS
    if not real:
        return
    late = sum(one.late for one in ours)
    yield f"(b) flushes after their first due tick: {late}", late == 0
    hit = collateral(results, OURS)
    for strategy, least in RATIOS.items():
        theirs = collateral(results, strategy)
        text = f"(c) collateral: {hit:,}, {strategy} {theirs:,}: 1/{theirs / max(1, hit):.1f}"
        yield f"{text} of at most 1/{least}", hit * least <= theirs


def compare(sources: Sequence[HistorySource], *, real: bool) -> bool:
    """Print the table and the claims; return whether all of these hold."""
    with ProcessPoolExecutor(max_workers=2) as workers:
        results = [result for found in workers.map(measure, sources) for result in found]
    print(*table(results), sep="\n")
    checked = list(claims(results, real=real))
    for text, holds in checked:
        print(f"{text}: {'holds' if holds else 'DOES NOT HOLD'}")
    return all(holds for _, holds in checked)


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; return the exit status."""
    if len(arguments) > 1:
        print("Usage: python -m bench.precision [DIR]", file=sys.stderr)
        return 2
    try:
        sources = list(_sources(*arguments))
        return 0 if compare(sources, real=bool(arguments)) else 1
    except BadInput as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _sources(folder: str = "") -> Iterator[HistorySource]:
    if not folder:
        yield from (shape(SEED, DAYS) for shape in SHAPES.values())
        return
    found = sorted(path.parent for path in Path(folder).rglob("deploys.jsonl.gz"))
    if not found:
        msg = f"{folder} holds no history: no deploys.jsonl.gz in it or below it"
        raise BadInput(msg)
    yield from map(Folder, found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
