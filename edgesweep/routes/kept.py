"""What is kept of the distributions: the flusher writes it when it looks, the recorder reads it.

Goal: no change is lost while a distribution is reconfigured, or away for a while.

CloudFront tells a new configuration at once, while edges work by the one before it until the new
one is deployed. Until then both count: a change gets a row if either serves its object, and goes
under the paths of both. What an edge fetched before that may be stale without a row, so once the
new configuration is deployed the distribution has to forget everything.

Neither a new configuration nor an absence is acted upon before it was seen for `SURE`. CloudFront's
answers may lag behind, and a deployment of ours replaces the recorder and the flusher one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from edgesweep.routes import Distribution

SURE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Tracked:
    """One distribution, and by which configurations its edges may work.

    Attributes:
        newest: the configuration that CloudFront told last.
        earlier: those before it that edges may still work by.
        changed_at: when `newest` was seen first; None once edges work by it alone.
        missing_since: when it was not found first; None while it is found.
    """

    newest: Distribution
    earlier: tuple[Distribution, ...] = ()
    changed_at: datetime | None = None
    missing_since: datetime | None = None

    @property
    def pending(self) -> bool:
        """Whether a next look may act upon what this one has seen."""
        return self.changed_at is not None or (self.missing_since is not None and not self.gone)

    @property
    def gone(self) -> bool:
        """Whether it is taken for deleted."""
        return self.missing_since is not None and not self.newest.enabled

    def told(self, newest: Distribution, now: datetime) -> "Tracked":
        """Return it after a look that found it; one that cannot be read has not changed."""
        before = self.newest
        newest = replace(newest, fingerprint=newest.fingerprint or before.fingerprint)
        same = before.fingerprint in ("", newest.fingerprint) and before.enabled == newest.enabled
        if same:
            return replace(self, newest=newest, missing_since=None)
        earlier = (one for one in (*self.earlier, before) if one.enabled)
        return Tracked(newest, tuple(dict.fromkeys(earlier)), changed_at=now)

    def missed(self, now: datetime) -> "Tracked":
        """Return it after a look that did not find it."""
        since = self.missing_since or now
        if now - since < SURE:
            return replace(self, missing_since=since)
        return Tracked(replace(self.newest, enabled=False), missing_since=since)

    def deployed(self, now: datetime) -> "Tracked":
        """Return it after a look at which edges worked by `newest`."""
        sure = self.changed_at is not None and now - self.changed_at >= SURE
        return Tracked(self.newest) if sure else self


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
