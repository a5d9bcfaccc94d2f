"""What a month may cost, what it keeps back, and which months a request may be billed in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from edgesweep.errors import BadInput
from edgesweep.flush.budget import Budget, Ledger, month_bounds, month_of, months_near
from edgesweep.flush.others import Others

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("usd", "free_paths", "allowance"),
    [
        ("0", 1_000, 1_000),
        ("0.004", 1_000, 1_000),
        ("0.005", 1_000, 1_001),
        ("39.64", 1_000, 8_928),
        ("5", 0, 1_000),
        ("0", 2, 2),
    ],
)
def test_allowance(usd: str, free_paths: int, allowance: int) -> None:
    """A month takes the free paths and as many whole ones as the money pays for."""
    assert Budget(Decimal(usd), free_paths).allowance == allowance


@pytest.mark.parametrize(("free_paths", "distributions"), [(1, 1), (5, 3), (0, 1)])
def test_too_small(free_paths: int, distributions: int) -> None:
    """An allowance below two paths for each distribution is refused with both figures."""
    least = 2 * distributions
    text = f"allowance of {free_paths} .* {distributions} distributions need {least} at least"

    with pytest.raises(BadInput, match=text):
        Budget(free_paths=free_paths, distributions=distributions)

    assert Budget(free_paths=least, distributions=distributions).allowance == least


@pytest.mark.parametrize(
    ("budget", "minutes", "takes", "possible"),
    [
        (Budget(), 5, "every 5 minutes takes 8,928 paths a month, $39.64", "45 minutes"),
        (
            Budget(Decimal("39.63")),
            5,
            "every 5 minutes takes 8,928 paths a month, $39.64",
            "6 minutes",
        ),
        (
            Budget(distributions=2),
            1,
            "of each of 2 distributions every 1 minute takes 89,280 paths a month, $441.40",
            "90 minutes",
        ),
        (
            Budget(Decimal(100)),
            1,
            "every 1 minute takes 44,640 paths a month, $218.20",
            "3 minutes",
        ),
    ],
)
def test_unpaid(budget: Budget, minutes: int, takes: str, possible: str) -> None:
    """A guarantee that the allowance cannot pay for is refused with its price."""
    with pytest.raises(BadInput) as failure:
        replace(budget, guarantee=minutes * MINUTE)

    text = f"A flush {takes}; your budget pays for one every {possible} at most"
    assert str(failure.value) == text


@pytest.mark.parametrize(("usd", "minutes"), [("39.64", 5), ("0", 45), (None, 1)])
def test_paid(usd: str | None, minutes: int) -> None:
    """A guarantee may take the whole allowance, and any at all where there is no limit."""
    budget = Budget(None if usd is None else Decimal(usd), guarantee=minutes * MINUTE)

    assert budget.interval(NOVEMBER) == minutes * MINUTE


@pytest.mark.parametrize(
    ("budget", "moment", "interval"),
    [
        (Budget(), DECEMBER, 89.28 * MINUTE),
        (Budget(), NOVEMBER, 86.4 * MINUTE),
        (Budget(distributions=5), NOVEMBER, 432 * MINUTE),
        (Budget(free_paths=2), NOVEMBER, 30 * DAY),
        (Budget(usd=None), NOVEMBER, timedelta()),
    ],
)
def test_interval(budget: Budget, moment: datetime, interval: timedelta) -> None:
    """Half of the allowance pays for an even interval over the month and the distributions."""
    assert budget.interval(moment) == interval


def gone_to(others: int, paths: int) -> Ledger:
    """Return the ledger of a month in which `others` took that many of the paths."""
    return Ledger(paths, Others({"E9": (0, others)}))


@pytest.mark.parametrize(
    ("gone", "others", "minutes", "reserve"),
    [
        (0, 0, 86.4, 250),
        (900, 900, 864, 25),
        (400, 400, 144, 150),
        (901, 400, 216, 100),
        (920, 400, 266.6667, 81),
        (999, 400, 10_800, 2),
        (1_000, 1_000, 86_400, 1),
        (1_500, 1_500, 86_400, 1),
    ],
)
def test_after(gone: int, others: int, minutes: float, reserve: int) -> None:
    """Half of what others leave is kept; if they take of that, the interval grows."""
    budget, now = Budget().after(gone_to(others, gone)), NOVEMBER + 15 * DAY

    assert budget.interval(now) / MINUTE == pytest.approx(minutes)
    assert budget.reserve(now) == reserve


def test_after_guarantee() -> None:
    """A guarantee grows as well once it cannot be paid any more."""
    budget = Budget(Decimal("39.64"), guarantee=5 * MINUTE)

    assert budget.after(gone_to(288, 4_608)).interval(NOVEMBER + 15 * DAY) == 5 * MINUTE
    assert budget.after(gone_to(2_448, 6_769)).interval(NOVEMBER + 15 * DAY) == 10 * MINUTE


@pytest.mark.parametrize(
    ("budget", "moment", "reserve"),
    [
        (Budget(), NOVEMBER, 500),
        (Budget(), NOVEMBER + 15 * DAY, 250),
        (Budget(), NOVEMBER + 15 * DAY - timedelta(seconds=1), 251),
        (Budget(), DECEMBER - timedelta(seconds=1), 1),
        (Budget(distributions=3), DECEMBER - timedelta(seconds=1), 3),
        (Budget(free_paths=7, distributions=3), NOVEMBER, 6),
        (Budget(Decimal("39.64"), guarantee=5 * MINUTE), DECEMBER, 8_928),
        (Budget(usd=None), NOVEMBER, 0),
    ],
)
def test_reserve(budget: Budget, moment: datetime, reserve: int) -> None:
    """One path for each distribution is kept for every interval that is begun in the month."""
    assert budget.reserve(moment) == reserve


@pytest.mark.parametrize(
    ("moment", "start", "end"),
    [
        (NOVEMBER, NOVEMBER, DECEMBER),
        (DECEMBER - timedelta(microseconds=1), NOVEMBER, DECEMBER),
        (DECEMBER, DECEMBER, datetime(2027, 1, 1, tzinfo=UTC)),
        (
            datetime(2028, 2, 29, tzinfo=UTC),
            datetime(2028, 2, 1, tzinfo=UTC),
            datetime(2028, 3, 1, tzinfo=UTC),
        ),
        (datetime(2026, 12, 1, 8, 59, tzinfo=TOKYO), NOVEMBER, DECEMBER),
    ],
)
def test_month_bounds(moment: datetime, start: datetime, end: datetime) -> None:
    """A month begins and ends at midnight UTC, wherever the clock is."""
    assert month_bounds(moment) == (start, end)


def test_month_of() -> None:
    """The month that pays is that of UTC."""
    assert month_of(datetime(2027, 1, 1, 8, 59, tzinfo=TOKYO)) == "2026-12"
    assert month_of(datetime(2027, 1, 1, 9, 0, tzinfo=TOKYO)) == "2027-01"


@pytest.mark.parametrize(
    ("seconds", "months"),
    [
        (-31, {"2026-11": -31}),
        (-30, {"2026-11": -30, "2026-12": 0}),
        (-1, {"2026-11": -1, "2026-12": 29}),
        (0, {"2026-11": -30, "2026-12": 0}),
        (29, {"2026-11": -1, "2026-12": 29}),
        (30, {"2026-12": 30}),
    ],
)
def test_months_near(seconds: int, months: dict[str, int]) -> None:
    """Half a minute around a month's end both may be billed, each judged at a time within it."""
    near = months_near(DECEMBER + timedelta(seconds=seconds))

    assert near == {month: DECEMBER + timedelta(seconds=at) for month, at in months.items()}


@pytest.mark.parametrize(
    ("distributions", "hours", "saved", "kept"),
    [(1, 48, 0, 0), (2, 2, 0, 8), (2, 3, 1, 0), (2, 48, 8, 0), (2, None, 8, 0), (3, 3, 0, 10)],
)
def test_saved(distributions: int, hours: int | None, saved: int, kept: int) -> None:
    """One of several saves its share of a day's free reserve; without savings it leaves others'."""
    budget, moment = Budget(distributions=distributions), NOVEMBER + 9 * DAY
    flushed_at = None if hours is None else moment - timedelta(hours=hours)

    assert budget.saved(moment, flushed_at) == saved
    assert budget.kept(moment, flushed_at) == kept
