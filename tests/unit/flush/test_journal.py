"""How a flush is remembered, how it continues, and how it goes out in several requests."""

import ast
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgesweep
from edgesweep.flush.journal import Flush, Invalidation, State, gained, split
from tests.messages import NOON

OTHER = "cafe"
FLUSH = Flush("E1", NOON, "beef", ("/a", "/b/*"), ("2026-11",), rows=2)


def exact(count: int) -> tuple[str, ...]:
    """Return so many exact paths."""
    return tuple(f"/{number}" for number in range(count))


def wild(count: int) -> tuple[str, ...]:
    """Return so many wildcards."""
    return tuple(f"/{number}/*" for number in range(count))


@pytest.mark.parametrize(
    ("paths", "sizes"),
    [
        ((), []),
        (exact(150), [(150, 0)]),
        (exact(151), [(150, 0), (1, 0)]),
        (wild(3), [(0, 1)] * 3),
        ((*exact(150), *wild(1)), [(149, 1), (1, 0)]),
        ((*wild(1), *exact(300), *wild(1)), [(149, 1), (149, 1), (2, 0)]),
    ],
)
def test_split(paths: tuple[str, ...], sizes: list[tuple[int, int]]) -> None:
    """No request passes the rates of one second, and every path is in exactly one."""
    requests = split(paths)

    wildcards = [sum(path.endswith("*") for path in request) for request in requests]
    assert [(len(r) - w, w) for r, w in zip(requests, wildcards, strict=True)] == sizes
    assert sorted(path for request in requests for path in request) == sorted(paths)


def test_requests() -> None:
    """All paths go out at once, in their order, unless the flush is split."""
    flush = replace(FLUSH, paths=("/b/*", "/a", "/c/*"))

    assert flush.requests() == (("/b/*", "/a", "/c/*"),)
    assert replace(flush, split=True).requests() == [("/b/*", "/a"), ("/c/*",)]


def test_ids() -> None:
    """Ids sort by the time of opening, and two of one instant differ."""
    times = [NOON + timedelta(microseconds=step) for step in (0, 1, 999_999, 60_000_000)]
    flushes = [replace(FLUSH, opened_at=moment) for moment in times]

    ids = [flush.id for flush in flushes]

    assert ids == sorted(set(ids))
    assert replace(FLUSH, token=OTHER).id not in ids


def test_references() -> None:
    """A reference is the same for ever, and another one for every request and every flush."""
    flushes = (FLUSH, replace(FLUSH, token=OTHER), replace(FLUSH, opened_at=NOON + timedelta(1)))

    references = {flush.reference(request) for flush in flushes for request in range(3)}

    assert len(references) == 9
    assert replace(FLUSH, attempts=3, refusals=2).reference(1) == FLUSH.reference(1)


def test_wildcards() -> None:
    """Wildcards are counted in a flush, and billed like any path in a request."""
    assert replace(FLUSH, paths=("/a", "/b*", "/*")).wildcards == 2
    assert Invalidation("I1", "2026-11", exact=5, wildcards=2).paths == 7


@pytest.mark.parametrize(
    ("attempts", "refusals", "accepted", "answered"),
    [(0, 0, 0, True), (1, 0, 0, False), (2, 1, 0, False), (2, 2, 0, True), (3, 1, 2, True)],
)
def test_answered(attempts: int, refusals: int, accepted: int, answered: bool) -> None:  # noqa: FBT001  # a parameter
    """A bill is known once every attempt that was counted was refused or accepted."""
    made = (Invalidation("I1", "2026-11", 1, 0),) * accepted
    flush = replace(FLUSH, attempts=attempts, refusals=refusals, accepted=made)

    assert flush.answered is answered


@pytest.mark.parametrize(
    ("months", "billed", "charges"),
    [
        (("2026-11",), [], {"2026-11": 0}),
        (("2026-11",), [("2026-11", 2)], {"2026-11": 2}),
        (("2026-11", "2026-12"), [("2026-11", 2)], {"2026-11": 2, "2026-12": 0}),
        (("2026-11", "2026-12"), [("2026-12", 2)], {"2026-11": 0, "2026-12": 2}),
        (("2026-11", "2026-12"), [("2026-11", 1), ("2026-12", 1)], {"2026-11": 1, "2026-12": 1}),
    ],
)
def test_charges(
    months: tuple[str, ...], billed: list[tuple[str, int]], charges: dict[str, int]
) -> None:
    """Each charged month holds all paths, and what CloudFront bills there once that is known."""
    flush = replace(FLUSH, months=months, split=True)
    for month, paths in billed:
        assert flush.charges == dict.fromkeys(months, 2)
        made = Invalidation("I1", month, exact=paths, wildcards=0)
        flush = replace(flush.attempt(), accepted=(*flush.accepted, made))
    sent = replace(flush, state=State.SENT)

    assert sent.charges == sent.settle(NOON).charges == flush.reject().charges == charges
    assert flush.attempt().reject().charges == dict.fromkeys(months, 2)


@given(st.lists(st.sampled_from(["charge", "attempt", "refuse", "accept"]), max_size=9), st.data())
def test_life(steps: list[str], data: st.DataObject) -> None:
    """Whatever happens to a flush, the ledger holds its charges, and never less than its bill."""
    months = ["2026-11", "2026-12", "2027-01"]
    flush = replace(FLUSH, paths=wild(3), split=True)
    ledger = Counter(gained((None, flush)))

    def become(to: Flush) -> Flush:
        ledger.update(gained((flush, to)))
        billed = Counter(request.month for request in to.accepted)
        assert ledger == Counter(to.charges)
        assert all(ledger[month] >= paths for month, paths in billed.items())
        return to

    for step in steps:
        if step == "charge" and len(flush.months) < len(months):
            flush = become(flush.charge(months[len(flush.months)]))
        elif step == "attempt":
            flush = become(flush.attempt())
        elif step == "refuse" and not flush.answered:
            flush = become(flush.refuse())
        elif step == "accept" and flush.left:
            month = data.draw(st.sampled_from(flush.months))
            flush = become(flush.accept(Invalidation("I", month, 0, 1), NOON))
    ended = become(flush.reject() if flush.left else flush.settle(NOON))

    assert ended.finished
    assert (ended.sent_at, ended.settled_at) == ((None, None) if ended.left else (NOON, NOON))


def test_successor() -> None:
    """A successor is open, charged when it is opened, and knows what it replaces, and no answer."""
    made = Invalidation("I1", "2026-11", exact=0, wildcards=1)
    flush = replace(FLUSH, paths=wild(2), split=True)
    refused = flush.attempt().accept(made, NOON).attempt().refuse()
    later = datetime(2026, 11, 30, 23, 59, 50, tzinfo=UTC)

    successor = refused.successor(later, OTHER, ("/b*",), split=False)

    months = ("2026-11", "2026-12")
    assert successor == Flush("E1", later, OTHER, ("/b*",), months, rows=2, replaces=FLUSH.id)


def test_only_here() -> None:
    """No other module makes a flush go a step: what else builds one reads it from the table."""
    steps = {"state", "attempts", "refusals", "accepted", "sent_at", "settled_at", "replaces"}
    package = Path(edgesweep.__file__).parent
    calls = [
        (path.name, {keyword.arg for keyword in node.keywords})
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Flush", "replace"}
    ]

    # None stands for unpacked arguments, which may be any.
    stepping = {name for name, given in calls if given & {*steps, None}}
    assert stepping == {"journal.py", "items.py"}
