"""The table `flushes`: the record of the distributions."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from itertools import repeat
from typing import Any, get_args, get_origin, get_type_hints

from pynamodb.attributes import BinaryAttribute, NumberAttribute
from pynamodb.exceptions import PutError
from pynamodb.expressions.condition import Condition

from edgesweep.aws.dynamodb.models import Keyed, bound, find
from edgesweep.dirty import instant, parse_instant
from edgesweep.routes.kept import Kept

# The sort key is the version. A release that stores another shape, or other fingerprints for the
# same configuration, takes the next one. It then finds nothing, as on its first run, and sweeps
# nothing.
_KEY = ("routes", "3")
_FAILED = "ConditionalCheckFailedException"

_hints = cache(get_type_hints)


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
        kept: Kept = _read(Kept, json.loads(zlib.decompress(item.kept)))
        return replace(kept, revision=int(item.revision))

    def save(self, kept: Kept) -> bool:
        body = zlib.compress(json.dumps(asdict(kept), default=instant).encode())
        item = self._model(*_KEY, kept=body, revision=kept.revision + 1)
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


def _read(kind: Any, value: Any) -> Any:  # noqa: ANN401  # a type, and its value in JSON
    """Return a value of a type; a moment is text in JSON, and a tuple a list."""
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
