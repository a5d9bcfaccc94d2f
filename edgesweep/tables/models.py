"""What the models of both tables share: their keys, and how they get a table's name."""

from typing import TypeVar, cast

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

Keyed_ = TypeVar("Keyed_", bound="Keyed")


class Keyed(Model):
    """An item with a partition key and a sort key."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


def bound(model: type[Keyed_], table: str) -> type[Keyed_]:
    """Return `model` bound to the table of that name, so that no name is global."""
    meta = type("Meta", (), {"table_name": table})
    return cast("type[Keyed_]", type(model.__name__, (model,), {"Meta": meta}))
