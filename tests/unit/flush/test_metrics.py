"""What a tick publishes, from what it did."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from edgesweep.flush.budget import Budget, Ledger
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.journal import Flush, State
from edgesweep.flush.metrics import Series, measured, properties
from edgesweep.flush.policy import Policy, Reason
from edgesweep.flush.sender import Answer, Refusal, Refused, Unanswered

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = Policy(Budget(Decimal(5), guarantee=timedelta(minutes=60)))
FLUSH = Flush(
    distribution="E1",
    opened_at=NOW,
    token="",
    paths=("/a", "/b/*"),
    months=("2026-11",),
    rows=7,
    collateral=30,
    state=State.SETTLED,
)


def publish(*outcomes: Outcome, spent: int = 0, unrouted: int = 0) -> dict[str, float]:
    """Return what is published, by name."""
    values = measured(
        outcomes, POLICY, lambda: Ledger(spent), NOW, {Series.UNROUTED_ROWS: unrouted}
    )
    return {series.value: value for series, value in values.items()}


def test_idle() -> None:
    """A tick that found nothing publishes nothing, and does not ask for the ledger."""

    def asked() -> Ledger:
        raise AssertionError

    assert measured((), POLICY, asked, NOW, {}) == {}


def test_flushes() -> None:
    """What was sent is summed over distributions; the age is that of the oldest of all rows."""
    first = Outcome("E1", Reason.QUIET, FLUSH, oldest=NOW - MINUTE)
    second = Outcome("E2", Reason.RECOVERED, replace(FLUSH, paths=("/c",)), oldest=NOW - 2 * MINUTE)

    assert publish(first, second, spent=1_003) == {
        "DirtyRows": 14,
        "SecondsWaited": 120,
        "Paths": 3,
        "Collateral": 60,
        "DollarsSpent": 0.015,
    }


def test_nothing_spent() -> None:
    """After a flush that was free, the sum is published as zero: a new month ends the alarm."""
    free = Outcome("E1", Reason.QUIET, replace(FLUSH, paths=("/a",), collateral=0))

    assert publish(free, spent=1_000) == {"DirtyRows": 7, "Paths": 1, "DollarsSpent": 0}


@pytest.mark.parametrize(
    ("reason", "answer", "held"),
    [
        (Reason.BUDGET, None, {"HeldByBudget": 1}),
        (Reason.QUOTA, None, {"StuckDistributions": 1}),
        (Reason.UNFINISHED, Refused(Refusal.DENIED, "no"), {"StuckDistributions": 1}),
        (Reason.UNFINISHED, Unanswered("timeout"), {"StuckDistributions": 1}),
        (Reason.QUIET, Refused(Refusal.INVALID, "no"), {"StuckDistributions": 1}),
        (Reason.UPLOADING, None, {}),
        (Reason.LEASE, None, {}),
        (Reason.FAILED, None, {}),
    ],
)
def test_holds(reason: Reason, answer: Answer | None, held: dict[str, float]) -> None:
    """A hold counts for its reason where the reason concerns an operator; nothing was sent."""
    state = State.REJECTED if reason is Reason.QUIET else State.OPEN
    flush = replace(FLUSH, state=state) if answer else None

    assert publish(Outcome("E1", reason, flush, answer)) == held


@pytest.mark.parametrize(("deaths", "stuck"), [(0, {}), (1, {}), (2, {"StuckDistributions": 1})])
def test_deaths(deaths: int, stuck: dict[str, float]) -> None:
    """A distribution whose flush died more than once in a row is stuck, whoever is at it now."""
    assert publish(Outcome("E1", Reason.LEASE, deaths=deaths)) == stuck


def test_long_sweep() -> None:
    """A flush whose rows are deleted over several ticks counts in the last of them."""
    sweeping = Outcome("E1", Reason.SWEEPING, replace(FLUSH, state=State.SENT))

    assert publish(sweeping) == {}


@pytest.mark.parametrize(("minutes", "overdue"), [(1, 0), (62, 0), (63, 60), (662, 36_000)])
def test_overdue(minutes: int, overdue: float) -> None:
    """A row is overdue once it is older than the guarantee: the interval and two minutes."""
    held = Outcome("E1", Reason.BUDGET, oldest=NOW - minutes * MINUTE)

    values = publish(held)

    assert values["SecondsWaited"] == minutes * 60
    assert values.get("SecondsOverdue", 0) == overdue


def test_unrouted() -> None:
    """Rows that no distribution serves are published though nothing else happened."""
    assert publish(unrouted=3) == {"UnroutedRows": 3}


def test_properties() -> None:
    """Beside the series of a flush stand its wildcards, and what is left if there is a budget."""
    sent = Outcome("E1", Reason.QUIET, FLUSH)
    refused = Outcome("E2", Reason.UNFINISHED, replace(FLUSH, state=State.OPEN))
    spent = {Series.DOLLARS_SPENT: 1.5}

    told = properties([sent, refused, sent], spent, Budget(Decimal(5)))

    assert told == {"Wildcards": 2, "DollarsLeft": 3.5}
    assert properties([sent], spent, Budget(None)) == {"Wildcards": 1}
    assert properties([refused], {}, Budget(Decimal(5))) == {}


def test_units() -> None:
    """Ages are in seconds, dollars are no unit of CloudWatch's, all else is counted."""
    units = {series.value: series.unit for series in Series if series.unit != "Count"}

    assert units == {
        "SecondsWaited": "Seconds",
        "SecondsOverdue": "Seconds",
        "DollarsSpent": "None",
    }
