"""The questions of the cost notebook, answered for sites small enough to do it by hand."""

from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.cover import Prices, cover
from edgesweep.errors import BadInput
from edgesweep.lab.cost import guarantee, intervals, sites, stack, wildcards
from edgesweep.lab.cost.bill import bill
from edgesweep.lab.cost.prices import Item
from edgesweep.lab.replay.generators import START
from edgesweep.lab.replay.history import Deploy, History
from edgesweep.prices import EDGE_CACHES, PATH_PRICE, REFETCH_COST, S3_GET_PRICE
from notebooks import charts

MINUTE = timedelta(minutes=1)


def history(*deploys: tuple[float, str], live: str = "abcdefgh") -> History:
    """Return a site of one-letter objects and its deploys: minutes, and what changed."""
    return History(
        "site", list(live), [Deploy("", START + at * MINUTE, (), tuple(c), ()) for at, c in deploys]
    )


@given(st.integers(1, 3_000), st.sampled_from(wildcards.FAN_OUTS))
def test_everything(objects: int, caches: int) -> None:
    """From the number given on, and no sooner, `/*` costs no more than single paths."""
    refetch = S3_GET_PRICE * caches

    least = wildcards.everything_from(objects, caches)

    worth_it = [
        changed
        for changed in range(1, objects + 1)
        if PATH_PRICE + refetch * (objects - changed) <= PATH_PRICE * changed
    ]
    assert worth_it == list(range(least, objects + 1))


def test_worth() -> None:
    """A saved path is worth what its price fetches again, and more paths as much more."""
    assert [wildcards.worth(caches) for caches in (1, 13)] == [12_500, 961]
    assert wildcards.worth(paths_saved=10) == 9_615
    assert wildcards.refetched(961) == Decimal("0.0049972")
    assert max(wildcards.FAN_OUTS) > EDGE_CACHES


def test_frontier() -> None:
    """At every path price the frontier adds up the covers that are cheapest there."""
    site = history((0, "ac"), (9, "h"), (20, "bdf"))

    points = sites.frontier(site)

    for point in points:
        prices = Prices(point.path_price, REFETCH_COST)
        covers = [cover(step.dirty, step.live, prices=prices) for step in site.steps()]
        assert point.paths == sum(len(one.members) for one in covers)
        assert point.collateral == sum(one.collateral for one in covers)
    assert (points[0].paths, points[0].collateral) == (6, 0)
    assert (points[-1].paths, points[-1].collateral) == (3, 11)


def test_beaten() -> None:
    """A strategy beats a cover at a price where its paths and refetches cost less."""
    compared = sites.compare([history((0, "ac"), (9, "h"))])
    each_path = compared.of("each-path")["site"]

    assert not sites.Point(Decimal("0.005"), 3, 0).beaten(each_path)
    assert sites.Point(Decimal("0.005"), 4, 0).beaten(each_path)
    assert sites.Point(Decimal("0.005"), 3, 1).beaten(each_path)


def test_comparison() -> None:
    """Totals are of all sites, rows can be replaced, and who is beaten at $0 is told."""
    small, large = (sites.compare([history(*[(0, "ac")] * count)]).rows for count in (1, 2))
    compared = sites.Comparison([*small, *(replace(row, history="other") for row in large)])

    precise = [replace(row, collateral=0) for row in compared.rows]

    assert compared.sites == ["site", "other"]
    assert compared.strategies[0] == "edgesweep"
    assert compared.baselines == compared.strategies[1:]
    assert compared.total("each-path") == sites.Total(6, 0, Decimal(0))
    assert compared.dearest("each-path").history == "site"
    assert compared.missed == 0
    assert list(compared.beaten()) == ["site", "other"]
    assert list(compared.replaced(precise).beaten()) == []


def test_size() -> None:
    """A site has as many objects as it had at most."""
    assert sites.size(history((0, "z"))) == 9
    assert sites.size(history()) == 0


def test_interval() -> None:
    """Changes gather for an interval, and a deploy waits for the flush of the first of them."""
    site = history((0.5, "a"), (4, "b"), (30, "a"))

    flushed = intervals.flushed(site, intervals.QUARTER)

    assert flushed.swept.waits == [15.5 * MINUTE, 12 * MINUTE, 15 * MINUTE]
    assert [paths for _, paths in flushed.swept.flushes] == [2, 1]
    assert flushed.stale_minutes == pytest.approx(42.5 / 3)
    assert flushed.dollars == 0


