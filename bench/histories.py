"""Edgesweep beside other tools over real publish histories.

    python -m bench.histories DIR

DIR holds history folders, at any depth. The first table is that of `edgesweep replay`. In the
second, and in three claims against s3deploy's level collapse and the other strategies, every deploy
is one invalidation and free paths are not counted:

(a) at every deploy, allowed as many paths as the level collapse used, Edgesweep hits no more
    unchanged objects;
(b) at a path price for each history that makes it use no more paths than the level collapse in
    total, Edgesweep hits at most two thirds of the unchanged objects, all histories together;
(c) at list prices and at ten times the refetch cost, Edgesweep is on no site dearer than any other
    strategy; at list prices it costs at most half of the level collapse, all histories together.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from edgesweep.cli.replay import comparison
from edgesweep.cover import Limits, Prices, choose, climb, cover
from edgesweep.cover.candidates import find_candidates
from edgesweep.errors import BadInput
from edgesweep.lab import STRATEGIES, Replayed, collateral, level_collapse, replay
from edgesweep.lab.history import Folder
from edgesweep.paths import Pattern
from edgesweep.prices import PATH_PRICE, REFETCH_COST

T = TypeVar("T")

OURS, PEER = "edgesweep", "level-collapse"
DEAR = 10
# Dollars a path, sixteen to a decade: from nearly free to dearer than any object.
PRICE_LADDER = [Decimal(f"{10 ** (rung / 16 - 8):.4g}") for rung in range(16 * 8 + 1)]


@dataclass(frozen=True, slots=True)
class Spent:
    """Paths sent, unchanged objects hit, and the most wildcards of a deploy."""

    paths: int = 0
    collateral: int = 0
    most_wildcards: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.paths + other.paths,
            self.collateral + other.collateral,
            max(self.most_wildcards, other.most_wildcards),
        )

    def dollars(self, refetch_times: int = 1) -> Decimal:
        """Return the cost at list prices, with the refetch cost multiplied."""
        return PATH_PRICE * self.paths + REFETCH_COST * refetch_times * self.collateral


@dataclass(frozen=True, slots=True)
class Site:
    """The measurements over one history, or over all of them.

    Attributes:
        name: the history's name.
        rows: what each strategy did.
        deploys: how many there were.
        worse: deploys at which claim (a) does not hold.
        spent: every strategy's totals.
        dear: Edgesweep's totals where a refetch costs ten times as much.
        matched: Edgesweep's totals at the path price of claim (b).
    """

    name: str
    rows: Sequence[Replayed]
    deploys: int
    worse: int
    spent: dict[str, Spent]
    dear: Spent
    matched: Spent

    def dollars(self, strategy: str, refetch_times: int = 1) -> Decimal:
        """Return what a strategy costs; Edgesweep weighs the refetch cost that it is billed."""
        spent = self.dear if (strategy, refetch_times) == (OURS, DEAR) else self.spent[strategy]
        return spent.dollars(refetch_times)

    def cheaper(self, refetch_times: int) -> Iterator[str]:
        """Yield the strategies that cost less than Edgesweep."""
        ours = self.dollars(OURS, refetch_times)
        for strategy in self.spent:
            if self.dollars(strategy, refetch_times) < ours:
                yield f"{strategy} on {self.name}"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim with its figures, and whether it holds."""

    text: str
    holds: bool


def measure(folder: Path) -> Site:
    """Replay the history in `folder`: once for the totals, once for claims (a) and (b)."""
    *rows, dear = replay(Folder(folder), {**STRATEGIES, "dear": dear_edgesweep})
    spent = {row.strategy: _spent(row) for row in rows}
    worse = 0
    ladder = [Spent()] * len(PRICE_LADDER)
    for step in Folder(folder).steps():
        candidates = find_candidates(step.dirty, step.live, None)
        theirs = level_collapse(step.dirty, step.live)
        ours = choose(candidates, Prices(path=Decimal(0)), Limits(paths=len(theirs)))
        worse += ours.collateral > collateral(theirs, step)
        covers = climb(candidates, PRICE_LADDER, REFETCH_COST, Limits())
        rungs = [Spent(len(cover.members), cover.collateral) for cover in covers]
        ladder = [total + rung for total, rung in zip(ladder, rungs, strict=True)]
    matched = next(total for total in ladder if total.paths <= spent[PEER].paths)
    return Site(dear.history, rows, dear.deploys, worse, spent, _spent(dear), matched)


