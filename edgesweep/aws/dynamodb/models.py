"""Shared by the models of the tables: keys, instants, the table's name, the read of an item."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from pynamodb.attributes import Attribute, UnicodeAttribute
from pynamodb.constants import STRING
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from edgesweep.dirty import instant, parse_instant

Model_ = TypeVar("Model_", bound=Model)


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
