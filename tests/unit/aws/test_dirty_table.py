"""How rows are written when DynamoDB does not take them all at once."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from edgesweep.aws.dynamodb import DirtyTable
from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.errors import Unwritten
from tests.aws import listening

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BATCH = 25
ATTEMPTS = 8
ROWS = [
    DirtyRow("E1", Change("site", str(n), Kind.CREATED, NOON), NOON, f"{n:04x}") for n in range(60)
]
LEFT = "DynamoDB left the item unprocessed"

Requests = Sequence[dict[str, Any]]
# The calls so far and a batch -> what is left unprocessed of it.
Leaves = Callable[[int, Requests], Requests]


@dataclass
class DynamoDB:
    """Answers BatchWriteItem.

    Attributes:
        leaves: says what it leaves unprocessed, or raises.
        calls: the tokens of the rows of each call.
        pauses: seconds slept between the calls.
    """

    leaves: Leaves = lambda _calls, _batch: []
    calls: list[list[int]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def __call__(self, params: dict[str, Any], **_: object) -> tuple[object, dict[str, Any]]:
        """Stand in for the service."""
        (requests,) = json.loads(params["body"])["RequestItems"].values()
        self.calls.append([number(request) for request in requests])
        left = self.leaves(len(self.calls), requests)
        answer = {"UnprocessedItems": {"dirty": left} if left else {}}
        return SimpleNamespace(status_code=200), answer

    def table(self) -> DirtyTable:
        """Return the table, whose pauses are only noted."""
        return DirtyTable("dirty", boto3.Session(), pause=self.pauses.append)


def number(request: dict[str, Any]) -> int:
    """Return which of `ROWS` a write request is about."""
    (write,) = request.values()
    return int(write.get("Item", write.get("Key"))["sk"]["S"].rpartition("#")[2], 16)


@pytest.fixture
def dynamodb() -> Iterator[DynamoDB]:
    """Stand in for DynamoDB's BatchWriteItem in every client made meanwhile."""
    service = DynamoDB()
    with listening("before-call.dynamodb.BatchWriteItem", service):
        yield service


def test_batches(dynamodb: DynamoDB) -> None:
    """Rows go out 25 in a call, each once, without a pause."""
    assert dynamodb.table().add(ROWS) == {}

    assert [len(call) for call in dynamodb.calls] == [25, 25, 10]
    assert list(chain.from_iterable(dynamodb.calls)) == list(range(60))
    assert dynamodb.pauses == []


def test_unprocessed(dynamodb: DynamoDB) -> None:
    """What was left unprocessed is sent again, and nothing else, until it is taken."""
    dynamodb.leaves = lambda calls, batch: batch[: [20, 7, 0][min(calls, 3) - 1]]

    assert dynamodb.table().add(ROWS[:30]) == {}

    assert dynamodb.calls == [
        list(range(25)),
        list(range(20)),
        list(range(7)),
        list(range(25, 30)),
    ]
    assert len(dynamodb.pauses) == 2


def test_backoff(dynamodb: DynamoDB) -> None:
    """Pauses are random and their bound doubles, from a tenth of a second on."""
    dynamodb.leaves = lambda _, batch: batch

    for _ in range(20):
        dynamodb.table().add(ROWS[:1])

    assert len(dynamodb.pauses) == 20 * (ATTEMPTS - 1)
    for attempt in range(ATTEMPTS - 1):
        pauses = dynamodb.pauses[attempt :: ATTEMPTS - 1]
        assert all(0 <= pause <= 0.1 * 2**attempt for pause in pauses)
        assert len(set(pauses)) > 1


def test_leftovers(dynamodb: DynamoDB) -> None:
    """Exactly the rows that are never taken fail, and the batches after them are written."""
    dynamodb.leaves = lambda _, batch: [one for one in batch if number(one) in {3, 24, 55}]

    assert dynamodb.table().add(ROWS) == dict.fromkeys([ROWS[3], ROWS[24], ROWS[55]], LEFT)

    assert dynamodb.calls.count([3, 24]) == ATTEMPTS - 1
    assert dynamodb.calls.count([55]) == ATTEMPTS - 1


def broken(calls: int, _batch: Requests) -> Requests:
    """Break the connection after the first call."""
    if calls > 1:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com")
    return []


def test_connection_breaks(dynamodb: DynamoDB) -> None:
    """When the connection breaks after the first 25, all later rows fail, with the reason."""
    dynamodb.leaves = broken

    unwritten = dynamodb.table().add(ROWS)

    assert list(unwritten) == ROWS[BATCH:]
    assert set(unwritten.values()) == {
        'Could not connect to the endpoint URL: "https://dynamodb.us-east-1.amazonaws.com"'
    }
    assert len(dynamodb.calls) == 2


def refused(_calls: int, _batch: Requests) -> Requests:
    """Refuse every call."""
    error = {"Code": "AccessDeniedException", "Message": "Not yours."}
    raise ClientError({"Error": error}, "BatchWriteItem")  # type: ignore[typeddict-item]  # enough


def test_refused(dynamodb: DynamoDB) -> None:
    """When DynamoDB refuses a call, its rows and all later ones fail, with the reason."""
    dynamodb.leaves = refused

    unwritten = dynamodb.table().add(ROWS)

    assert list(unwritten) == ROWS
    assert all("AccessDeniedException" in reason for reason in unwritten.values())
    assert all("Not yours." in reason for reason in unwritten.values())
    assert len(dynamodb.calls) == 1


def test_delete_batches(dynamodb: DynamoDB) -> None:
    """Rows are deleted 25 in a call, and what is left unprocessed is sent again."""
    dynamodb.leaves = lambda calls, batch: batch[:2] if calls == 1 else []

    dynamodb.table().delete(ROWS[:30])

    assert dynamodb.calls == [list(range(25)), [0, 1], list(range(25, 30))]


def test_not_deleted(dynamodb: DynamoDB) -> None:
    """Rows that could not be deleted are an error that counts them."""
    dynamodb.leaves = lambda _, batch: [one for one in batch if number(one) in {3, 55}]

    with pytest.raises(Unwritten, match=f"^2 of 60 rows were not deleted: {LEFT}$"):
        dynamodb.table().delete(ROWS)
