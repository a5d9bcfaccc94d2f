"""BatchWriteItem and BatchGetItem, which retry the items that DynamoDB left unprocessed."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.aws.dynamodb.models import Table
from edgesweep.flush.rows import chunks

# "A single call to BatchWriteItem can transmit up to 25 item put or delete operations."
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
_WRITES = 25
# "A single operation can retrieve up to 16 MB of data, which can contain as many as 100 items."
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
_READS = 100
_ATTEMPTS = 8
_FIRST_PAUSE = 0.05

Request = Mapping[str, Any]


class Batches:
    """Batches for one table; `pause` sleeps for some seconds between attempts."""

    def __init__(self, table: Table, pause: Callable[[float], None] = time.sleep) -> None:
        self._name, self._connection, self._pause = table.name, table, pause

    def put(self, items: Sequence[Any]) -> list[tuple[Any, str]]:
        unwritten = self.write([{"PutRequest": {"Item": item}} for item in items])
        return [(request["PutRequest"]["Item"], reason) for request, reason in unwritten]

    def write(self, requests: Sequence[Request]) -> list[tuple[Request, str]]:
        """Send write requests; return those that failed, each with the reason."""
        unwritten: list[tuple[Request, str]] = []
        rest = iter(requests)
        for batch in chunks(rest, _WRITES):
            try:
                left = self._write_batch(batch)
            except (BotoCoreError, ClientError) as error:
                unwritten += [(request, str(error)) for request in (*batch, *rest)]
                break
            unwritten += [(request, "DynamoDB left the item unprocessed") for request in left]
        return unwritten

    def read(self, keys: Sequence[Request]) -> Iterator[Any]:
        """Yield the items with these keys, strongly consistent; errors of botocore pass through."""
        for batch in chunks(keys, _READS):
            left = batch
            for _ in self._attempts():
                asked = {self._name: {"Keys": left, "ConsistentRead": True}}
                answer = self._connection.dispatch("BatchGetItem", {"RequestItems": asked})
                yield from answer.get("Responses", {}).get(self._name, [])
                left = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
                if not left:
                    break

    def _write_batch(self, batch: Sequence[Request]) -> Sequence[Request]:
        for _ in self._attempts():
            asked = {"RequestItems": {self._name: batch}}
            answer = self._connection.dispatch("BatchWriteItem", asked)
            batch = answer.get("UnprocessedItems", {}).get(self._name, [])
            if not batch:
                break
        return batch

    def _attempts(self) -> Iterator[int]:
        for attempt in range(_ATTEMPTS):
            if attempt:
                # Full jitter spreads the recorders that were throttled together.
                self._pause(random.uniform(0, _FIRST_PAUSE * 2**attempt))  # noqa: S311  # no secret
            yield attempt