def dear_edgesweep(dirty: Sequence[str], live: Sequence[str]) -> tuple[Pattern, ...]:
    """Send the cheapest cover where a needless refetch is dear."""
    best = cover(dirty, live, prices=Prices(refetch=REFETCH_COST * DEAR))
    return tuple(member.pattern for member in best.members)


def total(sites: Sequence[Site]) -> Site:
    """Return all sites as one."""
    return Site(
        "all",
        [row for site in sites for row in site.rows],
        sum(site.deploys for site in sites),
        sum(site.worse for site in sites),
        {name: sum((site.spent[name] for site in sites), Spent()) for name in sites[0].spent},
        sum((site.dear for site in sites), Spent()),
        sum((site.matched for site in sites), Spent()),
    )


def costs(sites: Sequence[Site]) -> Iterator[str]:
    """Yield the lines of the table of what strategies cost at list prices."""
    yield (
        f"{'history':<12} {'strategy':<15} {'paths':>9} {'collateral':>11} {'dollars':>9} "
        f"{'edgesweep=1':>12} {f'refetch x{DEAR}':>12} {'most wildcards':>15}"
    )
    for site in sites:
        for name, spent in site.spent.items():
            ratio = site.dollars(name) / max(PATH_PRICE, site.dollars(OURS))
            yield (
                f"{site.name:<12} {name:<15} {spent.paths:>9,} {spent.collateral:>11,} "
                f"{site.dollars(name):>9,.2f} {ratio:>12.2f} {site.dollars(name, DEAR):>12,.2f} "
                f"{spent.most_wildcards:>15,}"
            )


def claims(sites: Sequence[Site]) -> Iterator[Claim]:
    """Yield the claims with their figures."""
    everywhere = total(sites)
    yield Claim(
        f"(a) more collateral at as many paths: {everywhere.worse} of {everywhere.deploys:,} "
        "deploys",
        everywhere.worse == 0,
    )
    ours, theirs = everywhere.matched, everywhere.spent[PEER]
    yield Claim(
        f"(b) collateral at no more paths: {ours.collateral:,} with {ours.paths:,} paths, "
        f"{PEER} {theirs.collateral:,} with {theirs.paths:,}, "
        f"ratio {ours.collateral / max(1, theirs.collateral):.3f} of at most 0.667",
        3 * ours.collateral <= 2 * theirs.collateral,
    )
    for prices, times in (
        ("list prices", 1),
        (f"{DEAR} times the refetch cost", DEAR),
    ):
        cheaper = [what for site in sites for what in site.cheaper(times)]
        yield Claim(f"(c) cheaper at {prices}: {', '.join(cheaper) or 'nobody'}", not cheaper)
    cost, their_cost = everywhere.dollars(OURS), everywhere.dollars(PEER)
    yield Claim(
        f"(c) cost at list prices: ${cost:.2f}, {PEER} ${their_cost:.2f}, "
        f"ratio {cost / max(PATH_PRICE, their_cost):.3f} of at most 0.5",
        2 * cost <= their_cost,
    )


def measured(folder: Path, measure: Callable[[Path], T]) -> Sequence[T]:
    """Measure every history below `folder`, in two processes.

    Raises:
        BadInput: there is no history, or one is malformed.
    """
    found = sorted(path.parent for path in folder.rglob("deploys.jsonl.gz"))
    if not found:
        msg = f"{folder} holds no history: no deploys.jsonl.gz in it or below it"
        raise BadInput(msg)
    with ProcessPoolExecutor(max_workers=2) as workers:
        return list(workers.map(measure, found))


def run(name: str, compare: Callable[[Path], bool], arguments: Sequence[str]) -> int:
    """Compare the histories below the folder on the command line; return the exit status."""
    if len(arguments) != 1:
        print(f"Usage: python -m bench.{name} DIR", file=sys.stderr)
        return 2
    try:
        return 0 if compare(Path(arguments[0])) else 1
    except BadInput as error:
        print(error, file=sys.stderr)
        return error.exit_code


def compare(folder: Path) -> bool:
    """Print the table and the claims for every history below `folder`.

    Returns:
        Whether every claim holds.

    Raises:
        BadInput: there is no history, or one is malformed.
    """
    sites = measured(folder, measure)
    everywhere = total(sites)
    print(*comparison(everywhere.rows), "", *costs([*sites, everywhere]), sep="\n")
    checked = list(claims(sites))
    for claim in checked:
        print(f"{claim.text}: {'holds' if claim.holds else 'DOES NOT HOLD'}")
    return all(claim.holds for claim in checked)


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; return the exit status."""
    return run("histories", compare, arguments)


def _spent(row: Replayed) -> Spent:
    return Spent(row.paths, row.collateral, row.most_wildcards)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
