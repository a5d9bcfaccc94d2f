"""How fast the cheapest cover is found, as ratios within one run.

    python -m bench.cover

A fifth of the site's objects is dirty: half of the pages in 16 of its 40 sections, so that the best
cover uses all 13 wildcards. What planning takes, sorting included, is divided by what `sorted()`
takes for the same shuffled strings. The other strategies get the live paths sorted, in their time.
"""

import sys
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from time import process_time

from edgesweep.cover import Limits, Prices, cover
from edgesweep.lab import BASELINES, reached
from edgesweep.paths import Pattern
from edgesweep.prices import PATH_PRICE, REFETCH_COST

SIZES = (10_000, 100_000, 1_000_000)
REPEATS = 5
# The longest that planning may take, in times of sorting.
TARGET = 4
# A path is worth 961 objects at list prices, and two objects here: savings are close everywhere.
CLOSE = Prices(refetch=PATH_PRICE / 2)


@dataclass(frozen=True, slots=True)
class Site:
    """Shuffled viewer paths, those of dirty objects among the live ones too."""

    dirty: list[str]
    live: list[str]


def site(objects: int) -> Site:
    """Return the same site at every call, with fresh strings."""
    random = Random(13)
    dirty, live = list[str](), list[str]()
    for number in range(objects):
        section, folder = number % 40, random.randrange(1 + objects // 4_000)
        path = f"/section-{section:02}/{folder:03}/page-{random.randrange(10**9):09}.html"
        live.append(path)
        if section % 5 < 2 and number // 40 % 2:
            dirty.append(path)
    random.shuffle(live)
    random.shuffle(dirty)
    return Site(dirty, live)


def seconds(objects: int, work: Callable[[Site], object]) -> float:
    """Return the seconds of processor time that `work` takes on a fresh site."""
    fresh = site(objects)
    started = process_time()
    work(fresh)
    return process_time() - started


def in_order(given: Site) -> list[str]:
    """Sort what has to be sorted."""
    return sorted(given.dirty + given.live)


def plan(given: Site) -> tuple[Pattern, ...]:
    """Return the best cover."""
    return tuple(member.pattern for member in cover(given.dirty, given.live).members)


def plan_closely(given: Site) -> tuple[Pattern, ...]:
    """Return the best cover where hardly a wildcard is plainly better than those below it."""
    found = cover(given.dirty, given.live, prices=CLOSE)
    return tuple(member.pattern for member in found.members)


def plan_within_8(given: Site) -> tuple[Pattern, ...]:
    """Return the best cover of at most 8 paths."""
    found = cover(given.dirty, given.live, limits=Limits(paths=8))
    return tuple(member.pattern for member in found.members)


def growth() -> float:
    """Print how planning grows with the site; return its ratio to sorting on the largest."""
    ratio = 0.0
    print(f"{'objects':>9}  {'sorted()':>9}  {'plan':>8}  {'us/object':>9}  ratio")
    for objects in SIZES:
        pairs = [(seconds(objects, in_order), seconds(objects, plan)) for _ in range(REPEATS)]
        baseline, planning = map(min, zip(*pairs, strict=True))
        ratio = planning / baseline
        each = planning / objects * 1e6
        print(f"{objects:9,}  {baseline:8.3f}s  {planning:7.3f}s  {each:9.2f}  {ratio:5.2f}")
    return ratio


def strategies(objects: int) -> None:
    """Print what each strategy takes on one site, and what it would send."""
    given = site(objects)
    live, dirty = sorted(given.live), sorted(given.dirty)
    ours = {
        "edgesweep": plan,
        "edgesweep, 8 paths": plan_within_8,
        "edgesweep, close": plan_closely,
    }
    theirs = {
        name: lambda fresh, send=send: send(fresh.dirty, sorted(fresh.live))
        for name, send in BASELINES.items()
    }
    baseline = seconds(objects, in_order)
    print(f"\n{'strategy':18}  {'ratio':>5}  {'paths':>7}  {'wildcards':>9}  collateral  dollars")
    for name, work in {**ours, **theirs}.items():
        ratio = seconds(objects, work) / baseline
        print(f"{name:18}  {ratio:5.2f}  {bill(work(given), dirty, live)}")


def bill(patterns: Sequence[Pattern], dirty: Sequence[str], live: Sequence[str]) -> str:
    """Return a table's columns for what is sent."""
    hit = reached(patterns, live) - reached(patterns, dirty)
    dollars = PATH_PRICE * len(patterns) + REFETCH_COST * hit
    wildcards = sum(pattern.wildcard for pattern in patterns)
    return f"{len(patterns):7,}  {wildcards:9}  {hit:10,}  {dollars:7.2f}"


def memory(objects: int) -> None:
    """Print the peak of what planning holds beside the lists that it is given."""
    given = site(objects)
    tracemalloc.start()
    cover(given.dirty, given.live)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    strings = sum(map(sys.getsizeof, [given.live, given.dirty, *given.live]))
    print(f"\npeak beside the lists: {peak / 2**20:.0f} MB, {peak / objects:.0f} bytes an object")
    print(f"the lists and their strings: {strings / 2**20:.0f} MB")


def main() -> int:
    """Run everything; return 1 if planning is slower than its target."""
    ratio = growth()
    strategies(SIZES[-1])
    memory(SIZES[-1])
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
