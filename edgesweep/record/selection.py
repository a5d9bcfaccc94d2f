"""Which keys are swept at all, by the patterns of a deployment."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from edgesweep.routes.patterns import matches


class Fate(StrEnum):
    """The fate of a change."""

    SWEPT = "swept"
    EXCLUDED = "excluded"  # the user does not want it swept
    IMMUTABLE = "immutable"  # the user says that its bytes never change
    UNSERVED = "unserved"  # no distribution of its bucket serves it
    UNCHANGED = "unchanged"  # viewers see the same as before


@dataclass(frozen=True, slots=True)
class Selection:
    """Patterns over object keys, written as CloudFront's path patterns."""

    include: Sequence[str] = ()  # the keys to sweep; all if empty
    exclude: Sequence[str] = ()  # keys not to sweep, even if included
    # Names that never get other bytes, such as hashed assets. Their removal is not invalidated: an
    # edge may serve a removed one until it expires. A new one is, where an edge may say for longer
    # than the user accepts that it is missing.
    immutable: Sequence[str] = ()

    @property
    def patterns(self) -> Sequence[Sequence[str]]:
        """All patterns; their order within each list does not matter."""
        return self.include, self.exclude, self.immutable

    def fate(self, key: str) -> Fate:
        """Return the fate of a change of `key`: SWEPT, EXCLUDED or IMMUTABLE."""
        included, excluded, immutable = (
            any(matches(pattern, "/" + key) for pattern in patterns) for patterns in self.patterns
        )
        if excluded or (self.include and not included):
            return Fate.EXCLUDED
        return Fate.IMMUTABLE if immutable else Fate.SWEPT
