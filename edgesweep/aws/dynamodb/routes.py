"""The table `flushes`: the record of the distributions."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pynamodb.attributes import BinaryAttribute, NumberAttribute
from pynamodb.exceptions import PutError
from pynamodb.expressions.condition import Condition

from edgesweep.aws.dynamodb.models import Keyed, bound, find
from edgesweep.dirty import instant, parse_instant
from edgesweep.routes import Behaviour, Distribution, Origin
from edgesweep.routes.kept import Kept, Tracked

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
        return _loaded(json.loads(zlib.decompress(item.kept)), int(item.revision))

    def save(self, kept: Kept) -> bool:
        item = self._model(*_KEY, kept=_dumped(kept), revision=kept.revision + 1)
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


def _dumped(kept: Kept) -> bytes:
    return zlib.compress(json.dumps(asdict(kept), default=instant).encode())


def _loaded(kept: Mapping[str, Any], revision: int) -> Kept:
    return Kept(
        tracked=tuple(map(_tracked, kept["tracked"])),
        complete_since=_moments(kept["complete_since"]),
        missed=_moments(kept["missed"]),
        attached=tuple(kept["attached"]),
        unwired=tuple(kept["unwired"]),
        checked_at=_moment(kept["checked_at"]),
        place=kept["place"],
        passed=kept["passed"],
        revision=revision,
    )


def _tracked(one: Mapping[str, Any]) -> Tracked:
    return Tracked(
        newest=_distribution(one["newest"]),
        earlier=tuple(map(_distribution, one["earlier"])),
        changed_at=_moment(one["changed_at"]),
        missing_since=_moment(one["missing_since"]),
    )


def _moments(texts: Mapping[str, str]) -> Mapping[str, datetime]:
    return {bucket: parse_instant(text) for bucket, text in texts.items()}


def _moment(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None


def _distribution(one: Mapping[str, Any]) -> Distribution:
    behaviours = tuple(map(_behaviour, one["behaviours"]))
    pages = tuple((page, stays) for page, stays in one["error_pages"])
    return Distribution(**{**one, "behaviours": behaviours, "error_pages": pages})


def _behaviour(one: Mapping[str, Any]) -> Behaviour:
    return Behaviour(**{**one, "origins": tuple(Origin(**origin) for origin in one["origins"])})
