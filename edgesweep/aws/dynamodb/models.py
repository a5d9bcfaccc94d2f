"""Shared by the models of the tables: keys, instants, the table's name, the read of an item."""

from datetime import datetime
from typing import TypeVar, cast

from pynamodb.attributes import Attribute, UnicodeAttribute
from pynamodb.constants import STRING
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from edgesweep.dirty import instant, parse_instant

Model_ = TypeVar("Model_", bound=Model)


class InstantAttribute(Attribute[datetime]):
    """A moment, stored as text that sorts like it."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        return instant(value)

    def deserialize(self, value: str) -> datetime:
        return parse_instant(value)


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