def test_guarantee() -> None:
    """What a budget guarantees is two minutes more than its interval, never less than a wait."""
    free = guarantee.guaranteed(Decimal(0))

    assert free.by_default == 31 * 24 * 60 * MINUTE / 500 + 2 * MINUTE
    assert free.at_best == 31 * 24 * 60 * MINUTE / 1_000 + 2 * MINUTE
    assert guarantee.guaranteed(Decimal(1_000)).at_best == 7 * MINUTE
    assert guarantee.guaranteed(Decimal(0), distributions=3).at_best > 2 * free.at_best
    with pytest.raises(BadInput, match="too small"):
        guarantee.guaranteed(Decimal(0), distributions=501)


def test_price_of_guarantee() -> None:
    """Flushes five minutes apart take 8,928 paths of the longest month, $39.64."""
    assert guarantee.price_of(5 * MINUTE) == Decimal("39.64")
    assert guarantee.price_of(60 * MINUTE) == 0


def test_stack() -> None:
    """An idle month's ticks are most of it but polling and alarms; changes come on top of it."""
    idle = stack.idle_month()
    apart = {line.item for line in idle.lines} - {line.item for line in stack.ticks(idle).lines}
    changes = stack.more_changes(2_000, a_flush=1_000)

    assert {Item.MESSAGES, Item.ALARMS} <= apart
    assert apart <= {Item.MESSAGES, Item.ALARMS, Item.METRICS, Item.DASHBOARDS}
    assert stack.month_in_use().gross > idle.gross
    assert stack.in_paths(Decimal("0.11")) == 22
    assert {line.item.name: f"{line.quantity:.4f}" for line in changes.lines} == {
        "EVENTS": "2000.0000",
        "MESSAGES": "2400.0000",
        "INVOCATIONS": "20.0000",
        "GB_SECONDS": "6.0000",  # 2 x 2 s x 1 GB, 2,000 x 0.002 s x 0.5 GB
        "WRITES": "4040.0000",
        "READS": "207.0000",  # 2 x 6, and 195 of 4 KB for 800 kB of rows
        "STORAGE": "0.0001",
        "BACKUP": "0.0001",
        "LOG_INGESTION": "0.0000",
        "LOG_STORAGE": "0.0000",
    }
    assert changes.dollars == changes.gross


def test_month_of() -> None:
    """A site's month is billed with all that it takes, a longer history's by the average month."""
    one, two = history((0, "ac")), history((0, "ac"), (62 * 24 * 60, "bd"))

    bills = [stack.month_of(site, sites.swept([site])["site"]) for site in (one, two, history())]

    events, paths = (
        [{line.item: line.quantity for line in bill.lines}.get(item, 0) for bill in bills]
        for item in (Item.EVENTS, Item.PATHS)
    )
    assert (events, paths) == ([2, 2, 0], [2, 2, 0])
    assert bills[2] == stack.idle_month()


def test_itemised() -> None:
    """A bill has a line for each item, and one for their sums."""
    header, *lines, total = stack.itemised(bill({Item.PATHS: 1_800, Item.HEADS: 5_000})).split("\n")

    assert header.split() == ["units", "list", "free", "tier", "to", "pay", "item"]
    assert [line.split()[:4] for line in lines] == [
        ["1,800.00", "9.0000", "5.0000", "4.0000"],
        ["5,000.00", "0.0020", "0.0000", "0.0020"],
    ]
    assert total.split()[:3] == ["9.0020", "5.0000", "4.0020"]


def test_chart() -> None:
    """The same chart is the same image, and says in words what it shows."""
    compared = sites.compare([history((0, "ac"))])

    first, second = (charts.naive(compared) for _ in range(2))

    shown = first._repr_mimebundle_()  # what Jupyter calls
    assert b64decode(shown["image/png"]) == second.png()
    assert second.png().startswith(b"\x89PNG")
    assert shown["text/plain"] == "One path for each change, dollars a month: site $0.00"
