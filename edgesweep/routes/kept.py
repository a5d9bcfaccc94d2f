"""The record of the distributions: the flusher writes it after discovery, the recorder reads it.

Goal: no change is lost while a distribution is reconfigured, or absent for a while.

CloudFront reports a new configuration at once, but edges use the previous one until the new one is
deployed. Until then both count: a change gets a row if either serves its object, and is invalidated
under the paths of both. An object that an edge fetched before that may be stale without a row, so
the distribution must forget everything once the new configuration is deployed.

A new configuration or an absence counts only after `CONFIRMED_AFTER`: answers of CloudFront may
lag behind, and a deployment of ours replaces the recorder and the flusher one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from edgesweep.routes import Distribution

CONFIRMED_AFTER = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Tracked:
    """One distribution, and the configurations that its edges may use."""

    newest: Distribution  # the configuration that CloudFront reported last
    earlier: tuple[Distribution, ...] = ()  # previous ones that edges may still use
    changed_at: datetime | None = None  # when `newest` was first seen; None once edges use it alone
    missing_since: datetime | None = None  # when it was first missing; None while it is found

    @property
    def pending(self) -> bool:
        """Whether a change or an absence has yet to take effect."""
        return self.changed_at is not None or (self.missing_since is not None and not self.gone)

    @property
    def gone(self) -> bool:
        return self.missing_since is not None and not self.newest.enabled

    def found(self, newest: Distribution, now: datetime) -> "Tracked":
        """Return it after a discovery that found it; an unreadable one counts as unchanged."""
        before = self.newest
        newest = replace(newest, fingerprint=newest.fingerprint or before.fingerprint)
        same = before.fingerprint in ("", newest.fingerprint) and before.enabled == newest.enabled
        # New code of a function that was asked before is a new configuration.
        versions = {one.name: one.version for one in before.functions if one.version}
        asked = (one for one in newest.functions if one.version)
        if same and all(versions.get(one.name, one.version) == one.version for one in asked):
            return replace(self, newest=newest, missing_since=None)
        earlier = (one for one in (*self.earlier, before) if one.enabled)
        return Tracked(newest, tuple(dict.fromkeys(earlier)), changed_at=now)

    def missed(self, now: datetime) -> "Tracked":
        """Return it after a discovery that did not find it."""
        since = self.missing_since or now
        if now - since < CONFIRMED_AFTER:
            return replace(self, missing_since=since)
        return Tracked(replace(self.newest, enabled=False), missing_since=since)

    def deployed(self, now: datetime) -> "Tracked":
        """Return it after a discovery that found `newest` deployed."""
        sure = self.changed_at is not None and now - self.changed_at >= CONFIRMED_AFTER
        return Tracked(self.newest) if sure else self


@dataclass(frozen=True, slots=True)
class Kept:
    """The known distributions, and the gaps in the events of their buckets."""

    tracked: tuple[Tracked, ...] = ()  # the distributions, including disabled ones
    # Bucket -> since when no event of it was missed; absent for always.
    complete_since: Mapping[str, datetime] = field(default_factory=dict)
    # Bucket with an open gap -> when an event of it may last have been missed.
    missed: Mapping[str, datetime] = field(default_factory=dict)
    attached: tuple[str, ...] = ()  # the buckets that were seen to publish their events
    unwired: tuple[str, ...] = ()  # the buckets that did not when we last checked
    checked_at: datetime | None = None  # when we last checked; None for never
    place: str = ""  # no distribution serves the unrouted rows up to this position
    passed: int = 0  # how many such rows there are
    revision: int = 0  # counts the changes of this record

    @property
    def distributions(self) -> Sequence[Distribution]:
        """Every configuration that an edge may use."""
        return [one for each in self.tracked for one in (*each.earlier, each.newest)]
