"""Which distributions serve an object."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OneDistribution:
    """Every object of every bucket is served by the same distribution."""

    distribution: str

    def distributions(self, bucket: str, key: str) -> Collection[str]:  # noqa: ARG002  # a Routes
        """Return the one distribution."""
        return (self.distribution,)
