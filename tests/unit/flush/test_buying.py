"""A flush buys paths beyond the free ones where they save more than they cost."""

from dataclasses import replace
from decimal import Decimal

from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from tests.fakes.flushing import NOON, Ticks


def test_buys() -> None:
    """More changes than there are free paths, each far from the others, are each an exact path."""
    folders = [f"{number:02}" for number in range(30)]
    ticks = Ticks(live=sorted(f"/{folder}/{page}" for folder in folders for page in range(2_000)))
    ticks.policy = replace(Policy(), budget=Budget(Decimal(5), free_paths=20))
    for folder in folders:
        ticks.change(f"{folder}/x")

    ticks.tick()

    assert ticks.sent == [tuple(f"/{folder}/x" for folder in folders)]
    # With the free ones alone it would have been `/*`.
    assert ticks.journal.demand().bought_in(f"{NOON:%Y-%m}") == 29


def test_buys_tags() -> None:
    """Cache tags beyond the free paths are bought like other paths."""
    tags = tuple(f"#{number:02}" for number in range(30))
    ticks = Ticks()
    ticks.policy = replace(Policy(), budget=Budget(Decimal(5), free_paths=20))
    for tag in tags:
        ticks.request(tag)

    ticks.tick()

    assert ticks.sent == [tags]
    # With the free ones alone it would have been `/*`.
    assert ticks.journal.demand().bought_in(f"{NOON:%Y-%m}") == 29
