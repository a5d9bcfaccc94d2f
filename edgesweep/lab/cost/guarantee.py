"""What a budget guarantees, and whether the guarantee holds where everything is against it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from edgesweep.lab.cost.sites import DAYS
from edgesweep.lab.replay.generators import START
from edgesweep.lab.replay.history import Deploy, History
from edgesweep.lab.replay.paced import sweep
from edgesweep.prices import FREE_PATHS, PATH_PRICE

LONGEST_MONTH = timedelta(days=DAYS)
MINUTE = timedelta(minutes=1)
# A change is recorded at any moment of a tick, and the flush that is due takes the next.
TICKS = 2 * MINUTE


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What a budget guarantees in a month of 31 days.

    Attributes:
        usd: dollars a month.
        by_default: the longest wait of a change if half of the paths are kept for it.
        at_best: the longest wait if all of them are.
    """

    usd: Decimal
    by_default: timedelta
    at_best: timedelta


def guaranteed(usd: Decimal, distributions: int = 1) -> Guarantee:
    """Return what a budget guarantees each of some distributions.

    Raises:
        BadInput: the budget is too small for them.
    """
    policy = Policy(Budget(usd, distributions=distributions))
    paths = FREE_PATHS + int(usd / PATH_PRICE)
    best = LONGEST_MONTH / (paths // distributions)
    return Guarantee(usd, _wait(policy, policy.budget.interval(START)), _wait(policy, best))


def price_of(interval: timedelta) -> Decimal:
    """Return dollars a month for flushes of one distribution that are so far apart."""
    return PATH_PRICE * max(0, -(-LONGEST_MONTH // interval) - FREE_PATHS)


@dataclass(frozen=True, slots=True)
class Trial:
    """A month in which everything went against a budget.

    Attributes:
        guarantee: what the budget guarantees.
        longest_wait: how long a change waited at most.
        paths: that were spent.
        allowance: that could be.
    """

    guarantee: Guarantee
    longest_wait: timedelta
    paths: int
    allowance: int


def tried(usd: Decimal) -> Trial:
    """Hold a site that changes everywhere, every minute of a month, to a budget."""
    budget = Budget(usd)
    swept = sweep(restless(), Policy(budget))
    allowance = FREE_PATHS + int(usd / PATH_PRICE)
    return Trial(guaranteed(usd), swept.longest_wait, swept.row.paths, allowance)


def restless() -> History:
    """Return a site of which an eighth changes every minute, scattered over all of its folders."""
    pages = [f"{folder}/{number}.html" for folder in "abcdefgh" for number in range(8)]
    deploys = [
        Deploy("", START + minute * MINUTE + MINUTE / 2, (), tuple(pages[minute % 8 :: 8]), ())
        for minute in range(DAYS * 1_440)
    ]
    return History("restless", pages, deploys)


def _wait(policy: Policy, interval: timedelta) -> timedelta:
    return max(interval, policy.max_wait) + TICKS


def curve(budgets: Iterable[Decimal], distributions: int = 1) -> Sequence[Guarantee]:
    """Return what each budget guarantees."""
    return [guaranteed(usd, distributions) for usd in budgets]
