"""Distributions that share a budget: a busy one does not price out a quiet one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from operator import itemgetter
from typing import Self

from hypothesis import example, given
from hypothesis import strategies as st

from edgesweep.flush.budget import Budget, month_of
from edgesweep.flush.policy import Policy
from edgesweep.lab import OURS, Replayed
from edgesweep.lab.history import Step
from edgesweep.lab.paced import Paced
from edgesweep.prices import FREE_PATHS, invalidation_bill

START = datetime(2026, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAGES = tuple(f"/{folder:02}/{page:02}" for folder in range(20) for page in range(20))
# A refetch is worth half a path, so that single objects decide.
REFETCH = Decimal("0.0025")
BUDGETS = [*map(Decimal, ("0.05", "0.1", "1"))]

# The distribution, when it is deployed, and what changes.
Deploy = tuple[str, datetime, Sequence[str]]


@dataclass
class Shared:
    """What distributions took that share a budget; some paths of the month are spent before."""

    policy: Policy
    spent: int = 0
    rows: dict[str, Replayed] = field(default_factory=dict)
    flushes: list[tuple[str, datetime]] = field(default_factory=list)
    months: Mapping[str, int] = field(default_factory=dict)

    def replay(self, deploys: Sequence[Deploy]) -> Self:
        """Replay deploys of pages, the oldest first."""
        paced = Paced(self.policy)
        paced.charged[month_of(START)] = self.spent
        steps = ((name, Step(at, sorted(changed), PAGES)) for name, at, changed in deploys)
        for sent in paced.run(steps):
            row = self.rows.setdefault(sent.distribution, Replayed(sent.distribution, OURS))
            row.add(sent.step, [member.pattern for member in sent.members])
            self.flushes.append((sent.distribution, sent.step.at))
        self.months = paced.charged
        return self

    @property
    def collateral(self) -> int:
        return sum(row.collateral for row in self.rows.values())

    @property
    def cost(self) -> Decimal:
        """The bill, and what it costs to fetch the collateral again."""
        free = self.policy.budget.free_paths
        bills = [invalidation_bill(paths, free) for paths in self.months.values()]
        return sum(bills, REFETCH * self.collateral)


def busy(hours: int) -> Iterator[Deploy]:
    """Yield the edits of a page every ten minutes, each of another folder."""
    for number in range(6 * hours):
        yield "busy", START + number * HOUR / 6, PAGES[number % 20 * 20 :: 400]


def test_quiet() -> None:
    """If one distribution takes all free paths, a daily deploy of another is still exact."""
    budget = Budget(distributions=2)
    spent = FREE_PATHS - budget.reserve(START)
    daily = [("quiet", START + (20 + 24 * day) * HOUR, PAGES[:60:20]) for day in range(4)]
    deploys = sorted([*busy(24 * 4), *daily], key=itemgetter(1))

    shared = Shared(Policy(budget), spent).replay(deploys)

    assert shared.rows["busy"].collateral > 0
    assert shared.rows["quiet"].collateral == 0


deploys = st.tuples(
    st.sampled_from("abc"),
    st.floats(0, 4).map(lambda days: START + timedelta(days=days)),
    st.lists(st.sampled_from(PAGES[::9]), min_size=1, max_size=24, unique=True),
)


def changes(*sizes: int) -> Sequence[Deploy]:
    """Return deploys of so many pages, six hours apart."""
    return [
        ("a", START + number * 6 * HOUR, PAGES[: 9 * size : 9]) for number, size in enumerate(sizes)
    ]


# Seven of eleven paths could be paid for, and four free ones were left to a later flush.
@example(deploys=changes(10, 20, 13, 6, 11, 3), free=200, part=0.25, usd=Decimal("0.05"))
@given(
    deploys=st.lists(deploys, min_size=1, max_size=16).map(partial(sorted, key=itemgetter(1))),
    free=st.integers(9, 60) | st.integers(200, 700),
    part=st.floats(0, 0.5),
    usd=st.sampled_from(BUDGETS),
)
def test_monotone(deploys: Sequence[Deploy], free: int, part: float, usd: Decimal) -> None:
    """No budget is passed; none buys less than $0, or more than one without limit."""
    none, some, no_limit = (
        Shared(
            Policy(
                Budget(most, free_paths=free, distributions=3),
                patience=timedelta(0),
                refetch=REFETCH,
            ),
            spent=int(part * free),
        ).replay(deploys)
        for most in (Decimal(0), usd, None)
    )

    for one in (none, some, no_limit):
        allowance = one.policy.budget.allowance
        assert allowance is None or max(one.months.values()) <= allowance
        assert all(row.missed == 0 for row in one.rows.values())
    for poor, rich in ((none, some), (some, no_limit), (none, no_limit)):
        if poor.flushes == rich.flushes:
            assert rich.collateral <= poor.collateral
            assert rich.cost <= poor.cost
