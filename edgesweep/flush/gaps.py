"""Gaps: times in which events of a bucket may have been missed.

Goal: if the event of a change is lost, the edge is stale only until events arrive again, and nobody
has to act. Events may have been missed

- while a bucket did not publish them; we check that once a day, and more often while it lasts: S3
  replaces a bucket's notification configuration as a whole, so another tool may silently remove our
  part of it, as Terraform's `aws_s3_bucket_notification` and the CDK do;
- if we gave up on a dead letter; one that cannot be read may belong to any bucket;
- if the oldest message of the queue, or a dead letter that nobody sent back, is close to its
  retention, or if nobody looked for that long: older messages may have expired.

Once events arrive again, we close the gap in three steps. First we stop trusting entries of the
catalogue that are older. Then we ask each distribution that serves the bucket to forget everything;
if that row came first, it could be flushed while such an entry still hides an upload. Then we
forget the gap; after a crash before that, we close it again. Older changes were invalidated by it.

We treat a bucket that is no longer swept as one that publishes nothing, until it is swept again.

A bucket that was never seen to publish its events is not attached yet. It causes no invalidation,
but entries from that time are not trusted either.

Cost: one read every ten minutes, one write a day.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from edgesweep.dirty import LONG_AGO, Change, DirtyRows
from edgesweep.errors import BadInput, Unswept
from edgesweep.flush.discovery import KeptStore, sweep
from edgesweep.flush.redrive import ATTEMPTS, LOOK_EVERY, Letter
from edgesweep.record.events import parse
from edgesweep.routes import Routes
from edgesweep.routes.kept import Kept

DAILY = timedelta(days=1)
# Messages are kept for 14 days, and their age is looked at once a day.
NEARLY_EXPIRED = timedelta(days=13)
# "After you enable EventBridge, it takes around five minutes for the changes to take effect."
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html
SETTLED = timedelta(minutes=10)

Notifications = Mapping[str, Any]  # a bucket's notification configuration, as S3 returns it
EVENTBRIDGE = "EventBridgeConfiguration"
_EVENTS = frozenset({"s3:ObjectCreated:*", "s3:ObjectRemoved:*"})

# Bucket -> the last moment at which an event of it may have been missed.
Missed = Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Watched:
    """Buckets that publish no events, and buckets whose gaps were closed."""

    unwired: tuple[str, ...] = ()
    swept: tuple[str, ...] = ()


def reaches(notifications: Notifications, queue: str | None) -> bool:
    """Tell whether a bucket sends its changes to our queue, an ARN, or if None to EventBridge."""
    if not queue:
        return EVENTBRIDGE in notifications
    ours = (one for one in notifications.get("QueueConfigurations", []) if one["QueueArn"] == queue)
    return {event for one in ours if "Filter" not in one for event in one["Events"]} >= _EVENTS


def missed_with(letter: Letter, buckets: Collection[str], now: datetime) -> Missed:
    """Return the gaps that a dead letter shows."""
    if letter.redriven < ATTEMPTS:
        expired = now - letter.sent_at >= NEARLY_EXPIRED
        return dict.fromkeys(buckets, letter.sent_at) if expired else {}
    try:
        changes = [one for one in parse(letter.body) if isinstance(one, Change)]
    except BadInput:
        return dict.fromkeys(buckets, letter.sent_at)
    changes.sort(key=lambda change: change.changed_at)
    return {change.bucket: change.changed_at for change in changes}


def noted(kept: Kept, missed: Missed) -> Kept:
    """Add missed events to the record; closed gaps stay closed."""
    new = {
        bucket: at
        for bucket, at in missed.items()
        if bucket in kept.attached
        and at > max(kept.complete_since.get(bucket, LONG_AGO), kept.missed.get(bucket, LONG_AGO))
    }
    return replace(kept, missed={**kept.missed, **new})


def looked(kept: Kept, buckets: Collection[str], unwired: Collection[str], now: datetime) -> Kept:
    """Note which buckets publish no events: a gap lasts until we see that they do again."""
    silent = {*unwired, *kept.unwired}
    missed = {bucket: now for bucket in silent if bucket in kept.attached}
    never = {bucket: now for bucket in unwired if bucket not in kept.attached}
    return replace(
        kept,
        attached=tuple(sorted({*kept.attached, *buckets} - never.keys())),
        missed={**kept.missed, **missed},
        complete_since={**kept.complete_since, **never},
        unwired=tuple(sorted(unwired)),
        checked_at=now,
    )


@dataclass(slots=True)
class Gaps:
    buckets: Sequence[str]
    store: KeptStore
    dirty: DirtyRows
    # Returns the buckets that publish no events; one that cannot be read is as it was before.
    unwired: Callable[[Collection[str]], Sequence[str]]
    # Returns how old the oldest message of the queue has been since a moment.
    oldest: Callable[[datetime], timedelta]
    clock: Callable[[], datetime]
    token: Callable[[], str]
    _look_at: datetime = field(default=LONG_AGO, init=False)
    _missed: dict[str, datetime] = field(default_factory=dict, init=False)

    def see(self, letter: Letter) -> None:
        """Remember until the next look the gaps that a dead letter shows."""
        for bucket, at in missed_with(letter, self.buckets, self.clock()).items():
            self._missed[bucket] = max(at, self._missed.get(bucket, at))

    def look(self, routes: Routes) -> Watched:
        """Find gaps and close what can be closed, if it is time; `Unswept` if one stays open."""
        now = self.clock()
        kept = self.store.load() if self._missed or now >= self._look_at else None
        if kept is None:
            return Watched()
        dropped = {*kept.attached} - {*self.buckets}
        if not self._due(noted(kept, self._missed), dropped, now):
            self._missed, self._look_at = {}, now + LOOK_EVERY
            return Watched()
        unwired = tuple(self.unwired(kept.unwired))
        found = looked(kept, self.buckets, {*unwired, *dropped}, now)
        found = noted(found, {**self._missed, **self._expired(kept, found.attached, now)})
        settled = [bucket for bucket, at in found.missed.items() if now - at >= SETTLED]
        swept = tuple(bucket for bucket in settled if bucket not in found.unwired)
        since = {**found.complete_since, **dict.fromkeys(swept, now)}
        if not self.store.save(replace(found, complete_since=since)):
            return Watched(unwired)
        self._missed, self._look_at = {}, now + LOOK_EVERY
        if swept:
            asked = {one for bucket in swept for one in routes.serving(bucket)}
            rows = sweep(asked, "missed events", self.clock(), self.token)
            for row, reason in self.dirty.add(rows).items():
                raise Unswept(row.distribution, reason)
            missed = {bucket: at for bucket, at in found.missed.items() if bucket not in swept}
            revision = found.revision + 1
            self.store.save(replace(found, complete_since=since, missed=missed, revision=revision))
        return Watched(unwired, swept)

    def _due(self, kept: Kept, dropped: Collection[str], now: datetime) -> bool:
        if kept.checked_at is None or now - kept.checked_at >= DAILY:
            return True
        open_ = any(bucket in kept.missed or bucket not in kept.attached for bucket in self.buckets)
        return open_ or not {*dropped} <= {*kept.unwired}

    def _expired(self, kept: Kept, attached: Collection[str], now: datetime) -> Missed:
        before = kept.checked_at or now
        silent = now - before >= NEARLY_EXPIRED
        if silent or self.oldest(max(before, now - DAILY)) >= NEARLY_EXPIRED:
            return dict.fromkeys(attached, now)
        return {}
