"""Rows that wait for a distribution are routed, some in each tick, and each gets its turn."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from unittest import mock

import pytest

from edgesweep.dirty import FOREVER, UNROUTED, DirtyRow
from edgesweep.flush import discovery
from edgesweep.flush.discovery import HURRY_EVERY, LATE, REFRESH_EVERY, ROUTE_TIME
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.discovery import NOON, Account, distribution, row

MINUTE = timedelta(minutes=1)
E1 = distribution("E1")


class Read(DirtyRowsInMemory):
    """Counts the rows that are read to be routed."""

    rows_read = 0

    def read(
        self,
        distribution: str,
        until: datetime = FOREVER,
        after: str | None = None,
        *,
        fully: bool = False,
    ) -> Iterator[DirtyRow]:
        """Read; only what routes names a place."""
        for one in super().read(distribution, until, after or "", fully=fully):
            self.rows_read += after is not None
            yield one


def backlog(count: int, bucket: str = "nobody") -> list[DirtyRow]:
    """Return rows that were recorded a second apart, beginning an hour ago."""
    since = NOON - timedelta(hours=1)
    return [row(f"{n:05}", bucket, at=since + timedelta(seconds=n)) for n in range(count)]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ten rows be many."""
    monkeypatch.setattr(discovery, "MAX_ROUTED", 10)


@pytest.mark.parametrize(("buckets", "left"), [(["site"], ["a"]), ([], ["a", "b"])])
def test_dropped(buckets: list[str], left: list[str]) -> None:
    """A change of a bucket that is no longer swept waits for nothing; all are if none is named."""
    account = Account(buckets=buckets)
    account.dirty.add([row("a"), row("b", "dropped")])

    assert account.route() == len(left)
    assert sorted(account.rows(UNROUTED)) == left


def test_appears() -> None:
    """Once distributions serve the bucket, each gets just the changes that it can serve."""
    account = Account()
    account.dirty.add([row("docs/a"), row("b"), row("c", "other")])
    assert account.route() == 3

    account.there = [E1, distribution("E2", pattern="docs/*")]
    assert account.route(HURRY_EVERY) == 1

    assert sorted(account.rows("E1")) == ["b", "docs/a"]
    assert account.rows("E2") == ["docs/a"]
    assert account.rows(UNROUTED) == ["c"]
    assert [one.recorded_at for one in account.dirty.read("E1")] == [NOON, NOON]


def test_unserved() -> None:
    """A change that waited and that nobody serves is let go once its bucket is served."""
    account = Account([distribution("E1", pattern="docs/*")])
    account.dirty.add([row("b")])

    assert account.route() == 0
    assert account.dirty.rows == []


def test_disabled() -> None:
    """A disabled distribution gets nothing new."""
    account = Account([distribution("E1", "other")])
    account.dirty.add([row("a")])

    assert account.route() == 1
    assert account.rows(UNROUTED) == ["a"]


def test_never_readable() -> None:
    """Until the account could be read once, no row counts as unserved."""
    account = Account(None)
    account.dirty.add([row("a")])

    assert account.route() == 1
    assert account.store.kept is None
    assert account.rows(UNROUTED) == ["a"]


def test_nothing_waits() -> None:
    """Without an unrouted row nothing is read and nothing is written."""
    dirty = Read()
    account = Account([E1], dirty=dirty)
    account.look()

    assert account.route(REFRESH_EVERY) == 0
    assert (dirty.rows_read, account.store.saves) == (0, 1)


@pytest.mark.parametrize("warm", [True, False])
def test_portions(warm: bool) -> None:  # noqa: FBT001  # a parameter
    """A tick reads a bounded number of rows, and the next one continues from there."""
    dirty = Read()
    account = Account(dirty=dirty)
    dirty.add(backlog(34))

    for ticks, left in enumerate([10, 20, 30, 34, 34, 34], 1):
        if not warm:
            account.restart()
        assert account.route(MINUTE) == left
        assert dirty.rows_read == min(10 * ticks, 34)


def test_idle() -> None:
    """Once all were read, nothing is written until a row comes or the distributions change."""
    account = Account()
    account.dirty.add(backlog(15))
    for _ in range(3):
        account.route(MINUTE)
    saves = account.store.saves

    for _ in range(9):
        account.route(MINUTE)

    assert account.store.saves == saves


def test_newcomers() -> None:
    """Rows that come later get their turn, also one that is written long after its stamp."""
    account = Account([E1])
    account.dirty.add(backlog(34))
    for _ in range(9):
        account.route(MINUTE)
    account.dirty.add([row("new", at=account.now), row("late", at=account.now - LATE)])

    assert account.route() == 34

    assert account.rows("E1") == ["late", "new"]


def test_begins_again() -> None:
    """When the distributions change, the reading begins again at the start, and it ends."""
    account = Account()
    account.dirty.add(backlog(34))
    for _ in range(9):
        account.route(MINUTE)
    account.there = [distribution("E1", "nobody")]

    for left in (24, 14, 4, 0):
        assert account.route(MINUTE) == 0
        assert len(account.rows(UNROUTED)) == left

    assert [key for key in account.rows("E1") if key != "/*"] == [f"{n:05}" for n in range(34)]


def test_no_room() -> None:
    """A row stays until its copies are written, and goes with that; none is passed over."""
    account = Account([E1, distribution("E2")], dirty=DirtyRowsInMemory(room=3))
    account.dirty.add(backlog(2, "site"))
    first, second = account.rows(UNROUTED)

    assert account.route() == 1
    assert account.rows(UNROUTED) == [second]
    assert account.rows("E1") == account.rows("E2") == [first]
    account.dirty.delete([one for one in account.dirty.rows if one.distribution == "E1"])
    account.dirty.room = None

    assert account.route(MINUTE) == 0
    assert (account.rows("E1"), account.rows("E2")) == ([second], [first, second])


def test_time() -> None:
    """A tick that has routed for long leaves the rest to the next one."""
    account = Account([E1])
    account.dirty.add(backlog(4, "site"))

    def chunks(rows: Iterator[DirtyRow]) -> Iterator[list[DirtyRow]]:
        for one in rows:
            account.now += ROUTE_TIME / 2
            yield [one]

    with mock.patch.object(discovery, "chunks", chunks):
        account.route()
        assert len(account.rows("E1")) == 2
        account.route()

    assert account.rows(UNROUTED) == []


def test_overtaken() -> None:
    """A place that somebody else has moved meanwhile is theirs; no row is lost over it."""
    account = Account()
    account.dirty.add(backlog(15))
    known = account.look()
    account.route()

    account.discovery.route(known)

    assert len(account.rows(UNROUTED)) == 15
    assert account.route() == 15
