"""When a distribution is flushed, for how many paths, and what each of them has to be worth."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.flush.budget import Budget, Ledger
from edgesweep.flush.journal import Invalidation, Lease
from edgesweep.flush.others import Others
from edgesweep.flush.pace import LADDER, NO_PATHS, NOTHING_SEEN, Demand, Terms
from edgesweep.flush.policy import OUR_QUOTA, TICKS_APART, Go, Policy, Quota, Reason
from edgesweep.prices import PATH_PRICE

# The middle of a month of 30 days: half of the reserve of 500 is still needed.
NOW = datetime(2026, 11, 16, tzinfo=UTC)
MONTH_END = datetime(2026, 12, 1, tzinfo=UTC)
INTERVAL = timedelta(minutes=86.4)
SECOND = timedelta(seconds=1)
WIDE = Quota(3_000, 13)


def row(key: str) -> DirtyRow:
    """Return the row of a changed object."""
    return DirtyRow("E1", Change("site", key, Kind.CREATED, NOW), NOW, "0")


def decide(
    policy: Policy,
    *spent: int,
    headroom: Quota = WIDE,
    flushed_at: datetime | None = None,
    now: datetime = NOW,
) -> Go | Reason:
    """Decide with this much spent in November, and in December if both are near."""
    ledgers = dict(zip(("2026-11", "2026-12"), map(Ledger, spent), strict=False))
    lease = Lease(flushed_at=flushed_at)
    return replace(policy, quota=headroom).decide(ledgers, NOTHING_SEEN, lease, now)


def terms(decision: Go | Reason, wants: int = 0) -> Terms:
    """Return the terms of a flush that wants as many paths at every price."""
    assert isinstance(decision, Go)
    return decision.terms([wants] * len(LADDER))


@pytest.mark.parametrize(
    ("oldest", "newest", "reason"),
    [
        (0, 0, Reason.UPLOADING),
        (9.9, 9.9, Reason.UPLOADING),
        (10, 10, Reason.QUIET),
        (299.9, 9.9, Reason.UPLOADING),
        (300, 9.9, Reason.WAITED),
        (300, 10, Reason.QUIET),
        (300, -5, Reason.WAITED),
    ],
)
def test_ready(oldest: float, newest: float, reason: Reason) -> None:
    """A flush waits for a silence of 10 s, but no change for longer than 300 s."""
    moments = NOW - oldest * SECOND, NOW - newest * SECOND, NOW
    policy = Policy(urgent=("legal/*",))

    assert Policy().ready(*moments) is reason
    assert policy.ready(*moments, [row("a"), row("illegal/b")]) is reason
    hurried = Reason.URGENT if reason is Reason.UPLOADING else reason
    assert policy.ready(*moments, [row("a"), row("legal/b")]) is hurried


@pytest.mark.parametrize(
    ("spent", "paths"),
    [(0, 375), (250, 250), (700, 25), (747, 1), (748, 1), (749, 1)],  # half of 750 - spent
)
def test_share(spent: int, paths: int) -> None:
    """A flush takes half of what is left beside the reserve, and at least one path."""
    decision = decide(Policy(), spent)

    assert isinstance(decision, Go)
    assert (decision.wildcards, decision.limits) == (13, {"2026-11": 750})
    assert terms(decision) == Terms(LADDER[0], paths, paths)


@pytest.mark.parametrize(
    ("headroom", "paths"), [(Quota(3, 2), 3), (Quota(376, 1), 375), (Quota(1, 1), 1)]
)
def test_headroom(headroom: Quota, paths: int) -> None:
    """No flush takes more than may still be in progress."""
    decision = decide(Policy(), 0, headroom=headroom)

    assert isinstance(decision, Go)
    assert (terms(decision).paths, decision.wildcards) == (paths, headroom.wildcards)


@pytest.mark.parametrize("headroom", [Quota(0, 13), Quota(3_000, 0), Quota(5, -1)])
@pytest.mark.parametrize("budget", [Budget(), Budget(usd=None)])
def test_quota(headroom: Quota, budget: Budget) -> None:
    """Where no wildcard or no path may be in progress any more, the next flush waits."""
    assert decide(Policy(budget), 0, headroom=headroom) == Reason.QUOTA


@pytest.mark.parametrize("spent", [750, 751])
@pytest.mark.parametrize("ago", [INTERVAL, 2 * INTERVAL, None])
def test_reserve(spent: int, ago: timedelta | None) -> None:
    """Once only the reserve is left, a distribution may take one path of it every interval."""
    flushed_at = None if ago is None else NOW - ago

    decision = decide(Policy(), spent, flushed_at=flushed_at)

    assert isinstance(decision, Go)
    assert (decision.wildcards, decision.limits) == (1, {"2026-11": 1_000})
    assert terms(decision).paths == terms(decision, 99).paths == 1


@pytest.mark.parametrize(
    ("spent", "ago"), [(750, INTERVAL - SECOND), (999, timedelta()), (999, 2 * INTERVAL)]
)
def test_budget(spent: int, ago: timedelta) -> None:
    """The reserve is left alone before its next path is due."""
    assert decide(Policy(), spent, flushed_at=NOW - ago) == Reason.BUDGET


@pytest.mark.parametrize("spent", [1_000, 5_000])
def test_spent(spent: int) -> None:
    """Nothing passes the allowance, however long a distribution has waited."""
    assert decide(Policy(), spent) == Reason.SPENT


@pytest.mark.parametrize(
    ("others", "spent", "paths", "limit"),
    [
        (Others({"E9": (0, 900)}), 900, 37, 975),
        (Others({"E9": (300, 600)}), 920, 27, 975),
        (Others({"E9": (0, 600)}), 900, 1, 1_000),
        (Others({"E9": (0, 100)}, unread=True), 100, 1, 1_000),
    ],
)
def test_others(others: Others, spent: int, paths: int, limit: int) -> None:
    """A flush goes by what others leave; by the reserve alone while that is not fully known."""
    ledgers = {"2026-11": Ledger(spent, others)}

    decision = Policy().decide(ledgers, NOTHING_SEEN, Lease(), NOW)

    assert isinstance(decision, Go)
    assert (terms(decision).paths, decision.limits) == (paths, {"2026-11": limit})


def test_unlimited() -> None:
    """Without a limit there are no holds, but a path is worth what it costs."""
    policy = Policy(Budget(usd=None))

    decision = decide(policy, 50_000, flushed_at=NOW)

    assert isinstance(decision, Go)
    assert (decision.wildcards, decision.limits) == (13, {"2026-11": None})
    assert terms(decision) == Terms(PATH_PRICE, 3_000, 0)


@pytest.mark.parametrize(
    ("november", "december", "paths", "limits"),
    [
        # 30 seconds into December its reserve is still whole: 500 of 1,000.
        (0, 0, 250, (999, 500)),
        (979, 0, 20, (999, 500)),
        (0, 480, 10, (999, 500)),
        (999, 0, 1, (1_000, 1_000)),
    ],
)
def test_two_months(november: int, december: int, paths: int, limits: tuple[int, int]) -> None:
    """Near the end of a month a flush keeps to the limits of both that may be billed."""
    decision = decide(Policy(), november, december, now=MONTH_END - SECOND)

    assert isinstance(decision, Go)
    assert tuple(decision.limits.values()) == limits
    assert terms(decision).paths == paths


def test_month_used_up() -> None:
    """A month without a path left holds a flush that it may be billed for."""
    assert decide(Policy(), 1_000, 0, now=MONTH_END - SECOND) is Reason.SPENT


@pytest.mark.parametrize(
    ("usd", "spent", "price"),
    [
        ("10", (0,), LADDER[0]),
        ("10", (749,), LADDER[0]),
        ("10", (1_000,), PATH_PRICE),
        ("10", (1_500,), PATH_PRICE),
        (None, (1_000,), PATH_PRICE),
    ],
)
def test_price(usd: str | None, spent: tuple[int, ...], price: Decimal) -> None:
    """A path is nearly free while free ones last, and costs the list price without them."""
    policy = Policy(Budget(None if usd is None else Decimal(usd)))

    decision = decide(policy, *spent)

    assert terms(decision).price == price


@pytest.mark.parametrize("spent", [(1_000, 0), (0, 1_000)])
def test_price_of_two_months(spent: tuple[int, int]) -> None:
    """The dearer one of two months that may be billed makes the price."""
    decision = decide(Policy(Budget(Decimal(10))), *spent, now=MONTH_END - SECOND)

    assert terms(decision).price == PATH_PRICE


def test_demand() -> None:
    """What flushes have taken so far makes a path dearer once free ones would not last."""
    hungry = NOTHING_SEEN.after((400,) * 4 + (1,) * 5, NOW)
    policy = Policy()

    decision = policy.decide({"2026-11": Ledger()}, hungry, Lease(), NOW)

    assert LADDER[3] < terms(decision).price < LADDER[4]


@pytest.mark.parametrize(
    ("budget", "max_wait", "longest"),
    [
        (Budget(), 300, INTERVAL),
        (Budget(Decimal("39.64"), guarantee=timedelta(minutes=5)), 60, timedelta(minutes=5)),
        (Budget(usd=None), 60, timedelta(minutes=5)),
    ],
)
def test_guaranteed(budget: Budget, max_wait: int, longest: timedelta) -> None:
    """A change waits for the interval, a silence or the next change, and for two ticks at most."""
    policy = Policy(budget, max_wait=max_wait * SECOND)

    assert policy.guaranteed(NOW) == longest + TICKS_APART


def test_less() -> None:
    """What is in progress is taken off the quota, wildcards and other paths apart."""
    requests = [Invalidation("I1", "2026-11", 100, 3), Invalidation("I2", "2026-11", 7, 0)]

    assert OUR_QUOTA.less(requests) == Quota(2_893, 10)
    assert OUR_QUOTA.less([]) == OUR_QUOTA == Quota(3_000, 13)


@pytest.mark.parametrize(("wants", "paths"), [(375, 375), (376, 375 + 1_500)])
def test_buys(wants: int, paths: int) -> None:
    """A budget pays for paths only where the free ones do not suffice, beside its own reserve."""
    # $10 pays for 2,000 paths more; of the whole reserve of 1,500 half is still needed.
    decision = decide(Policy(Budget(Decimal(10))), 0)

    assert isinstance(decision, Go)
    assert decision.limits == {"2026-11": 2_250}
    assert terms(decision, wants).paths == paths
    assert terms(decision, wants).free == 375


def test_bought() -> None:
    """What a flush has bought leaves the free paths to the next ones."""
    demand = NOTHING_SEEN.after(NO_PATHS, NOW, 400)
    policy = Policy(Budget(Decimal(20)))

    bought = policy.decide({"2026-11": Ledger(500)}, demand, Lease(), NOW)

    assert terms(bought) == terms(decide(policy, 100)) == Terms(LADDER[0], 325, 325)


def test_no_free_paths() -> None:
    """An account without free paths buys every one."""
    decision = decide(Policy(Budget(Decimal(5), free_paths=0)), 0)

    assert terms(decision) == Terms(PATH_PRICE, 750, 0)


# A flush a day for a month.
DAILY = Demand(NOW, 30.0, 30.0)


@pytest.mark.parametrize(
    ("dear", "minutes", "demand", "waits"),
    [
        (10_000, 0, DAILY, True),
        (10_000, 4.8, DAILY, True),
        (10_000, 5, DAILY, False),
        (10_000, 0, NOTHING_SEEN, False),
        (288, 0, DAILY, False),
        (290, 0, DAILY, True),
        (0, 0, DAILY, False),
    ],
)
def test_waits(dear: int, minutes: float, demand: Demand, waits: bool) -> None:  # noqa: FBT001
    """A dear flush waits while that is expected to spare an object: 5 min are 1/288 of a day."""
    oldest = NOW - timedelta(minutes=minutes)

    assert Policy().waits(dear, oldest, demand, NOW) is waits
    assert not replace(Policy(), patience=timedelta(0)).waits(dear, oldest, demand, NOW)
    policy = Policy(urgent=("legal/*",))
    assert policy.waits(dear, oldest, demand, NOW, [row("a")]) is waits
    assert not policy.waits(dear, oldest, demand, NOW, [row("a"), row("legal/b")])
