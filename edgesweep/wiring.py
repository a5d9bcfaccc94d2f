"""The composition root: builds the use cases from the settings and the adapters.

Functions and command share it. A dry run is the same flusher on adapters that write nothing.
"""

import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.aws import cloudfront
from edgesweep.aws.dynamodb import CatalogueTable, DirtyTable, FlushTable, RoutesTable
from edgesweep.aws.eventbridge import EventBus
from edgesweep.aws.s3 import HEAD_CONFIG, LISTING_CONFIG, PATIENCE, Bucket, S3Heads, S3Listing
from edgesweep.aws.sqs import DeadLetterQueue, oldest_age
from edgesweep.cover import Heartbeat, Limits, Prices
from edgesweep.cover.survey import MAX_TIME, CachedListing, Listing, Survey, survey
from edgesweep.dirty import LONG_AGO, DirtyRows
from edgesweep.flush.announcing import Announcer, Detail, Event
from edgesweep.flush.auditing import Auditor
from edgesweep.flush.discovery import REFRESH_EVERY, Discovery, DistributionSource, KeptStore
from edgesweep.flush.flusher import Flusher
from edgesweep.flush.gaps import Gaps, reaches
from edgesweep.flush.journal import Flush, Journal
from edgesweep.flush.planning import Surveyor
from edgesweep.flush.policy import Policy
from edgesweep.flush.redrive import Redriver
from edgesweep.flush.sender import Edge, Sender
from edgesweep.flush.tick import Tick
from edgesweep.flush.wake import Waker
from edgesweep.record.recorder import Recorder
from edgesweep.record.unchanged import UnchangedFilter
from edgesweep.routes import Routes, everywhere
from edgesweep.routes.kept import Kept
from edgesweep.settings import Settings

Warn = Callable[[str], None]

# Random text. A row's token has 64 bits: two equal tokens in one batch would lose a row.
token, row_token = partial(secrets.token_hex, 4), partial(secrets.token_hex, 8)


@dataclass(frozen=True, slots=True)
class Adapters:
    """Everything that reaches the outside world; `pause` sleeps for some seconds."""

    dirty: DirtyRows
    journal: Journal
    store: KeptStore
    source: DistributionSource
    edge: Edge
    listing: Listing
    pause: Callable[[float], None] = time.sleep
    publish: Callable[[Event, Detail], None] = lambda *_: None

    @classmethod
    def real(cls, settings: Settings, session: boto3.Session) -> "Adapters":
        client = session.client("cloudfront", config=cloudfront.CLIENT_CONFIG)
        reader = session.client("cloudfront", config=cloudfront.READING_CONFIG)
        journal = FlushTable(settings.flushes_table, session)
        shards = partial(journal.shards, settings.shards)
        return cls(
            dirty=DirtyTable(settings.dirty_table, session, recent(shards, now), shards),
            journal=journal,
            store=RoutesTable(settings.flushes_table, session),
            source=cloudfront.Distributions(reader, settings.buckets, settings.distributions).find,
            edge=cloudfront.CloudFront(client, reader),
            listing=CachedListing(S3Listing(session.client("s3", config=LISTING_CONFIG)), now),
            publish=EventBus(session).publish,
        )


def flusher(
    adapters: Adapters,
    routes: Routes,
    policy: Policy,
    warn: Warn,
    announce: Callable[[Flush], None] = lambda _: None,
) -> Flusher:
    """Wire a flusher; `warn` receives the reason why a bucket cannot be listed."""
    journal, edge = adapters.journal, adapters.edge
    return Flusher(
        dirty=adapters.dirty,
        journal=journal,
        sender=Sender(edge, journal, policy.budget, now, token, adapters.pause, policy.quota),
        policy=policy,
        survey=_surveyor(adapters.listing, routes, warn),
        routes=routes,
        clock=now,
        token=token,
        warn=warn,
        announce=announce,
    )


def tick(settings: Settings, adapters: Adapters, warn: Warn) -> Tick:
    """Wire the steps of a tick that `edgesweep flush` takes."""
    budget, ledger = settings.policy.budget, adapters.journal.ledger
    announcer = Announcer(adapters.publish, ledger, budget, now, warn)
    discovery = Discovery(
        source=adapters.source,
        store=adapters.store,
        dirty=adapters.dirty,
        journal=adapters.journal,
        buckets=settings.buckets,
        variants=settings.variants,
        selection=settings.selection.patterns,
        clock=now,
        token=row_token,
    )
    return Tick(
        discovery=discovery,
        policy=settings.policy,
        flusher=partial(flusher, adapters, warn=warn, announce=announcer.swept),
        ledger=ledger,
        clock=now,
        announce=announcer.look,
    )


