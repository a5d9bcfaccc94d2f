"""What is kept of the distributions: the flusher writes it when it looks, the recorder reads it.

CloudFront tells a new configuration at once, while edges work by the one before it until the new
one is deployed. Until then both count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from edgesweep.routes import Distribution


@dataclass(frozen=True, slots=True)
class Tracked:
    """One distribution, and by which configurations its edges may work.

    Attributes:
        newest: the configuration that CloudFront told last.
        earlier: those before it that edges may still work by.
        changed_at: when `newest` was seen first; None once edges work by it alone, and hold nothing
            from before that is not dirty.
        missing_since: when it was not found first; None while it is found.
    """

    newest: Distribution
    earlier: tuple[Distribution, ...] = ()
    changed_at: datetime | None = None
    missing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """One small item.

    Attributes:
        tracked: the distributions, the disabled ones included.
        complete_since: bucket -> since when no event of it was missed; always unless given.
        missed: bucket with an open gap -> when an event of it may have been missed last.
        attached: the buckets that were seen to publish their events.
        checked_at: when it was looked whether they do; None: never.
        place: the unrouted rows up to this position were read, and no distribution serves them.
        passed: how many of them there are.
        revision: counts the changes of what is kept.
    """

    tracked: tuple[Tracked, ...] = ()
    complete_since: Mapping[str, datetime] = field(default_factory=dict)
    missed: Mapping[str, datetime] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    checked_at: datetime | None = None
    place: str = ""
    passed: int = 0
    revision: int = 0

    @property
    def distributions(self) -> Sequence[Distribution]:
        """Every configuration by which an edge may work."""
        return [one for each in self.tracked for one in (*each.earlier, each.newest)]
