"""What every keeper of dirty rows promises, held against the fake and against DynamoDB."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import boto3
import pytest
from moto import mock_aws

from edgesweep.aws.dynamodb import DirtyTable
from edgesweep.cover import cover
from edgesweep.dirty import Change, DirtyRow, DirtyRows, DirtyWriter, Kind, RequestedPath
from edgesweep.paths import viewer_path
from infra.local.aws import EmbeddedAws
from tests.aws import create_table
from tests.contract.conftest import new_table, reaching
from tests.fakes.dirty import DirtyRowsInMemory
from tests.keys import HARD_KEYS

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHARDS = 3


class Keeper(DirtyRows, DirtyWriter, Protocol):
    """Both ports of the dirty rows."""


def row(seconds: float = 0, token: str = "00", **parts: object) -> DirtyRow:  # noqa: S107  # no password
    """Return a row recorded some seconds after noon."""
    change = Change("site", "index.html", Kind.CREATED, NOON)
    recorded_at = NOON + timedelta(seconds=seconds)
    return replace(DirtyRow("E1", change, recorded_at, token), **parts)  # type: ignore[arg-type]  # any field


def rows(count: int) -> Sequence[DirtyRow]:
    """Return rows of distinct keys, a second apart, dealt to every shard."""
    return [
        row(n, shard=n % SHARDS, subject=Change("site", f"{n}.html", Kind.CREATED, NOON))
        for n in range(count)
    ]


class Contract:
    """The promises; a subclass says who makes them."""

    @pytest.fixture
    def keeper(self) -> Keeper:
        """Return an empty keeper that knows of three shards."""
        raise AssertionError

    def test_empty(self, keeper: Keeper) -> None:
        """Nothing is dirty in the beginning."""
        assert keeper.span("E1") is None
        assert list(keeper.read("E1")) == []

    def test_nothing_to_do(self, keeper: Keeper) -> None:
        """Adding or deleting no rows is not an error."""
        assert keeper.add([]) == {}
        keeper.delete([])

        assert keeper.span("E1") is None

    @pytest.mark.parametrize(
        "subject",
        [
            Change("site", "a.html", Kind.CREATED, NOON, "b1946ac9", 0, "0055AED6DCD90281E5"),
            Change("site", "a.html", Kind.REMOVED, NOON + timedelta(microseconds=1)),
            Change("site", "a.html", Kind.CREATED, NOON, size=2**63 - 1),
            Change("site", "a.html", Kind.REMOVED, NOON, etag="", version="v1"),
            Change("site", "a+b", Kind.CREATED, NOON, other="a b"),
            RequestedPath("/*", "somebody"),
            RequestedPath("/caf%C3%A9/%7b", ""),
        ],
    )
    def test_same_row(self, keeper: Keeper, subject: Change | RequestedPath) -> None:
        """A row comes back as it was written, absent values included."""
        written = row(0.000_001, "f00", subject=subject, shard=SHARDS - 1)

        assert keeper.add([written]) == {}

        assert list(keeper.read("E1")) == [written]

    def test_hard_keys(self, keeper: Keeper) -> None:
        """Every key comes back, character by character."""
        written = [
            row(n, subject=Change("site", key, Kind.CREATED, NOON))
            for n, key in enumerate(HARD_KEYS)
        ]

        assert keeper.add(written) == {}

        assert [found.change.key for found in keeper.read("E1")] == list(HARD_KEYS)

    def test_oldest_first(self, keeper: Keeper) -> None:
        """Rows come in the order in which they were recorded, whatever their shard."""
        written = rows(60)

        assert keeper.add(written[::-1]) == {}

        assert list(keeper.read("E1")) == written

    def test_until(self, keeper: Keeper) -> None:
        """Rows recorded up to an instant, and in it, are read; later ones are not."""
        written = [row(0), row(1, shard=1), row(1, "ff", shard=2), row(1.000_001), row(2)]
        keeper.add(written)

        found = keeper.read("E1", until=NOON + timedelta(seconds=1))

        assert list(found) == written[:3]

    def test_after(self, keeper: Keeper) -> None:
        """Rows beyond a position are read, whatever their shard, up to an instant or to the end."""
        written = [row(0), row(1, "0a", shard=1), row(1, "0a0"), row(1, "0b", shard=2), row(2)]
        keeper.add(written)
        place = written[1].position

        assert list(keeper.read("E1", after=place)) == written[2:]
        assert list(keeper.read("E1", NOON + timedelta(seconds=1), place)) == written[2:4]
        assert list(keeper.read("E1", NOON, place)) == []

    def test_deleted_while_read(self, keeper: Keeper) -> None:
        """Rows may be deleted while later ones are still being read."""
        written = rows(60)
        keeper.add(written)

        for found in keeper.read("E1"):
            keeper.delete([found])

        assert keeper.span("E1") is None

    def test_same_instant(self, keeper: Keeper) -> None:
        """Rows of one instant are kept apart by their tokens."""
        written = [row(token=f"{n:02x}") for n in range(30)]

        assert keeper.add(written) == {}

        assert list(keeper.read("E1")) == written

    def test_whole_second(self, keeper: Keeper) -> None:
        """An instant without a fraction sorts before one a microsecond later."""
        written = [row(0), row(0.000_001), row(1)]

        keeper.add(written[::-1])

        assert list(keeper.read("E1")) == written

    def test_span(self, keeper: Keeper) -> None:
        """The span runs from the oldest row of any shard to the newest of any other."""
        keeper.add([row(5, shard=1), row(2, shard=2), row(9, shard=0)])

        assert keeper.span("E1") == (NOON + timedelta(seconds=2), NOON + timedelta(seconds=9))

    def test_span_of_one(self, keeper: Keeper) -> None:
        """The only row is the oldest and the newest."""
        keeper.add([row(4)])

        assert keeper.span("E1") == (NOON + timedelta(seconds=4),) * 2

    def test_recent(self, keeper: Keeper) -> None:
        """The newest rows of all shards tell when they were recorded, the newest first."""
        written = [row(number, shard=number % SHARDS) for number in (5, 2, 9, 7, 1)]
        keeper.add([*written, row(8, distribution="E2")])

        found = keeper.recent("E1", 4)

        assert found == [NOON + timedelta(seconds=number) for number in (9, 7, 5, 2)]
        assert keeper.recent("E3", 4) == []

    def test_distributions(self, keeper: Keeper) -> None:
        """Distributions do not see each other's rows, nor do ids that begin alike."""
        written = {name: row(distribution=name) for name in ("E1", "E10", "unrouted")}

        keeper.add(list(written.values()))
        keeper.delete([written["E10"]])

        assert list(keeper.read("E1")) == [written["E1"]]
        assert list(keeper.read("E10")) == []
        assert list(keeper.read("unrouted")) == [written["unrouted"]]

    def test_changed_again(self, keeper: Keeper) -> None:
        """The same object changed again is a row of its own."""
        keeper.add([row(1)])
        keeper.add([row(2)])

        assert list(keeper.read("E1")) == [row(1), row(2)]

    def test_written_twice(self, keeper: Keeper) -> None:
        """Writing a row a second time changes nothing."""
        keeper.add([row()])

        assert keeper.add([row()]) == {}

        assert list(keeper.read("E1")) == [row()]

    def test_delete(self, keeper: Keeper) -> None:
        """Exactly the rows that are named are deleted, more than one batch of them."""
        written = rows(70)
        keeper.add(written)

        keeper.delete(written[:60])

        assert list(keeper.read("E1")) == written[60:]

    def test_landed_meanwhile(self, keeper: Keeper) -> None:
        """A row of the same object that lands between reading and deleting stays."""
        keeper.add([row(1)])
        read = list(keeper.read("E1"))
        keeper.add([row(1, "01"), row(2)])

        keeper.delete(read)

        assert list(keeper.read("E1")) == [row(1, "01"), row(2)]

    def test_delete_twice(self, keeper: Keeper) -> None:
        """Deleting rows that are gone is not an error."""
        keeper.add([row()])
        keeper.delete([row()])

        keeper.delete([row()])

        assert keeper.span("E1") is None

    def test_move(self, keeper: Keeper) -> None:
        """A row gives way to its copies, however many rows are moved at once."""
        moved = rows(70)
        copies = {one: [replace(one, distribution=name) for name in ("E2", "E3")] for one in moved}
        keeper.add([*moved, row(-1)])

        assert keeper.move(copies) == {}

        assert list(keeper.read("E1")) == [row(-1)]
        assert list(keeper.read("E2")) == [copies[one][0] for one in moved]
        assert list(keeper.read("E3")) == [copies[one][1] for one in moved]

    def test_move_away(self, keeper: Keeper) -> None:
        """A row without copies is let go."""
        keeper.add([row()])

        assert keeper.move({row(): []}) == {}
        assert keeper.move({}) == {}

        assert list(keeper.read("E1")) == []

    def test_move_to_many(self, keeper: Keeper) -> None:
        """A row may have more copies than one transaction holds."""
        copies = [row(distribution=f"E{number}") for number in range(2, 130)]
        keeper.add([row()])

        assert keeper.move({row(): copies}) == {}

        assert list(keeper.read("E1")) == []
        assert all(list(keeper.read(copy.distribution)) == [copy] for copy in copies)

    def test_move_what_is_gone(self, keeper: Keeper) -> None:
        """A row that another process has moved already gets no second copy."""
        copy = row(distribution="E2")

        assert keeper.move({row(): [copy]}).keys() == {row()}

        assert list(keeper.read("E2")) == []


