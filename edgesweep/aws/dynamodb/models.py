"""Shared by the tables: attributes, keys, batches, and the fields of dataclasses in items."""

import contextlib
import json
import random
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from functools import cache, partial
from itertools import repeat
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from pynamodb.attributes import Attribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.constants import BINARY, STRING
from pynamodb.exceptions import DoesNotExist, PutError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from edgesweep.dirty import chunks, instant

# "A single call to BatchWriteItem can transmit up to 25 item put or delete operations."
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
_WRITES = 25
# "A single operation can retrieve up to 16 MB of data, which can contain as many as 100 items."
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
_READS = 100
_ATTEMPTS = 8
_FIRST_PAUSE = 0.05

Request = Mapping[str, Any]

Model_ = TypeVar("Model_", bound=Model)

_hints = cache(get_type_hints)


class TextAttribute(Attribute[Any]):
    """A value that `write` turns into the text that is stored, and `read` turns back."""

    attr_type = STRING

    def __init__(
        self, write: Callable[[Any], Any], read: Callable[[Any], Any], *, null: bool = False
    ) -> None:
        super().__init__(null=null)
        self._write, self._read = write, read

    def serialize(self, value: object) -> object:
        return self._write(value)

    def deserialize(self, value: object) -> object:
        return self._read(value)


class BytesAttribute(TextAttribute):
    attr_type = BINARY


# A moment, stored as text that sorts like it.
InstantAttribute = partial(TextAttribute, instant, datetime.fromisoformat)


class Keyed(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


class Revised(Keyed):
    """An item that counts how often it was written."""

    revision = NumberAttribute()

    @classmethod
    def as_read(cls, revision: int) -> Condition:
        """Nobody has written the item since it had that revision, 0 if there was none."""
        return cls.revision == revision if revision else cls.revision.does_not_exist()


class Table(Connection):
    """A connection of all models of a table to the account and region of a session.

    pynamodb would make a session and a client for each model, which takes 0.2 s of a processor.
    """

    def __init__(self, name: str, session: boto3.Session) -> None:
        super().__init__(region=session.region_name)
        self.name, self._boto3 = name, session

    @property
    def session(self) -> Session:
        return self._boto3._session  # noqa: SLF001  # boto3 wraps botocore's

    def bind(self, model: type[Model_]) -> type[Model_]:
        """Return `model` bound to the table, so that no table name is global."""
        meta = type("Meta", (), {"table_name": self.name})
        bound = cast("type[Model_]", type(model.__name__, (model,), {"Meta": meta}))
        own = bound._get_connection()  # noqa: SLF001  # pynamodb has no other way to share one
        with contextlib.suppress(ValueError):  # another model has added the table
            self.add_meta_table(own.get_meta_table())
        own.connection = self
        return bound


class Batches:
    """BatchWriteItem and BatchGetItem, which retry the items that DynamoDB left unprocessed.

    `pause` sleeps for some seconds between attempts.
    """

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


def find(model: type[Model_], pk: str, sk: str) -> Model_ | None:
    """Read an item, strongly consistent; None if there is none."""
    try:
        return model.get(pk, sk, consistent_read=True)
    except DoesNotExist:
        return None


def written(write: Callable[..., object], *arguments: object, **options: object) -> bool:
    """Tell whether a conditional write was made; it is not where its condition fails."""
    try:
        write(*arguments, **options)
    except (PutError, UpdateError) as error:
        if error.cause_response_code != "ConditionalCheckFailedException":
            raise
        return False
    return True


def common(kind: Any, model: type[Model], source: object) -> dict[str, Any]:  # noqa: ANN401  # any dataclass
    """Return the fields that a dataclass and a model share, of either, without the empty ones."""
    names = (one.name for one in fields(kind) if hasattr(model, one.name))
    return {name: value for name in names if (value := getattr(source, name)) is not None}


def packed(value: object) -> bytes:
    """Return a value as compressed JSON."""

    def plain(value: Any) -> object:  # noqa: ANN401  # a moment, or any dataclass
        return instant(value) if isinstance(value, datetime) else asdict(value)

    return zlib.compress(json.dumps(value, default=plain).encode())


def unpacked(kind: Any, body: bytes) -> Any:  # noqa: ANN401  # a type, and a value of it
    """Return the value of a type that was packed."""
    return _read(kind, json.loads(zlib.decompress(body)))


def _read(kind: Any, value: Any) -> Any:  # noqa: ANN401  # a type, and its value in JSON
    """Return a value of a type; a moment is text in JSON, and a tuple a list."""
    if isinstance(kind, UnionType) and value is not None:
        kind, _ = get_args(kind)  # of `Kind | None`
    if isinstance(value, str) and kind is not str:
        return datetime.fromisoformat(value)
    if isinstance(value, list):
        inner, *others = get_args(kind)
        return tuple(map(_read, repeat(inner) if others == [...] else (inner, *others), value))
    if not isinstance(value, dict):
        return value
    if get_origin(kind) is Mapping:
        return {name: _read(get_args(kind)[1], one) for name, one in value.items()}
    hints = _hints(kind)
    return kind(**{name: _read(hints[name], one) for name, one in value.items()})
