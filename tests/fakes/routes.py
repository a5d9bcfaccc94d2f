"""Who serves an object, in memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RoutesInMemory:
    """Says by the bucket alone who serves an object.

    Attributes:
        served: bucket -> the ids of its distributions; every bucket without it is served by `E1`.
        unserved: keys that no distribution serves.
        missing: keys that `E1` may say for long to be missing.
    """

    served: Mapping[str, Collection[str]] | None = None
    unserved: Collection[str] = ()
    missing: Collection[str] = ()

    @property
    def ids(self) -> Collection[str]:
        """All distributions."""
        served = {"": ("E1",)} if self.served is None else self.served
        return list(dict.fromkeys(one for several in served.values() for one in several))

    def distributions(self, bucket: str, key: str) -> Collection[str]:
        """Return the ids for the bucket, none for an unknown one or an unserved key."""
        if key in self.unserved:
            return ()
        return ("E1",) if self.served is None else self.served.get(bucket, ())

    def serves(self, bucket: str) -> bool:
        """Tell whether the bucket has distributions."""
        return self.served is None or bucket in self.served

    def may_hold_error(self, bucket: str, key: str) -> Collection[str]:  # noqa: ARG002  # a Routes
        """Return `E1` for a missing key."""
        return ("E1",) if key in self.missing else ()
