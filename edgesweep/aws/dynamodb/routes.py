"""The table `flushes`: the distributions that were found last."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict

from pynamodb.attributes import BinaryAttribute

from edgesweep.aws.dynamodb.models import Keyed, bound, find
from edgesweep.routes import Behaviour, Distribution, Origin

# A version that keeps something else keeps it under another key, and finds nothing under this one.
_KEY = ("routes", "1")


class _RoutesItem(Keyed):
    distributions = BinaryAttribute(legacy_encoding=False)


class RoutesTable:
    """One item of the table `flushes`; see `edgesweep.flush.discovery.DistributionStore`.

    Args:
        name: the table's name.
    """

    def __init__(self, name: str) -> None:
        self._model = bound(_RoutesItem, name)

    def load(self) -> Sequence[Distribution] | None:
        """Return the distributions that were saved last, None if none were; strongly consistent."""
        item = find(self._model, *_KEY)
        return _loaded(zlib.decompress(item.distributions).decode()) if item else None

    def save(self, distributions: Sequence[Distribution]) -> None:
        """Keep these distributions, and no others."""
        self._model(*_KEY, distributions=zlib.compress(_dumped(distributions).encode())).save()


def _dumped(distributions: Sequence[Distribution]) -> str:
    return json.dumps([asdict(distribution) for distribution in distributions])


def _loaded(text: str) -> Sequence[Distribution]:
    return [
        Distribution(
            **one
            | {
                "behaviours": tuple(
                    Behaviour(
                        **behaviour
                        | {"origins": tuple(Origin(**origin) for origin in behaviour["origins"])}
                    )
                    for behaviour in one["behaviours"]
                ),
                "error_pages": tuple(one["error_pages"]),
            }
        )
        for one in json.loads(text)
    ]
