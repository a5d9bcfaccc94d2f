"""A third opinion on instances too large to try every cover: an integer program.

The program knows nothing of tries or longest common prefixes. It has one variable for each prefix
of each dirty path and one for each exact path, and asks that every dirty path be matched.
"""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from edgesweep.cover import Limits, Prices, cover
from edgesweep.paths import Pattern, exact_stop

SEEDS = range(200)


@dataclass(frozen=True)
class Site:
    """Seeded random folders of which some files changed."""

    dirty: list[str]
    live: list[str]
    prices: Prices
    limits: Limits


def site(seed: int) -> Site:
    """Return a site of 200 to 500 files; changes come in clusters, and some keys are odd."""
    random = Random(seed)  # noqa: S311 - seeded, so that a failure comes back
    letters = random.choice(["ab", "abcd", "0123456789"])
    folders = ["/" + "/".join(random.choices(letters, k=random.randint(1, 3))) for _ in range(9)]
    odd = random.choice([0, 0, 0.03])
    live = sorted(
        f"{random.choice(folders)}/{''.join(random.choices(letters, k=random.randint(1, 4)))}"
        + "~" * (random.random() < odd)
        for _ in range(random.randint(200, 500))
    )
    dirty = set[str]()
    while len(dirty) < 50:
        first, length = random.randrange(len(live)), random.randint(1, 12)
        dirty.update(path for path in live[first : first + length] if random.random() < 0.8)
    return Site(
        sorted(dirty),
        live,
        Prices(Decimal(random.randint(0, 8)), Decimal(random.randint(0, 3))),
        Limits(random.randint(1, 8), random.choice([None, *range(1, 40)])),
    )


def least_cost(site: Site) -> Decimal:
    """Return the cost of the best cover by integer programming."""
    changed = set(site.dirty)
    patterns = [Pattern(path) for path in site.dirty if exact_stop(path) is None]
    exact = len(patterns)
    patterns += sorted(
        {
            Pattern(path[:length], wildcard=True)
            for path in site.dirty
            for length in range(1, (exact_stop(path) or len(path)) + 1)
        }
    )
    hits = [sum(map(pattern.matches, set(site.live) - changed)) for pattern in patterns[exact:]]
    path_price, refetch = int(site.prices.path), int(site.prices.refetch)
    costs = np.array([path_price] * exact + [path_price + refetch * hit for hit in hits])
    matches = csr_array([[pattern.matches(path) for pattern in patterns] for path in site.dirty])
    caps = np.array([[False] * exact + [True] * len(hits), [True] * len(patterns)])
    most = site.limits.paths or len(patterns)
    solution = milp(
        costs,
        integrality=np.ones(len(patterns)),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(matches.astype(int), lb=1),
            LinearConstraint(caps.astype(int), ub=[site.limits.wildcards, most]),
        ],
        options={"mip_rel_gap": 0},
    )
    return Decimal(round(solution.fun))


@pytest.mark.parametrize("seed", SEEDS)
def test_program(seed: int) -> None:
    """The cover costs what the integer program says is the least."""
    question = site(seed)

    found = cover(question.dirty, question.live, prices=question.prices, limits=question.limits)

    assert found.cost(question.prices) == least_cost(question)
    assert found.gap == 0
