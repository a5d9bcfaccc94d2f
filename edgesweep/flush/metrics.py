"""The numbers that a tick publishes: at most ten series, since each of them costs money.

`docs/budget.md` explains them; the log says more. An alarm watches one plain number. A number that
can be derived from another series is not published, nor is a count of 0: alarms treat a missing
value as good. A failure or a death is an error of the function.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from edgesweep.flush.budget import Budget, Ledger
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.journal import Flush
from edgesweep.flush.planning import SEVERAL_DEATHS
from edgesweep.flush.policy import Policy, Reason
from edgesweep.flush.sender import Refused, Unanswered
from edgesweep.prices import invalidation_bill

_SECOND = timedelta(seconds=1)
_STUCK = (Reason.QUOTA, Reason.UNFINISHED, Reason.SPENT)


class Series(StrEnum):
    """The series, each for all distributions together."""

    DIRTY_ROWS = "DirtyRows"  # that flushes found and swept
    SECONDS_WAITED = "SecondsWaited"  # from an upload to its acceptance by CloudFront, or until now
    SECONDS_OVERDUE = "SecondsOverdue"  # by which that wait exceeds the guarantee
    PATHS = "Paths"  # that CloudFront accepted, wildcards included
    COLLATERAL = "Collateral"  # unchanged objects that wildcards hit
    DOLLARS_SPENT = "DollarsSpent"  # on paths, in the UTC month so far
    HELD_BY_BUDGET = "HeldByBudget"  # distributions whose next path is not due
    STUCK = "StuckDistributions"  # refused, or their flushers die, or the month is spent
    UNROUTED_ROWS = "UnroutedRows"  # that no distribution serves
    UNSWEPT = "Unswept"  # buckets without events, changes that nobody serves, invalidations unread

    @property
    def unit(self) -> str:
        if self is Series.DOLLARS_SPENT:
            return "None"  # CloudWatch's word
        return "Seconds" if self in (Series.SECONDS_WAITED, Series.SECONDS_OVERDUE) else "Count"


def measured(
    outcomes: Sequence[Outcome],
    policy: Policy,
    ledger: Callable[[], Ledger],
    now: datetime,
    counted: Mapping[Series, int],
) -> Mapping[Series, float]:
    """Return the values that a tick publishes, those `counted` outside of flushes included.

    It reads the month's `ledger` only after a flush.
    """
    age = max((now - one.oldest for one in outcomes if one.oldest), default=timedelta())
    flushes = _accepted(outcomes)
    counts = {
        Series.DIRTY_ROWS: sum(flush.rows for flush in flushes),
        Series.SECONDS_WAITED: max(_waits(outcomes, now), default=timedelta()) / _SECOND,
        Series.SECONDS_OVERDUE: max(0.0, (age - policy.guaranteed(now)) / _SECOND),
        Series.PATHS: sum(len(flush.paths) for flush in flushes),
        Series.COLLATERAL: sum(flush.collateral for flush in flushes),
        Series.HELD_BY_BUDGET: sum(one.reason is Reason.BUDGET for one in outcomes),
        Series.STUCK: sum(map(_stuck, outcomes)),
        **counted,
    }
    values = {series: float(count) for series, count in counts.items() if count}
    if flushes:
        # Here 0 counts: with a new month, it ends the alarm.
        bill = invalidation_bill(ledger().paths, policy.budget.free_paths)
        values[Series.DOLLARS_SPENT] = float(bill)
    return values


def properties(
    outcomes: Sequence[Outcome], values: Mapping[Series, float], budget: Budget
) -> Mapping[str, float]:
    """Return numbers that go beside the series into the same line of the log and cost nothing."""
    flushes = _accepted(outcomes)
    if not flushes:
        return {}
    numbers = {"Wildcards": float(sum(flush.wildcards for flush in flushes))}
    if budget.usd is not None:
        numbers["DollarsLeft"] = float(budget.usd) - values[Series.DOLLARS_SPENT]
    return numbers


def _accepted(outcomes: Sequence[Outcome]) -> Sequence[Flush]:
    """Return the finished flushes; each finishes in one tick alone."""
    return [one.flush for one in outcomes if one.flush and one.settled]


def _waits(outcomes: Sequence[Outcome], now: datetime) -> Iterator[timedelta]:
    """Yield how long the first change of each distribution waited, or has waited so far."""
    for one in outcomes:
        if one.settled and one.flush and one.flush.waited is not None:
            yield one.flush.waited
        elif one.oldest is not None:
            yield now - one.oldest


def _stuck(outcome: Outcome) -> bool:
    refused = isinstance(outcome.answer, Refused | Unanswered)
    return refused or outcome.reason in _STUCK or outcome.deaths >= SEVERAL_DEATHS
