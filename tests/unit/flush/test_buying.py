"""A flush buys paths beyond the free ones where they save more than they cost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from edgesweep.cover import find_candidates
from edgesweep.cover.survey import Survey
from edgesweep.flush.budget import Budget, Ledger
from edgesweep.flush.choice import pick
from edgesweep.flush.journal import Lease
from edgesweep.flush.pace import NOTHING_SEEN, Purse
from edgesweep.flush.policy import Go, Policy
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


@pytest.mark.parametrize(("paid", "paths"), [(9, 1), (10, 11), (20, 11)])
def test_leaves_free(paid: int, paths: int) -> None:
    """What a flush pays for takes none of the free paths that it leaves to others without money."""
    changed = [f"/{letter}" for letter in "abcdefghijk"]
    found = find_candidates(changed, [f"/x{number}" for number in range(20_000)])
    purse = Purse(NOTHING_SEEN, 100, 8, paid, timedelta(days=9), NOON)

    choice = pick(found, Go(100, 13, {}, (purse,)), Policy())

    # One of the four free paths does without money, and it is `/*`.
    assert (len(choice.cover.members), choice.bought) == (paths, paths - 1)


@pytest.mark.parametrize("guarantee", [None, timedelta(hours=2), timedelta(hours=30)])
def test_money(guarantee: timedelta | None) -> None:
    """As a month goes on, the paths that the budget pays for never become fewer."""
    budget = Budget(Decimal("0.5"), free_paths=900, distributions=2, guarantee=guarantee)
    moments = [datetime(2026, 2, 1, tzinfo=UTC) + timedelta(minutes=17 * n) for n in range(2_371)]

    found = list(map(budget.money, moments))

    assert found == sorted(found)
    assert found[-1] >= 98


@pytest.mark.parametrize(("listed", "paths"), [(0, 30), (1, 1), (100, 1), (30_000, 30)])
def test_unlisted(listed: int, paths: int) -> None:
    """What was not listed buys nothing beside what was, but if nothing was listed it buys."""
    folders = [f"{number:02}" for number in range(30)]
    changed = [f"/{folder}/x" for folder in folders]
    marks = {f"/{folder}/y" for folder in folders}
    known = Survey(sorted({*marks, *(f"/{page % 30:02}/z{page}" for page in range(listed))}), marks)
    policy = Policy(Budget(Decimal(5), free_paths=1))
    go = policy.decide({"2026-11": Ledger()}, NOTHING_SEEN, Lease(), NOON)
    assert isinstance(go, Go)

    found = find_candidates(changed, known.live, known.weight)
    choice = pick(found, go, policy, listed=bool(listed))

    assert len(choice.cover.members) == paths
