"""Money never buys less than no money: no budget hits more objects, or costs more, than $0.

Nor does any budget hit fewer, or cost less, than one without limit. Two budgets between these may
do so: if both run out, the larger may have bought for an early flush what a later one lacks then.

The laws hold wherever two budgets flush the same changes together, without any slack. Where the
smaller budget holds a flush until the next path of its reserve, it merges deploys that the larger
one sends at once; then the flushes differ, and each budget keeps its own guarantee instead.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.cover import find_candidates
from edgesweep.cover.survey import Survey
from edgesweep.flush.budget import Budget, Ledger
from edgesweep.flush.choice import pick
from edgesweep.flush.journal import Lease
from edgesweep.flush.pace import NOTHING_SEEN
from edgesweep.flush.policy import Go, Policy
from edgesweep.lab import paced
from edgesweep.lab.history import Progress, Step
from edgesweep.lab.paced import Swept, sweep
from edgesweep.prices import PATH_PRICE, invalidation_bill

START = datetime(2026, 2, 1, tzinfo=UTC)
LIVE = tuple(sorted(f"/{folder}/{page}" for folder in "abcdef" for page in range(8)))
# A refetch is worth half a path, so that single objects decide.
REFETCH = Decimal("0.0025")
BUDGETS = [*map(Decimal, ("0.05", "0.1", "1"))]


@pytest.fixture(autouse=True, scope="module")
def _rarer_ticks() -> Iterator[None]:
    """Tick every ten minutes: with two free paths a flush waits for weeks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paced, "TICK", timedelta(minutes=10))
        yield


class Site:
    """A site of few pages with some deploys."""

    name = "site"

    def __init__(self, deploys: Sequence[tuple[float, Sequence[str]]]) -> None:
        self._steps = [
            Step(START + timedelta(days=days), sorted(set(changed)), LIVE)
            for days, changed in sorted(deploys)
        ]

    def steps(self, _progress: Progress | None = None) -> Iterator[Step]:
        """Yield the deploys."""
        return iter(self._steps)


deploys = st.tuples(
    st.floats(0, 40), st.lists(st.sampled_from(LIVE), min_size=1, max_size=24, unique=True)
)


def replayed(site: Site, usd: Decimal | None, free: int) -> Swept:
    """Replay a site within a budget; nobody waits for another deploy."""
    budget = Budget(usd, free_paths=free)
    return sweep(site, Policy(budget, patience=timedelta(0), refetch=REFETCH))


@given(
    deploys=st.lists(deploys, min_size=1, max_size=12),
    free=st.integers(2, 120),
    usd=st.sampled_from(BUDGETS),
)
def test_monotone(deploys: list[tuple[float, Sequence[str]]], free: int, usd: Decimal) -> None:
    """A budget hits no more unchanged objects, and costs no more with their refetches, than $0."""
    site = Site(deploys)
    none, some, no_limit = (replayed(site, most, free) for most in (Decimal(0), usd, None))

    assert some.row.missed == 0
    for poor, rich in ((none, some), (some, no_limit), (none, no_limit)):
        if [at for at, _ in poor.flushes] == [at for at, _ in rich.flushes]:
            assert rich.row.collateral <= poor.row.collateral
            assert cost(rich, free) <= cost(poor, free)


@given(
    changed=st.sets(st.sampled_from(LIVE), min_size=1),
    listed=st.sets(st.sampled_from(LIVE)),
    unlisted=st.sets(st.sampled_from([*"/abcdef"])),
    free=st.integers(1, 60),
)
def test_unlisted(
    changed: AbstractSet[str], listed: AbstractSet[str], unlisted: AbstractSet[str], free: int
) -> None:
    """A bucket that was listed in part buys no more paths than the listed part pays for."""
    marks = {f"/{folder}/unlisted".replace("//", "") for folder in unlisted}
    known = Survey(sorted(listed | marks), marks)
    found = find_candidates(changed, known.live, known.weight)
    policy = Policy(Budget(None, free_paths=free), refetch=REFETCH)
    go = policy.decide({"2026-02": Ledger()}, NOTHING_SEEN, Lease(), START + timedelta(days=9))
    assert isinstance(go, Go)

    choice = pick(found, go, policy)

    assert choice.bought * PATH_PRICE <= REFETCH * Survey.seen(found.most_collateral)


def cost(swept: Swept, free: int) -> Decimal:
    """Return the bill of a replay, and what it costs to fetch its collateral again."""
    bill = sum(invalidation_bill(paths, free) for paths in swept.row.months.values())
    return bill + REFETCH * swept.row.collateral