class TestFake(Contract):
    """The fake keeps the promises, so that tests may believe it."""

    @pytest.fixture
    def keeper(self) -> Keeper:
        """Return the fake."""
        return DirtyRowsInMemory()


class TestDynamoDB(Contract):
    """The real table keeps them."""

    @pytest.fixture
    def keeper(self) -> Iterator[Keeper]:
        """Return a table in memory."""
        with mock_aws():
            create_table("dirty")
            yield DirtyTable("dirty", boto3.Session(), shards=lambda: SHARDS)

    def test_more_partitions(self) -> None:
        """A table that is read everywhere asks how many partitions there are by now."""
        with mock_aws():
            create_table("dirty")
            table = DirtyTable("dirty", boto3.Session(), lambda: 1, lambda: SHARDS)
            table.add(rows(SHARDS))

            assert list(table.read("E1")) == rows(1)
            assert list(table.read("E1", fully=True)) == rows(SHARDS)

    @pytest.mark.parametrize("path", ["/*", "/docs/*", "/caf%C3%A9*", "/a.html"])
    def test_rolled_back(self, keeper: Keeper, path: str) -> None:
        """Release 0.1.0 reads a requested path as an object for which it sends the same path."""
        keeper.add([row(subject=RequestedPath(path, "somebody"))])

        (item,) = boto3.client("dynamodb", "us-east-1").scan(TableName="dirty")["Items"]

        assert {"bucket", "kind", "changed_at"} <= item.keys()
        assert cover([viewer_path(item["key"]["S"])]).paths == (path,)


@pytest.fixture(scope="module", name="table")
def _table() -> DirtyTable:
    return DirtyTable("dirty", boto3.Session(), shards=lambda: SHARDS)


@pytest.mark.xdist_group("embedded")
class TestEmbedded(Contract):
    """And so does another implementation of DynamoDB."""

    @pytest.fixture
    def keeper(self, embedded: EmbeddedAws, table: DirtyTable) -> Iterator[Keeper]:
        """Return the table, which is empty."""
        with reaching(embedded), new_table(embedded, "dirty"):
            yield table
