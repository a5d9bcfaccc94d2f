"""Large sites and backlogs that are made as they are asked for: a million objects take no room."""

import json
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from edgesweep.dirty import FOREVER, Change, DirtyRow, Kind, Span, instant
from edgesweep.flush.sender import Accepted, Answer

BUCKET = "site"
_FOLDER = 1_000
# A deploy of so many objects a second.
APART = timedelta(milliseconds=1)
# A partition has 3,000 read units a second, each of 4 KB read strongly consistent, and 1,000 write
# units, each of 1 KB.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
READ_BYTES = 3_000 * 4_096
WRITE_UNITS = 1_000
UNIT_BYTES = 1_024
# "If the total size of scanned items exceeds the maximum dataset size limit of 1 MB, the scan
# completes."
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
_PAGE_BYTES = 1_000_000
# What a row holds beside the key: names, keys, times, etag and sequencer.
_ROW_BYTES = 270


@dataclass(frozen=True, slots=True)
class Objects:
    """A bucket of objects, a thousand in each folder; it lists itself as `survey.Listing` says.

    Attributes:
        count: how many.
        length: of each key, in bytes.
    """

    count: int
    length: int = 60

    def key(self, number: int) -> str:
        """Return a key; they sort by their numbers."""
        return f"{number // _FOLDER:05}/{number:08}-".ljust(self.length, "x")

    def page(self, _bucket: str, prefix: str, after: str) -> tuple[Sequence[str], bool]:
        """Return the first thousand keys under `prefix` that sort after `after`."""
        numbers = range(self.count)
        start = bisect_left(numbers, prefix, key=self.key)
        start = max(start, bisect_right(numbers, after, key=self.key) if after else 0)
        keys = [self.key(number) for number in numbers[start : start + 1_001]]
        keys = [key for key in keys if key.startswith(prefix)]
        return keys[:1_000], len(keys) > 1_000


