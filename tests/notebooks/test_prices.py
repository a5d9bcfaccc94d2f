"""What AWS charges, checked against its own worked figures and bills reckoned by hand."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from edgesweep.lab import each_path, replay
from edgesweep.lab.generators import SHAPES, START
from edgesweep.lab.history import Deploy, History
from edgesweep.lab.paced import Paced
from edgesweep.prices import (
    EDGE_CACHES,
    FREE_PATHS,
    PATH_PRICE,
    REFETCH_COST,
    S3_GET_PRICE,
    invalidation_bill,
)
from notebooks.cost.bill import Bill, bill
from notebooks.cost.prices import Item
from notebooks.cost.workload import Workload, used
from tests.fakes.cloudfront import Rules, StrictCloudFront

RELAXED = Rules(wildcards_per_second=None, paths_per_second=None)


def dollars(bill: Bill) -> dict[str, tuple[str, str]]:
    """Return what each item costs, before and after the free tier."""
    return {line.item.name: (f"{line.gross:.4f}", f"{line.dollars:.4f}") for line in bill.lines}


@pytest.mark.parametrize(
    ("paths", "cost"),
    [
        (0, "0"),
        (1, "0"),
        (1_000, "0"),
        (1_001, "0.005"),
        (2_000, "5"),
        (8_928, "39.64"),  # every five minutes of a month of 31 days
        (1_000_000, "4995"),
    ],
)
def test_invalidation_bill(paths: int, cost: str) -> None:
    """The first 1,000 paths of a month are free and each further one is half a cent."""
    assert invalidation_bill(paths) == Decimal(cost)


def test_fewer_free_paths() -> None:
    """Paths that other tools of the account use up are not free any more."""
    assert invalidation_bill(10, free_paths=0) == Decimal("0.05")
    assert invalidation_bill(10, free_paths=4) == Decimal("0.03")
    assert invalidation_bill(3, free_paths=4) == 0


def test_exact() -> None:
    """Money is decimal: no price is off by the rounding of binary fractions."""
    assert (Decimal("0.005"), 1_000) == (PATH_PRICE, FREE_PATHS)
    assert Decimal("0.0004") == S3_GET_PRICE * 1_000
    assert REFETCH_COST == S3_GET_PRICE * EDGE_CACHES == Decimal("0.0000052")


def test_documented_bill() -> None:
    """Three distributions with 600 paths each share 1,000 free ones: 800 are billed, $4.00."""
    (line,) = bill({Item.PATHS: 3 * 600}).lines

    assert str(line) == "CloudFront: invalidation paths"
    assert [line.quantity, line.gross, line.dollars] == [1_800, 9, 4]


def test_documented_account() -> None:
    """So they are when CloudFront itself counts them: the free paths are an account's."""
    clock = datetime(2026, 10, 9, tzinfo=UTC)
    cloudfront = StrictCloudFront(lambda: clock, {"A", "B", "C"}, RELAXED)

    for distribution in sorted(cloudfront.distributions):
        paths = [f"/{number}.html" for number in range(600)]
        batch = {"Paths": {"Quantity": 600, "Items": paths}, "CallerReference": "1"}
        cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)

    assert cloudfront.billed() == {"2026-10": 1_800}
    assert bill(used(Workload(paths=cloudfront.billed()["2026-10"]))).lines[0].dollars == 4


def test_idle_month() -> None:
    """A month without a change costs two cents, nearly all of it for reads of empty tables."""
    month = bill(used(Workload()))

    assert dollars(month) == {
        "TICKS": ("0.0446", "0.0000"),  # 44,640 at $1 a million, 14 million free
        "MESSAGES": ("0.2696", "0.0000"),  # 5 pollers x 3 a minute, and 1 in ten x 44,640
        "INVOCATIONS": ("0.0089", "0.0000"),  # 44,640 at $0.20 a million
        "GB_SECONDS": ("0.0179", "0.0000"),  # 44,640 x 0.03 s x 1 GB
        "READS": ("0.0225", "0.0225"),  # 4 x 44,640 and 2 x 744 at $0.125 a million
        "WRITES": ("0.0019", "0.0019"),  # 4 x 744 at $0.625 a million
        "LOG_INGESTION": ("0.0223", "0.0000"),  # 44.64 MB at $0.50 a GB
        "LOG_STORAGE": ("0.0013", "0.0013"),  # 44.64 MB at $0.03 a GB
        "ALARMS": ("1.0000", "0.0000"),  # 10, which are free
    }
    assert f"{month.dollars:.4f}" == "0.0257"
    assert f"{month.gross:.4f}" == "1.3891"


def test_idle_bound() -> None:
    """A month without a change costs less than five cents.

    The queue's pollers alone would cost more than that, were their requests not free.
    """
    month = bill(used(Workload()))
    polls = next(line for line in month.lines if line.item is Item.MESSAGES)

    assert month.dollars < Decimal("0.05") < polls.gross


