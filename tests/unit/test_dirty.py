"""Where a dirty row is kept, and how it sorts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from edgesweep.dirty import (
    UNROUTED,
    Change,
    DirtyRow,
    Kind,
    RequestedPath,
    instant,
    partition,
)
from edgesweep.errors import BadInput

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CHANGE = Change("site", "index.html", Kind.CREATED, NOON)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-11-23T12:00:00.000000Z"),
        (NOON + timedelta(microseconds=1), "2026-11-23T12:00:00.000001Z"),
        (
            datetime(2026, 12, 31, 20, 30, tzinfo=timezone(-timedelta(hours=5))),
            "2027-01-01T01:30:00.000000Z",
        ),
    ],
)
def test_instant(moment: datetime, text: str) -> None:
    """Every moment is written in UTC with all six digits, and read back the same."""
    assert instant(moment) == text
    assert datetime.fromisoformat(text) == moment
    assert datetime.fromisoformat(text).tzinfo == UTC


def test_instants_sort() -> None:
    """The text of instants sorts as the moments do, across fractions, months and years."""
    steps = [
        timedelta(microseconds=1),
        timedelta(milliseconds=1),
        timedelta(seconds=1),
        timedelta(hours=12),
        timedelta(days=40),
    ]
    moments = [NOON - step for step in reversed(steps)] + [NOON] + [NOON + step for step in steps]

    assert sorted(moments, key=instant) == moments


def test_place() -> None:
    """A row lies in its distribution's shard, at the time it was recorded."""
    row = DirtyRow("E1", CHANGE, NOON, "f00d", 2)

    assert row.partition == "E1#2"
    assert row.position == "2026-11-23T12:00:00.000000Z#f00d"


def test_partition() -> None:
    """Each shard of a distribution is a partition, and so are the changes nobody serves."""
    assert partition("E1", 0) == "E1#0"
    assert DirtyRow(UNROUTED, CHANGE, NOON, "f00d").partition == "unrouted#0"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/*",
        "/docs*",
        "/caf%C3%A9/*",
        "/caf%c3%a9",
        "/" + "a" * 3_999,
        "/a?b=c",
        "/a?*",
        "#tag",
        "#a~b?c",
        "#" + "a" * 256,
    ],
)
def test_requested(path: str) -> None:
    """Every path that CloudFront accepts can be requested, and is kept unchanged."""
    assert RequestedPath(path, "somebody").path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "/é",
        "/a b",
        "/a*b",
        "/**",
        "/a~",
        "/a%7Eb*",
        "/a%2A",
        "/a?",
        "/a%3Fb",
        "/caf%E9.html",
        "/a%ED%A0%80*",
        "#",
        "#a,b",
        "#a*",
        "#" + "a" * 257,
        "/\n",
        "/" + "a" * 4_000,
    ],
)
def test_not_requested(path: str) -> None:
    """What CloudFront refuses, or forgets nothing by, cannot be asked for."""
    with pytest.raises(BadInput, match="is not an invalidation path"):
        RequestedPath(path, "somebody")


def test_change() -> None:
    """Only a row that names an object has a change."""
    assert DirtyRow("E1", CHANGE, NOON, "f00d").change == CHANGE
    with pytest.raises(TypeError):
        _ = DirtyRow("E1", RequestedPath("/*", "somebody"), NOON, "f00d").change