@dataclass(slots=True)
class Backlog:
    """The rows of one distribution: every so many-th object has changed, in the order of keys.

    Attributes:
        distribution: its id.
        objects: the bucket.
        count: how many rows there were.
        began: when the first was recorded.
        every: which objects have changed.
        left: a byte for each row, which says whether it is still there.
    """

    distribution: str
    objects: Objects
    count: int
    began: datetime
    every: int = 1
    left: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self.left = bytearray(b"\1") * self.count

    def row(self, number: int) -> DirtyRow:
        """Return a row, whose token is its number."""
        at = self.began + number * APART
        key, etag = self.objects.key(number * self.every), f"{number:032x}"
        change = Change(BUCKET, key, Kind.CREATED, at, etag, 1_000, f"{number:018X}")
        return DirtyRow(self.distribution, change, at, f"{number:016x}")

    def delete(self, positions: Sequence[str]) -> None:
        """Delete the rows at some positions."""
        for position in positions:
            self.left[_number(position)] = 0

    @property
    def units(self) -> int:
        """The write units that it takes to delete a row."""
        return -(-row_bytes(self.row(0)) // UNIT_BYTES)

    def ends(self) -> tuple[int, int]:
        """Return the numbers of the first and the last row that are left, -1 without any."""
        return self.left.find(1), self.left.rfind(1)

    def numbers(self, after: str = "", until: datetime = FOREVER) -> Iterator[int]:
        """Yield the numbers of the rows beyond a position and recorded at or before a moment."""
        number = _number(after) if after else -1
        end = max(0, (until - self.began) // APART + 1)
        while (number := self.left.find(1, number + 1, min(end, self.count))) >= 0:
            yield number


class BacklogRows:
    """Backlogs as `dirty.DirtyRows`.

    Attributes:
        backlogs: by distribution.
    """

    def __init__(self, *backlogs: Backlog) -> None:
        self.backlogs = {backlog.distribution: backlog for backlog in backlogs}

    def span(self, distribution: str) -> Span | None:
        """Return the span of the rows."""
        backlog = self.backlogs.get(distribution)
        oldest, newest = backlog.ends() if backlog else (-1, -1)
        if backlog is None or oldest < 0:
            return None
        return Span(backlog.row(oldest).recorded_at, backlog.row(newest).recorded_at)

    def read(
        self,
        distribution: str,
        until: datetime = FOREVER,
        after: str = "",
        *,
        fully: bool = False,  # noqa: ARG002  # there is one partition
    ) -> Iterator[DirtyRow]:
        """Yield the rows, the oldest first."""
        backlog = self.backlogs.get(distribution)
        return map(backlog.row, backlog.numbers(after, until)) if backlog else iter(())

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Delete rows."""
        for row in rows:
            self.backlogs[row.distribution].delete([row.position])

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Take no row."""
        return dict.fromkeys(rows, "Backlogs only shrink")


def _number(position: str) -> int:
    return int(position.rpartition("#")[2], 16)


class Edge:
    """A CloudFront that accepts everything, and has done it at once.

    Args:
        clock: tells the time.
        heard: told the distribution of each request.
    """

    def __init__(
        self, clock: Callable[[], datetime], heard: Callable[[str], None] = lambda _: None
    ) -> None:
        self._clock, self._heard = clock, heard

    def invalidate(self, distribution: str, _paths: Sequence[str], reference: str) -> Answer:
        """Accept a request."""
        self._heard(distribution)
        return Accepted(f"I{reference}", self._clock())

    def in_progress(self, *_: object) -> bool:
        """Have nothing in progress."""
        return False

    def look_up(self, *_: object) -> None:
        """Have made nothing that was not heard of."""


class DynamoDb:
    """Answers botocore instead of the network, from backlogs.

    Attributes:
        seconds: how long it took to make the answers, by operation: no part of what is measured.
        total: the same, of all operations since the beginning.
        waits: how long one partition of DynamoDB takes at least, by operation.
    """

    def __init__(self, rows: BacklogRows) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.total = 0.0
        self.waits: dict[str, float] = defaultdict(float)
        self._rows = rows

    def answer(self, request: Any, event_name: str, **_: object) -> AWSResponse:  # noqa: ANN401  # AWSPreparedRequest
        """Handle the event `before-send.dynamodb`."""
        started = time.process_time()
        operation = event_name.rpartition(".")[2]
        asked = json.loads(request.body)
        told = self._queried(asked) if operation == "Query" else self._deleted(asked)
        taken = time.process_time() - started
        self.seconds[operation] += taken
        self.total += taken
        return AWSResponse(request.url, 200, HTTPHeaders(), _Raw(told.encode()))

    def _queried(self, asked: Mapping[str, Any]) -> str:
        partition, *bounds = (one["S"] for one in asked["ExpressionAttributeValues"].values())
        backlog = self._rows.backlogs[partition.partition("#")[0]]
        if asked.get("Limit") == 1:
            number = backlog.ends()[not asked["ScanIndexForward"]]
            return _page([] if number < 0 else [_item(backlog.row(number))])
        after, until = [bound.rstrip("$") for bound in bounds]
        after = asked.get("ExclusiveStartKey", {"sk": {"S": after}})["sk"]["S"]
        items: list[str] = []
        size = 0
        for number in backlog.numbers(after, datetime.fromisoformat(until)):
            row = backlog.row(number)
            items.append(_item(row))
            size += row_bytes(row)
            if size > _PAGE_BYTES:
                break
        self.waits["Query"] += size / READ_BYTES
        return _page(items, row if size > _PAGE_BYTES else None)

    def _deleted(self, asked: Mapping[str, Any]) -> str:
        for requests in asked["RequestItems"].values():
            for request in requests:
                key = request["DeleteRequest"]["Key"]
                backlog = self._rows.backlogs[key["pk"]["S"].partition("#")[0]]
                self.waits["BatchWriteItem"] += backlog.units / WRITE_UNITS
                backlog.delete([key["sk"]["S"]])
        return '{"UnprocessedItems": {}}'


class _Raw(BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


def row_bytes(row: DirtyRow) -> int:
    """Return about how large a row is in DynamoDB: its names and its values."""
    return len(row.change.key.encode()) + _ROW_BYTES


def _item(row: DirtyRow) -> str:
    change = row.change
    texts = {
        "pk": row.partition,
        "sk": row.position,
        "bucket": change.bucket,
        "key": change.key,
        "kind": change.kind.value,
        "changed_at": instant(change.changed_at),
        "etag": change.etag,
        "sequencer": change.sequencer,
    }
    item = {name: {"S": text} for name, text in texts.items()} | {"size": {"N": str(change.size)}}
    return json.dumps(item)


def _page(items: Sequence[str], last: DirtyRow | None = None) -> str:
    key = {"pk": {"S": last.partition}, "sk": {"S": last.position}} if last else None
    more = f', "LastEvaluatedKey": {json.dumps(key)}' if key else ""
    counts = f'"Count": {len(items)}, "ScannedCount": {len(items)}'
    return f'{{{counts}, "Items": [{", ".join(items)}]{more}}}'