def test_million_changes() -> None:
    """A million changes in a month of 30 days cost what each service takes for them."""
    work = Workload(
        days=30,
        events=1_000_000,
        flushes=1_500,
        paths=3_000,
        collateral=10_000,
        heads=1_000,
    )

    month = bill(used(work))

    assert dollars(month) == {
        "PATHS": ("15.0000", "10.0000"),
        "GETS": ("0.0520", "0.0520"),  # 10,000 x 13 at $0.40 a million
        "HEADS": ("0.0004", "0.0004"),
        "EVENTS": ("1.0015", "1.0015"),  # 1,000,000 and 1,500 announcements
        "TICKS": ("0.0432", "0.0000"),
        "MESSAGES": ("0.7409", "0.3409"),  # 1.2 million and 652,320 idle ones; 1 million free
        "INVOCATIONS": ("0.0286", "0.0000"),  # 43,200 ticks and 100,000 batches
        "GB_SECONDS": ("0.1106", "0.0000"),  # 1,296 + 1,500 x 2 + 1 x 4,002
        "WRITES": ("1.2718", "1.2718"),  # 2,002,000, 1,500 x 20 and 4 x 720 at $0.625 a million
        "READS": (
            "0.0354",
            "0.0354",
        ),  # 172,800 + 10,500 + 1,440 + 1,000 + 97,657 at $0.125 a million
        "STORAGE": ("0.0100", "0.0000"),  # 1,500 x 2,000 B x 400 / 30 days = 0.04 GB
        "BACKUP": ("0.0080", "0.0080"),
        "LOG_INGESTION": ("0.0716", "0.0000"),
        "LOG_STORAGE": ("0.0043", "0.0043"),
        "METRICS": ("3.0000", "0.0000"),  # 10 that are free
        "ALARMS": ("1.0000", "0.0000"),
    }
    assert f"{month.dollars:.2f}" == "12.71"


def test_used_up() -> None:
    """Where others in the account have used up the free tier, the gross amount is to pay."""
    month = bill({Item.PATHS: 500, Item.ALARMS: 3})

    assert [line.gross for line in month.lines] == [Decimal("2.5"), Decimal("0.3")]
    assert (month.gross, month.dollars) == (Decimal("2.8"), Decimal(0))


def test_unchanged() -> None:
    """What the catalogue passes over is looked at, and is no row."""
    none, seen, passed_over = (
        used(Workload(events=many, heads=many, unchanged=n)) for many, n in ((0, 0), (9, 0), (9, 9))
    )

    assert seen[Item.WRITES] - none[Item.WRITES] == 2 * 9 + 2 * 9
    assert passed_over[Item.WRITES] == none[Item.WRITES]
    assert seen[Item.HEADS] == passed_over[Item.HEADS] == 9


def test_price_list() -> None:
    """Every item has a price, with its source and its day."""
    for price in Item:
        assert price.usd > 0 <= price.free
        (day,) = re.findall(r"^\S.*, (\d{4}-\d\d-\d\d)$", price.source)
        assert date(2026, 1, 1) <= date.fromisoformat(day) <= date(2026, 11, 24)


def test_reconciled() -> None:
    """Replayed over two months, the bill is to the cent that of what CloudFront has made."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    pages = [f"{number}.html" for number in range(100)]
    deploys = [
        Deploy(start + timedelta(hours=18 * number), pages[number % 50 :][:48])
        for number in range(80)
    ]
    history = History("site", pages, deploys)
    clock = [start]
    cloudfront = StrictCloudFront(lambda: clock[0], {"E"}, RELAXED)

    for number, step in enumerate(history.steps()):
        clock[0] = step.at
        paths = [pattern.quoted() for pattern in each_path(step.dirty, step.live)]
        batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": f"{number}"}
        for _ in range(2):  # a request that is repeated is not billed again
            cloudfront.create_invalidation(DistributionId="E", InvalidationBatch=batch)

    billed = cloudfront.billed()
    half_cents = sum(max(0, paths - 1_000) for paths in billed.values())
    (row,) = replay(history, {"each-path": each_path})
    months = [bill(used(Workload(paths=paths))).lines[0].dollars for paths in billed.values()]
    assert set(billed) == {"2026-10", "2026-11"}
    assert row.usd == sum(months) == Decimal(half_cents) / 200 > 0


def test_reconciled_month() -> None:
    """Three sites sweep a month on one budget: ledger, CloudFront and bill agree to the cent."""
    sites = [SHAPES[name](1, 31) for name in ("blog", "json-api", "versioned-docs")]
    steps = [(site.name, step) for site in sites for step in site.steps()]
    clock = [START]
    cloudfront = StrictCloudFront(lambda: clock[0], {site.name for site in sites}, RELAXED)
    # Refetches are dear enough for paths that pay for themselves.
    policy = Policy(Budget(Decimal("2.50"), distributions=3), refetch=Decimal("0.001"))
    paced = Paced(policy)

    for number, sent in enumerate(paced.run(sorted(steps, key=lambda one: one[1].at))):
        clock[0] = sent.step.at
        paths = [member.pattern.quoted() for member in sent.members]
        batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": f"{number}"}
        cloudfront.create_invalidation(DistributionId=sent.distribution, InvalidationBatch=batch)

    billed = cloudfront.billed()["2026-01"]
    dollars = bill(used(Workload(paths=billed))).lines[0].dollars
    assert billed == paced.charged["2026-01"] > 1_000
    assert dollars == invalidation_bill(billed) == Decimal(billed - 1_000) / 200
    assert dollars <= Decimal("2.50")
