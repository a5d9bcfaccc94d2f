"""Which keys are swept at all, by the patterns that a deployment was given."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from edgesweep.routes.patterns import matches


class Fate(StrEnum):
    """What becomes of a change."""

    SWEPT = "swept"
    EXCLUDED = "excluded"  # the user does not want it swept
    IMMUTABLE = "immutable"  # the user says that its bytes never change
    UNSERVED = "unserved"  # no distribution of its bucket serves it
    UNCHANGED = "unchanged"  # viewers see what they saw before


@dataclass(frozen=True, slots=True)
class Selection:
    """Patterns over object keys, written as CloudFront's path patterns.

    Attributes:
        include: what is swept; everything unless given.
        exclude: what is not, though included.
        immutable: names that never get other bytes, such as hashed assets. Nobody can have cached
            anything else under them, so neither their creation nor their removal is invalidated:
            viewers may be served a removed one until it expires.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    immutable: Sequence[str] = ()

    @property
    def patterns(self) -> Sequence[Sequence[str]]:
        """All patterns: their order within each list decides nothing."""
        return self.include, self.exclude, self.immutable

    def fate(self, key: str) -> Fate:
        """Return what becomes of a change of `key`: SWEPT, EXCLUDED or IMMUTABLE."""
        path = "/" + key
        if self.include and not any(matches(pattern, path) for pattern in self.include):
            return Fate.EXCLUDED
        if any(matches(pattern, path) for pattern in self.exclude):
            return Fate.EXCLUDED
        if any(matches(pattern, path) for pattern in self.immutable):
            return Fate.IMMUTABLE
        return Fate.SWEPT
