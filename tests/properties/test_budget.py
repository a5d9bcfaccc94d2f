"""The two guarantees of a budget: never above the allowance, never later than the interval.

Distributions ask whenever they like and take whatever they are offered; nobody is kind.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.errors import BadInput
from edgesweep.flush.budget import MONTH_MARGIN, Budget, Ledger, month_bounds, month_of, months_near
from edgesweep.flush.journal import Lease
from edgesweep.flush.pace import NOTHING_SEEN
from edgesweep.flush.policy import Go, Policy

MINUTE = timedelta(minutes=1)
LONGEST_MONTH = timedelta(days=31)


@st.composite
def budgets(draw: st.DrawFn) -> Budget:
    """Return budgets of few paths, so that they run out; half of them with a guarantee."""
    distributions = draw(st.integers(1, 3))
    budget = Budget(
        usd=draw(st.sampled_from([Decimal(0), Decimal("0.05"), Decimal("0.999")])),
        free_paths=draw(st.integers(2 * distributions, 40)),
        distributions=distributions,
    )
    assert budget.allowance is not None
    shortest = LONGEST_MONTH / (budget.allowance // distributions)
    longer = draw(st.none() | st.floats(1, 3))
    return budget if longer is None else replace(budget, guarantee=longer * shortest + MINUTE)


@st.composite
def asks(draw: st.DrawFn) -> tuple[float, int, float]:
    """Return how many intervals pass, who asks then, and which part of the offer it takes."""
    gap = draw(st.sampled_from([0.0, 0.01, 1.0]) | st.floats(0, 2.5))
    return gap, draw(st.integers(0, 2)), draw(st.sampled_from([0.0, 1.0]) | st.floats(0, 1))


@dataclass
class Account:
    """A ledger, and when each distribution was flushed."""

    policy: Policy
    charged: Counter[str] = field(default_factory=Counter)
    flushed_at: dict[int, datetime] = field(default_factory=dict)

    def ask(self, distribution: int, part: float, now: datetime) -> bool:
        """Flush if that is allowed, for a part of the paths on offer; tell whether it was."""
        flushed_at = self.flushed_at.get(distribution)
        ledgers = {month: Ledger(self.charged[month]) for month in months_near(now)}
        lease = Lease(flushed_at=flushed_at)
        decision = self.policy.decide(ledgers, NOTHING_SEEN, lease, now)
        if not isinstance(decision, Go):
            return False
        paths = max(1, ceil(part * decision.paths))
        for month, limit in decision.limits.items():
            assert limit is not None
            assert ledgers[month].paths + paths <= limit
        self.charged[month_of(now)] += paths
        self.flushed_at[distribution] = now
        return True

    def is_due(self, distribution: int, now: datetime) -> bool:
        """Tell whether the last flush of a distribution is an interval ago."""
        flushed_at = self.flushed_at.get(distribution)
        return flushed_at is None or now - flushed_at >= self.policy.budget.interval(now)


@given(
    budget=budgets(),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2028, 3, 1)),  # noqa: DTZ001  # replaced
    steps=st.lists(asks(), min_size=1, max_size=120),
)
def test_guarantees(budget: Budget, start: datetime, steps: list[tuple[float, int, float]]) -> None:
    """The ledger stays within the allowance, and a flush that has waited an interval goes.

    A flush within half a minute after a month may be billed to that month, and may have to wait.
    """
    account = Account(Policy(budget))
    now, allowance = start.replace(tzinfo=UTC), budget.allowance
    assert allowance is not None
    for gap, asking, part in steps:
        now += gap * budget.interval(now)
        distribution = asking % budget.distributions
        due = account.is_due(distribution, now)
        flushed = account.ask(distribution, part, now)

        assert max(account.charged.values(), default=0) <= allowance
        if due and not flushed:
            assert now - month_bounds(now)[0] < MONTH_MARGIN
            assert account.ask(distribution, part, now + MONTH_MARGIN)


@given(budget=budgets(), start=st.datetimes(datetime(2026, 1, 1), datetime(2028, 3, 1)))  # noqa: DTZ001  # replaced
def test_greed(budget: Budget, start: datetime) -> None:
    """However much is taken at once, every distribution is flushed each interval to the end."""
    account = Account(Policy(budget))
    now = start.replace(tzinfo=UTC)
    while now < month_bounds(start.replace(tzinfo=UTC))[1] - MONTH_MARGIN:
        for distribution in range(budget.distributions):
            assert account.ask(distribution, 1.0, now)
        now += budget.interval(now)


@given(budget=budgets(), moment=st.datetimes(datetime(2026, 1, 1), datetime(2028, 3, 1)))  # noqa: DTZ001  # replaced
def test_reserve(budget: Budget, moment: datetime) -> None:
    """No month begins with a reserve above its allowance, and no reserve grows within a month."""
    start, end = month_bounds(moment.replace(tzinfo=UTC))
    assert budget.allowance is not None

    reserves = [budget.reserve(start + part * (end - start) / 7) for part in range(7)]

    assert budget.allowance >= reserves[0]
    assert reserves == sorted(reserves, reverse=True)
    assert reserves[-1] >= budget.distributions


@given(budget=budgets(), minutes=st.integers(1, 60_000))
def test_advice(budget: Budget, minutes: int) -> None:
    """A guarantee that is too short is refused with the shortest one, in whole minutes."""
    possible = minutes
    try:
        replace(budget, guarantee=minutes * MINUTE)
    except BadInput as error:
        possible = int(str(error).rpartition("one every ")[2].split()[0].replace(",", ""))
        assert possible > minutes
        with pytest.raises(BadInput):
            replace(budget, guarantee=(possible - 1) * MINUTE)

    assert replace(budget, guarantee=possible * MINUTE).interval(datetime.now(UTC)) == (
        possible * MINUTE
    )