def flush_function(settings: Settings, session: boto3.Session, warn: Warn) -> Tick:
    """Wire all steps of a tick, once for each execution environment: they keep state."""
    adapters = Adapters.real(settings, session)
    gaps = _gaps(settings, session, adapters, warn)
    plain = tick(settings, adapters, warn)
    waker = Waker(adapters.dirty, adapters.journal, plain.flusher, now, adapters.pause)
    whole = replace(plain, gaps=gaps.look, wake=waker.run if settings.wake else plain.wake)
    if settings.others:
        # One HTTP attempt: the calls of a tick are bounded.
        account = cloudfront.Account(session.client("cloudfront", config=cloudfront.CLIENT_CONFIG))
        whole = replace(whole, audit=Auditor(account, adapters.journal, now).look)
    if not settings.dead_letter_queue:
        return whole
    dead = DeadLetterQueue(session.client("sqs"), settings.dead_letter_queue, settings.queue)
    return replace(whole, redrive=Redriver(dead, now, gaps.see).look)


def _gaps(settings: Settings, session: boto3.Session, adapters: Adapters, warn: Warn) -> Gaps:
    s3 = session.client("s3", config=LISTING_CONFIG)

    def silent(bucket: str, before: Collection[str]) -> bool:
        try:
            return not reaches(Bucket(s3, bucket).notifications(), settings.notified_queue)
        except Exception as error:  # noqa: BLE001  # reported; nothing changes
            warn(f"The notifications of the bucket {bucket} cannot be read: {error}")
            return bucket in before

    def oldest(since: datetime) -> timedelta:
        try:
            return oldest_age(session.client("cloudwatch"), settings.queue, since, now())
        except (BotoCoreError, ClientError) as error:
            warn(f"The age of the oldest message is unknown: {error}")
            return timedelta()

    return Gaps(
        buckets=settings.buckets,
        store=adapters.store,
        dirty=adapters.dirty,
        unwired=lambda before: [one for one in settings.buckets if silent(one, before)],
        oldest=oldest if settings.queue else lambda _: timedelta(),
        clock=now,
        token=row_token,
    )


def recorder(settings: Settings, session: boto3.Session) -> Recorder:
    """Wire a recorder without routes; see `informed`."""
    if settings.shards > 1:
        # Readers must know every shard before it holds a row.
        FlushTable(settings.flushes_table, session).shards(settings.shards)
    return Recorder(
        routes=Routes(),
        writer=DirtyTable(settings.dirty_table, session),
        token=row_token,
        selection=settings.selection,
        shards=settings.shards,
        unchanged=unchanged_filter(settings, session) if settings.catalogue_table else None,
    )


def informed(recorder: Recorder, settings: Settings, kept: Kept | None) -> Recorder:
    """Return a recorder with the routes and gaps that `kept` holds."""
    unchanged = recorder.unchanged
    if kept and unchanged:
        unchanged = replace(unchanged, complete_since=kept.complete_since)
    return replace(recorder, routes=routes_of(settings, kept), unchanged=unchanged)


def unchanged_filter(
    settings: Settings,
    session: boto3.Session,
    patience: float | None = PATIENCE,
    kept: Kept | None = None,
) -> UnchangedFilter:
    """Wire the filter of uploads that change nothing; it trusts no entry from a gap in `kept`."""
    heads = S3Heads(session.client("s3", config=HEAD_CONFIG), patience, settings.ignored_metadata)
    since = kept.complete_since if kept else {}
    catalogue = CatalogueTable(settings.catalogue_table, session)
    return UnchangedFilter(catalogue, heads, row_token, now, since)


def routes_of(settings: Settings, kept: Kept | None) -> Routes:
    """Return the routes of a record; without a record, the routes of the settings."""
    if kept is None:
        return everywhere(settings.distributions, settings.buckets)
    return Routes(kept.distributions, settings.variants)


def now() -> datetime:
    return datetime.now(UTC)


def recent(ask: Callable[[], int], clock: Callable[[], datetime]) -> Callable[[], int]:
    """Return a function that asks once in each `REFRESH_EVERY`; recorders may add partitions."""
    answer = lru_cache(1)(lambda _period: ask())
    return lambda: answer((clock() - LONG_AGO) // REFRESH_EVERY)


def _surveyor(listing: Listing, routes: Routes, warn: Warn) -> Surveyor:

    def look(
        distribution: str, dirty: Collection[str], prices: Prices, limits: Limits, keep: Heartbeat
    ) -> Survey:
        mounts, strict = routes.mounts(distribution), routes.strict(distribution)
        ends_at, foreign = now() + MAX_TIME, partial(routes.foreign, distribution)
        ask = partial(survey, foreign=foreign, keep=keep, late=lambda: now() >= ends_at)
        found = ask(listing, mounts, dirty, prices, limits, strict=strict)
        if found.refused:
            warn(found.refused)
        return found

    return look
