"""Shared by the models of the tables: keys, instants, the table's name, the read of an item."""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache, partial
from itertools import repeat
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from pynamodb.attributes import Attribute, UnicodeAttribute
from pynamodb.constants import STRING
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from edgesweep.dirty import instant, parse_instant

Model_ = TypeVar("Model_", bound=Model)
T = TypeVar("T")

_hints = cache(get_type_hints)


class TextAttribute(Attribute[Any]):
    """A value that `write` turns into the text that is stored, and `read` turns back."""

    attr_type = STRING

    def __init__(
        self, write: Callable[[Any], str], read: Callable[[str], Any], *, null: bool = False
    ) -> None:
        super().__init__(null=null)
        self._write, self._read = write, read

    def serialize(self, value: object) -> str:
        return self._write(value)

    def deserialize(self, value: str) -> object:
        return self._read(value)


# A moment, stored as text that sorts like it.
InstantAttribute = partial(TextAttribute, instant, parse_instant)


class Keyed(Model):
    """An item with a partition key and a sort key."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


def bound(model: type[Model_], table: str) -> type[Model_]:
    """Return `model` bound to a table, so that no table name is global."""
    meta = type("Meta", (), {"table_name": table})
    return cast("type[Model_]", type(model.__name__, (model,), {"Meta": meta}))


def find(model: type[Model_], pk: str, sk: str) -> Model_ | None:
    """Read an item, strongly consistent; None if there is none."""
    try:
        return model.get(pk, sk, consistent_read=True)
    except DoesNotExist:
        return None


def packed(value: Any) -> bytes:  # noqa: ANN401  # any dataclass
    """Return a dataclass as compressed JSON."""
    return zlib.compress(json.dumps(asdict(value), default=instant).encode())


def unpacked(kind: type[T], body: bytes) -> T:
    """Return the dataclass of a type that was packed."""
    return cast("T", _read(kind, json.loads(zlib.decompress(body))))


def _read(kind: Any, value: Any) -> Any:  # noqa: ANN401  # a type, and its value in JSON
    """Return a value of a type; a moment is text in JSON, and a tuple a list."""
    if isinstance(kind, UnionType) and value is not None:
        kind, _ = get_args(kind)  # of `Kind | None`
    if isinstance(value, str) and kind is not str:
        return parse_instant(value)
    if isinstance(value, list):
        inner, *others = get_args(kind)
        return tuple(map(_read, repeat(inner) if others == [...] else (inner, *others), value))
    if not isinstance(value, dict):
        return value
    if get_origin(kind) is Mapping:
        return {name: _read(get_args(kind)[1], one) for name, one in value.items()}
    hints = _hints(kind)
    return kind(**{name: _read(hints[name], one) for name, one in value.items()})
