"""What a flush remembers of itself, and how it goes out in several requests."""

from dataclasses import replace
from datetime import timedelta

import pytest

from edgesweep.flush.journal import Flush, Invalidation, split
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
    ("months", "billed", "refunds"),
    [
        (("2026-11",), [], {"2026-11": 2}),
        (("2026-11",), [("2026-11", 2)], {"2026-11": 0}),
        (("2026-11", "2026-12"), [("2026-11", 2)], {"2026-11": 0, "2026-12": 2}),
        (("2026-11", "2026-12"), [("2026-12", 2)], {"2026-11": 2, "2026-12": 0}),
        (("2026-11", "2026-12"), [("2026-11", 1), ("2026-12", 1)], {"2026-11": 1, "2026-12": 1}),
    ],
)
def test_refunds(
    months: tuple[str, ...], billed: list[tuple[str, int]], refunds: dict[str, int]
) -> None:
    """Each charged month gets back what CloudFront does not bill there."""
    accepted = tuple(Invalidation("I1", month, exact=paths, wildcards=0) for month, paths in billed)

    assert replace(FLUSH, months=months, accepted=accepted).refunds() == refunds
