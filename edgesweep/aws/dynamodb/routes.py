"""The table `flushes`: the record of the distributions."""

from dataclasses import replace

from pynamodb.attributes import BinaryAttribute, NumberAttribute
from pynamodb.exceptions import PutError
from pynamodb.expressions.condition import Condition

from edgesweep.aws.dynamodb.models import Keyed, bound, find, packed, unpacked
from edgesweep.routes.kept import Kept

# The sort key is the version. A release that stores another shape, or other fingerprints for the
# same configuration, takes the next one. It then finds nothing, as on its first run, and sweeps
# nothing.
_KEY = ("routes", "3")
_FAILED = "ConditionalCheckFailedException"


class _RoutesItem(Keyed):
    kept = BinaryAttribute(legacy_encoding=False)
    revision = NumberAttribute()


class RoutesTable:
    """One item of the table `flushes`; see `edgesweep.flush.discovery.DistributionStore`."""

    def __init__(self, name: str) -> None:
        self._model = bound(_RoutesItem, name)

    def load(self) -> Kept | None:
        item = find(self._model, *_KEY)
        if item is None:
            return None
        return replace(unpacked(Kept, item.kept), revision=int(item.revision))

    def save(self, kept: Kept) -> bool:
        item = self._model(*_KEY, kept=packed(kept), revision=kept.revision + 1)
        as_loaded: Condition = _RoutesItem.revision.does_not_exist()
        if kept.revision:
            as_loaded = _RoutesItem.revision == kept.revision
        try:
            item.save(as_loaded)
        except PutError as error:
            if error.cause_response_code != _FAILED:
                raise
            return False
        return True
