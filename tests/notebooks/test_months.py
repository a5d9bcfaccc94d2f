"""What the cost notebook computes, for sites small enough to do it by hand."""

from base64 import b64decode
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.cover import Prices, cover
from edgesweep.lab import replay
from edgesweep.lab.generators import START
from edgesweep.lab.history import Deploy, History
from edgesweep.prices import EDGE_CACHES, PATH_PRICE, REFETCH_COST, S3_GET_PRICE
from notebooks import charts, months
from notebooks.cost.bill import bill
from notebooks.cost.workload import Workload, used


def history(*deploys: tuple[float, str], live: str = "abcdefgh") -> History:
    """Return a site of one-letter objects and its deploys: minutes, and what changed."""
    made = [Deploy(START + at * months.MINUTE, tuple(c)) for at, c in deploys]
    return History("site", list(live), made)


@given(st.integers(1, 3_000), st.sampled_from([1, EDGE_CACHES, 100]))
def test_everything(objects: int, caches: int) -> None:
    """From the number given on, and no sooner, `/*` costs no more than single paths."""
    refetch = S3_GET_PRICE * caches

    least = months.everything_from(objects, caches)

    worth_it = [
        changed
        for changed in range(1, objects + 1)
        if PATH_PRICE + refetch * (objects - changed) <= PATH_PRICE * changed
    ]
    assert worth_it == list(range(least, objects + 1))


def test_frontier() -> None:
    """At every path price the frontier adds up the covers that are cheapest there."""
    site = history((0, "ac"), (9, "h"), (20, "bdf"))
    prices = [Decimal("1e-8"), PATH_PRICE, Decimal(1)]

    points = months.frontier(site, prices)

    assert [price for price, _, _ in points] == prices
    for price, paths, collateral in points:
        at_price = Prices(price, REFETCH_COST)
        covers = [cover(step.dirty, step.live, prices=at_price) for step in site.steps()]
        assert paths == sum(len(one.members) for one in covers)
        assert collateral == sum(one.collateral for one in covers)
    assert points[0][1:] == (6, 0)
    assert points[-1][1:] == (3, 11)


def test_at_no_cost() -> None:
    """Edgesweep comes first, and all of them saw the same deploys."""
    first, *others = months.at_no_cost(history((0, "ac"), (9, "h")))

    assert first.strategy == "edgesweep"
    assert "edgesweep" not in {row.strategy for row in others}
    assert {row.deploys for row in (first, *others)} == {2}


def test_of() -> None:
    """A strategy's rows are found by their sites."""
    rows = replay(history((0, "ac")))

    assert months.of("each-path", rows)["site"].paths == 2


def test_restless() -> None:
    """The restless site changes every minute, everywhere."""
    first, second, *_ = months.restless().steps()

    assert second.at - first.at == months.MINUTE
    assert {path[1] for path in (*first.dirty, *second.dirty)} == set("abcdefgh")


def test_chart() -> None:
    """The same chart is the same image, and says in words what it shows."""
    rows = [row for row in replay(history((0, "ac"))) if row.strategy == "each-path"]

    first, second = (charts.naive(rows) for _ in range(2))

    shown, about = first._repr_mimebundle_()  # what Jupyter calls
    assert b64decode(shown["image/png"]) == second.png()
    assert second.png().startswith(b"\x89PNG")
    assert shown["text/plain"] == "One path for each change, dollars a month: site $0.00"
    assert about == {"image/png": {"alt": shown["text/plain"]}}


@pytest.mark.parametrize("changes", [0, 10**6])
def test_added(changes: int) -> None:
    """What a busy month adds to an idle one makes the busy one again, item by item."""
    busy, idle = (bill(used(Workload(events=n, heads=n))) for n in (changes, 0))

    more = months.added(busy, idle)

    sums = Counter({line.item: line.gross for line in idle.lines})
    sums.update({line.item: line.gross for line in more.lines})
    assert sums == {line.item: line.gross for line in busy.lines}
    assert (more.gross, more.dollars) == (busy.gross - idle.gross, busy.dollars - idle.dollars)
    assert bool(more.lines) == bool(changes)


def test_sentence() -> None:
    """A sentence shows its dollars, each in an element of its own."""
    assert charts.sentence("$1 or $2").data == r"<span>\$</span>1 or <span>\$</span>2"
