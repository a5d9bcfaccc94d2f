"""Who serves an object, by its bucket alone."""

from collections.abc import Collection, Mapping
from itertools import chain

from edgesweep.routes import Behaviour, Distribution, Routes
from edgesweep.routes.distribution import somewhere


def routes_in_memory(
    served: Mapping[str, Collection[str]] | None = None,
    unserved: Collection[str] = (),
    missing: Collection[str] = (),
) -> Routes:
    """Return routes by which a bucket leads to some distributions.

    Args:
        served: bucket -> the ids of its distributions; without it `E1` serves every bucket.
        unserved: keys that no distribution serves.
        missing: keys that distributions may say for long to be missing.
    """

    def distribution(identity: str) -> Distribution:
        origins = somewhere([bucket for bucket, ids in (served or {}).items() if identity in ids])
        behaviours = (
            *map(Behaviour, unserved),
            *(Behaviour(key, origins) for key in missing),
            Behaviour(origins=origins, keeps_errors=False),
        )
        return Distribution(identity, behaviours, error_seconds=60)

    identities = ["E1"] if served is None else dict.fromkeys(chain.from_iterable(served.values()))
    return Routes(list(map(distribution, identities)))
