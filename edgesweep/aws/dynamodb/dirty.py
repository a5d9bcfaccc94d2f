"""DynamoDB through pynamodb: the dirty rows."""

import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import boto3
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from edgesweep.aws.dynamodb import models
from edgesweep.aws.dynamodb.models import InstantAttribute, Keyed, Table, TextAttribute, common
from edgesweep.dirty import (
    FOREVER,
    Change,
    DirtyRow,
    Kind,
    RequestedPath,
    Span,
    chunks,
    instant,
    packs,
    partition,
)
from edgesweep.errors import Unwritten

# "You can group up to 100 actions into a single TransactWriteItems operation."
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
_ACTIONS = 100


class _Row(Keyed):
    bucket = UnicodeAttribute()
    key = UnicodeAttribute()
    kind = TextAttribute(str, Kind)
    changed_at = InstantAttribute()
    etag = UnicodeAttribute(null=True)
    size = NumberAttribute(null=True)
    sequencer = UnicodeAttribute(null=True)
    version = UnicodeAttribute(null=True)
    path = UnicodeAttribute(null=True)
    by = UnicodeAttribute(null=True)


class DirtyTable:
    def __init__(
        self,
        name: str,
        session: boto3.Session,
        shards: Callable[[], int] = lambda: 1,  # how many partitions to read; it may lag behind
        latest: Callable[[], int] | None = None,  # the same to read `fully`, without a lag
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = Table(name, session)
        self._model = self._connection.bind(_Row)
        self._batches = models.Batches(self._connection, pause)
        self._shards = shards
        self._latest = latest or shards

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        by_key = {(row.partition, row.position): row for row in rows}
        items = [self._model(**_attributes(row)).serialize() for row in rows]
        unwritten = self._batches.put(items)
        return {by_key[item["pk"]["S"], item["sk"]["S"]]: reason for item, reason in unwritten}

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Delete exactly these rows, gone or not; raise `Unwritten` if some are still there."""
        keys = [{"pk": {"S": row.partition}, "sk": {"S": row.position}} for row in rows]
        unwritten = self._batches.write([{"DeleteRequest": {"Key": key}} for key in keys])
        if unwritten:
            raise Unwritten(len(unwritten), len(rows), unwritten[0][1])

    def move(self, moves: Mapping[DirtyRow, Sequence[DirtyRow]]) -> Mapping[DirtyRow, str]:
        unmoved: dict[DirtyRow, str] = {}
        # Rows whose copies fit into one transaction, or a single row with more of them.
        for rows in packs(moves, lambda row: len(moves[row]) + 1, _ACTIONS):
            actions = [(row, copy) for row in rows for copy in (*moves[row], None)]
            try:
                for batch in chunks(actions, _ACTIONS):
                    self._transact(batch)
            except TransactWriteError as error:
                unmoved |= dict.fromkeys(rows, str(error))
        return unmoved

    def _transact(self, actions: Iterable[tuple[DirtyRow, DirtyRow | None]]) -> None:
        with TransactWrite(connection=self._connection) as transaction:
            for row, copy in actions:
                if copy:
                    transaction.save(self._model(**_attributes(copy)))
                else:
                    item = self._model(row.partition, row.position)
                    transaction.delete(item, condition=_Row.pk.exists())

    def span(self, distribution: str) -> Span | None:
        oldest = [row.recorded_at for row in self._ends(distribution, forward=True)]
        if not oldest:
            return None
        newest = [row.recorded_at for row in self._ends(distribution, forward=False)]
        return Span(min(oldest), max(newest, default=max(oldest)))

    def recent(self, distribution: str, most: int) -> Sequence[datetime]:
        rows = self._ends(distribution, forward=False, most=most)
        return heapq.nlargest(most, (row.recorded_at for row in rows))

    def count(self, distribution: str) -> int:
        """Return how many rows wait, by reading all of them."""
        keys = [partition(distribution, shard) for shard in range(self._shards())]
        return sum(self._model.count(key, consistent_read=True) for key in keys)

    def read(
        self, distribution: str, until: datetime = FOREVER, after: str = "", *, fully: bool = False
    ) -> Iterator[DirtyRow]:
        shards = self._latest() if fully else self._shards()
        parts = [
            self._query(distribution, shard, range_key_condition=_between(after, until))
            for shard in range(shards)
        ]
        return heapq.merge(*parts, key=lambda row: row.position)

    def _ends(self, distribution: str, *, forward: bool, most: int = 1) -> Iterator[DirtyRow]:
        for shard in range(self._shards()):
            yield from self._query(distribution, shard, scan_index_forward=forward, limit=most)

    def _query(self, distribution: str, shard: int, **options: Any) -> Iterator[DirtyRow]:  # noqa: ANN401  # as pynamodb
        key = partition(distribution, shard)
        for item in self._model.query(key, consistent_read=True, **options):
            yield _row(distribution, shard, item)


def _between(after: str, until: datetime) -> Condition:
    """Return the condition for sort keys beyond `after` and up to all of the instant `until`."""
    # "$" sorts right after the "#" of a sort key and before a token, so no key lies between. Only
    # BETWEEN bounds a key on both sides; it includes its ends, and refuses them in wrong order.
    first = f"{after}$"
    return _Row.sk.between(first, max(first, f"{instant(until)}$"))


def _attributes(row: DirtyRow) -> dict[str, Any]:
    subject, requested = row.subject, {}
    if isinstance(subject, RequestedPath):
        requested = {"path": subject.path, "by": subject.by}
        # Release 0.1.0 reads only objects. It sends a key that ends in a literal star as the
        # wildcard before the star, so a rollback to it keeps the request.
        key = "*" if subject.tag else unquote(subject.path)[1:]
        subject = Change("*", key, Kind.CREATED, row.recorded_at)
    return {"pk": row.partition, "sk": row.position, **common(Change, _Row, subject), **requested}


def _row(distribution: str, shard: int, item: Any) -> DirtyRow:  # noqa: ANN401  # a bound _Row
    recorded_at, token = item.sk.split("#")
    known = common(Change, _Row, item)
    subject = RequestedPath(item.path, item.by) if item.path else Change(**known)
    return DirtyRow(distribution, subject, datetime.fromisoformat(recorded_at), token, shard)
