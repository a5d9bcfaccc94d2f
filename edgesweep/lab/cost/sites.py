"""Sites of five shapes, and what strategies do over a month of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from edgesweep.cover import Limits, find_candidates
from edgesweep.cover.ladder import climb
from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from edgesweep.lab.replay import OURS, Replayed, replay
from edgesweep.lab.replay.generators import SHAPES
from edgesweep.lab.replay.history import History, Source
from edgesweep.lab.replay.paced import Swept, sweep
from edgesweep.prices import FREE_PATHS, REFETCH_COST

DAYS = 31
FIVE = "blog", "versioned-docs", "single-page-app", "image-bucket", "json-api"
# Dollars a path, four to a decade: from nearly free to dearer than any object.
PATH_PRICES = tuple(Decimal(f"{10 ** (rung / 4 - 8):.4g}") for rung in range(4 * 8 + 1))


def month_of(shape: str, seed: int = 1) -> History:
    """Return a month of deploys to a made-up site."""
    return SHAPES[shape](seed, DAYS)


def five_sites(seed: int = 1) -> Sequence[History]:
    """Return a month of deploys to each of the five sites."""
    return [month_of(shape, seed) for shape in FIVE]


def size(site: Source) -> int:
    """Return how many objects a site has at most."""
    return max((len(step.live) for step in site.steps()), default=0)


@dataclass(frozen=True, slots=True)
class Total:
    """What a strategy comes to, all sites together, each in an account of its own."""

    paths: int
    collateral: int
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Comparison:
    """What strategies did over sites.

    Attributes:
        rows: one for each site and strategy.
    """

    rows: Sequence[Replayed]

    @property
    def sites(self) -> Sequence[str]:
        """The names of the sites."""
        return list(dict.fromkeys(row.history for row in self.rows))

    @property
    def strategies(self) -> Sequence[str]:
        """The names of the strategies."""
        return list(dict.fromkeys(row.strategy for row in self.rows))

    @property
    def baselines(self) -> Sequence[str]:
        """The names of the strategies of other tools."""
        return [name for name in self.strategies if name != OURS]

    @property
    def missed(self) -> int:
        """How many changes no path matched, whichever strategy and site."""
        return sum(row.missed for row in self.rows)

    def of(self, strategy: str) -> Mapping[str, Replayed]:
        """Return what a strategy did on each site."""
        return {row.history: row for row in self.rows if row.strategy == strategy}

    def total(self, strategy: str) -> Total:
        """Return what a strategy did on all sites."""
        rows = self.of(strategy).values()
        return Total(
            sum(row.paths for row in rows),
            sum(row.collateral for row in rows),
            sum((row.usd for row in rows), Decimal(0)),
        )

    def dearest(self, strategy: str) -> Replayed:
        """Return what a strategy did on the site that it costs most."""
        return max(self.of(strategy).values(), key=lambda row: row.usd)

    def replaced(self, rows: Iterable[Replayed]) -> "Comparison":
        """Return the comparison with other rows for the same sites and strategies."""
        known = {(row.history, row.strategy): row for row in (*self.rows, *rows)}
        return Comparison(list(known.values()))

    def beaten(self) -> Iterator[str]:
        """Yield the sites on which a baseline was free, too, and hit fewer unchanged objects."""
        for site, ours in self.of(OURS).items():
            others = (self.of(name)[site] for name in self.baselines)
            if any(is_free(row) and row.collateral < ours.collateral for row in others):
                yield site


@dataclass(frozen=True, slots=True)
class Tried:
    """Months of sites on which Edgesweep was held to the free paths.

    Attributes:
        months: how many, all sites together.
        beaten: in how many of them a strategy that was free, too, was more precise.
    """

    months: int
    beaten: int


def is_free(row: Replayed) -> bool:
    """Tell whether no month took more than the free paths."""
    return row.most_paths_in_a_month <= FREE_PATHS


def compare(sites: Iterable[Source]) -> Comparison:
    """Replay every strategy over sites, Edgesweep's cover at list prices."""
    return Comparison([row for site in sites for row in replay(site)])


def tried(seeds: Iterable[int]) -> Tried:
    """Try every strategy on the five sites of each seed, Edgesweep held to the free paths."""
    months = [five_sites(seed) for seed in seeds]
    compared = [compare(m).replaced(one.row for one in swept(m).values()) for m in months]
    return Tried(
        sum(len(one.sites) for one in compared), sum(len(list(one.beaten())) for one in compared)
    )


def swept(sites: Iterable[Source]) -> Mapping[str, Swept]:
    """Sweep each site alone, held to the free paths, and return what came of it by name."""
    return {site.name: sweep(site, Policy(Budget())) for site in sites}


@dataclass(frozen=True, slots=True)
class Point:
    """What covers come to if a path is taken to be worth so much.

    Attributes:
        path_price: dollars.
        paths: of all deploys.
        collateral: likewise.
    """

    path_price: Decimal
    paths: int
    collateral: int

    def cost(self, paths: int, collateral: int) -> Decimal:
        """Return what others' paths and collateral cost where a path is worth as much as here."""
        return self.path_price * paths + REFETCH_COST * collateral

    def beaten(self, other: Replayed) -> bool:
        """Tell whether another strategy is cheaper at this price."""
        ours = self.cost(self.paths, self.collateral)
        return self.cost(other.paths, other.collateral) < ours


def frontier(site: Source) -> Sequence[Point]:
    """Return how paths trade for collateral on a site: one point for each of `PATH_PRICES`.

    The same price at every deploy: of all ways to spend that many paths, none hits less.
    """
    paths, collateral = [0] * len(PATH_PRICES), [0] * len(PATH_PRICES)
    for step in site.steps():
        candidates = find_candidates(step.dirty, step.live)
        for rung, cover in enumerate(climb(candidates, PATH_PRICES, REFETCH_COST, Limits())):
            paths[rung] += len(cover.members)
            collateral[rung] += cover.collateral
    return [Point(*point) for point in zip(PATH_PRICES, paths, collateral, strict=True)]


def frontiers(sites: Iterable[Source]) -> Mapping[str, Sequence[Point]]:
    """Return the frontier of each site by name."""
    return {site.name: frontier(site) for site in sites}
