"""A site, its recorders and its flushers, from the first change to the last invalidation.

The real functions run against fakes of what AWS does, in a world that fails at every call. When the
faults are over it continues until nothing is dirty; then `laws.py` judges what happened.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from unittest import mock

import handlers.flush
import handlers.record
from edgesweep import dirty
from edgesweep.cover import Limits, Prices
from edgesweep.cover.survey import Listing, Survey, survey, unsurveyed
from edgesweep.dirty import UNROUTED, DirtyRow
from edgesweep.flush import (
    auditing,
    discovery,
    gaps,
    journal,
    others,
    planning,
    redrive,
    sweeping,
)
from edgesweep.flush.budget import month_bounds, month_of
from edgesweep.flush.discovery import REFRESH_EVERY
from edgesweep.flush.policy import Reason
from edgesweep.flush.redrive import ATTEMPTS
from edgesweep.flush.sender import PAUSE_SECONDS
from edgesweep.paths import Mount
from edgesweep.settings import Settings
from tests.fakes.cloudfront import Made, StrictCloudFront
from tests.faults import clients, queues, tables
from tests.faults.account import Account
from tests.faults.deployment import Deployment
from tests.faults.draw import KINDS, draw
from tests.faults.kinds import Kind
from tests.faults.people import LOST, POISON, People
from tests.faults.process import Process, here
from tests.faults.queues import DEAD, QUEUE, Queues, SqsClient
from tests.faults.scenario import EVERYWHERE, LISTED, MINUTE, Scenario
from tests.faults.site import Site
from tests.faults.tables import Charged, Tables
from tests.faults.waiter import begin
from tests.faults.watch import Watch
from tests.faults.world import Weather, World

_MOST_TICKS = 600
_AN_HOUR = timedelta(minutes=3)
# A table has several streams of rows, and each calls one function at a time.
_STREAMS = 3
# By then a configuration that is everywhere was seen, twice, by every environment.
_SEEN = 2 * REFRESH_EVERY + timedelta(minutes=5)
Shards = Callable[[], int]

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Story:
    """What happened in a world."""

    scenario: Scenario  # what it began with
    tables: Tables  # the rows and the journal as they ended
    site: Site  # what was in the buckets, when
    account: Account  # how the distributions were configured, when
    edge: StrictCloudFront  # CloudFront with all that it has made
    ours: Sequence[Made]  # what it has made for us
    full_at: Sequence[datetime]  # when it refused us since too much was in progress
    queues: Queues  # what was not recorded
    watch: Watch  # the laws that were seen broken while it happened
    events: clients.EventsClient  # what EventBridge was asked to take
    calm_at: datetime = _NEVER  # when the faults were over
    ended_at: datetime | None = None  # when nothing was left to do, None if that never was
    # When each wait for the edge began, and when it returned.
    waited: list[tuple[datetime, datetime]] = field(default_factory=list)


class Simulation:
    """Tells the story of a seed."""

    def __init__(
        self,
        seed: int,
        trace: Callable[[str], None] | None = None,
        kinds: Mapping[Kind, float] = KINDS,
    ) -> None:
        self.scenario = scenario = draw(seed, kinds)
        self.random = Random(f"{seed} happens")  # repeatable, not secret
        # A stack that is not fresh has looked for distributions a minute before.
        begun_at = scenario.start - timedelta(seconds=0 if scenario.fresh else MINUTE)
        self.world = World(self.random, begun_at, Weather(latency=0), trace)
        self.tables = Tables(self.world)
        self.tables.journal.charged[month_of(scenario.start)] = scenario.spent
        site, account = Site(self.world, versioned=scenario.versioned), Account(self.world)
        edge = StrictCloudFront(lambda: self.world.now, set(scenario.distributions), scenario.rules)
        cloudfront = clients.CloudFrontClient(self.world, edge, account)
        cloudfront.watch = self._watch
        self.watch = Watch(
            self.world, self.tables, cloudfront.made, scenario.policy, lambda: self.people.sharing
        )
        self.queues = Queues(self.world, lambda batch: self.deployment.record(self.queues, batch))
        self.people = People(scenario, self.world, site, account, edge, self.queues, self.tables)
        self.story = Story(
            scenario,
            self.tables,
            site,
            account,
            edge,
            cloudfront.made,
            cloudfront.full_at,
            self.queues,
            self.watch,
            clients.EventsClient(),
        )
        self.deployment = Deployment(
            self.world,
            _settings(scenario),
            self._fakes(cloudfront),
            self.watch.note,
            self._asleep,
        )
        self.tables.heard = self._hear
        self._heard: set[str] = set()
        self._made = 0
        self._changes_until = scenario.start + timedelta(seconds=scenario.changing)

    def tell(self) -> Story:
        """Let it all happen.

        Returns:
            The story, to be judged.
        """
        scenario = self.scenario
        self.world.tell("scenario", scenario)
        with self.deployment.loaded(), self._bounds():
            self.people.settle()
            if not scenario.fresh:
                self.deployment.tick()
                self.world.run(MINUTE)
            self.world.weather = scenario.weather
            self.people.plan()
            self._plan_releases()
            wait = partial(begin, self.world, scenario, self.deployment, self.story.waited)
            for _ in range(scenario.waits):
                self.world.after(self.random.uniform(0, scenario.changing), wait)
            self.world.after(self.random.uniform(0, MINUTE), self._schedule)
            self.world.run(scenario.faulty)
            fair = scenario.weather.fair
            self.story.calm_at = scenario.start if fair else self.world.now
            self.world.weather = scenario.calm
            self.world.tell("weather", "is calm")
            self.world.run(scenario.changing - scenario.faulty + 1)
            self._await_quiet()
            self.world.end()
        return self.story

    def _fakes(self, cloudfront: clients.CloudFrontClient) -> Mapping[str, object]:
        """Return the fake of everything that reaches AWS, by its name in our modules."""
        scenario, world = self.scenario, self.world

        def dirty(
            _name: str, _session: object, shards: Shards = lambda: 1, latest: Shards = lambda: 1
        ) -> tables.DirtyClient:
            return tables.DirtyClient(self.tables, scenario.page, scenario.pace, shards, latest)

        flushes = tables.journal_client(self.tables, self._watch, self.viewer_paths)
        sqs, listing = SqsClient(self.queues, world), clients.Listing(self.story.site, world)
        boto3 = clients.Boto3(
            cloudfront=cloudfront,
            sqs=sqs,
            s3=clients.S3Client(self.people.unwired),
            cloudwatch=clients.CloudWatchClient(self.queues),
            events=self.story.events,
        )
        return {
            "boto3": boto3,
            "DirtyTable": dirty,
            "FlushTable": lambda *_: flushes,
            "RoutesTable": lambda *_: tables.RoutesClient(self.tables, self.story.account.keep),
            "CatalogueTable": lambda *_: tables.CatalogueClient(self.tables),
            "S3Heads": lambda *_: self.story.site.look,
            "S3Listing": lambda *_: listing,
            "survey": self._survey,
        }

    @contextmanager
    def _bounds(self) -> Iterator[None]:
        """Scale the bounds of the functions to the world."""
        scenario = self.scenario
        rate = scenario.rules.paths_per_second or journal.PATHS_PER_SECOND
        bounds = [
            (planning, "MAX_ROWS", scenario.max_rows),
            (sweeping, "MAX_SWEPT", 5 * scenario.max_rows),
            (dirty, "CHUNK", scenario.page),
            (journal, "PATHS_PER_SECOND", rate),
            (redrive, "MOST_LETTERS", scenario.letters or redrive.MOST_LETTERS),
            (redrive, "ATTEMPTS", scenario.attempts),
            (gaps, "ATTEMPTS", scenario.attempts),
            (gaps, "DAILY", scenario.day),
            (gaps, "NEARLY_EXPIRED", 13 * scenario.day),
            (queues, "RETENTION", 14 * scenario.day),
            (auditing, "EVERY", _AN_HOUR),
            (auditing, "MOST_CALLS", 6),
            (others, "EVERY", _AN_HOUR),
            (others, "OFTEN", _AN_HOUR / 3),
            (discovery, "MAX_ROUTED", max(1, scenario.max_rows // 4)),
        ]
        with ExitStack() as patches:
            for module, name, value in bounds:
                patches.enter_context(mock.patch.object(module, name, value))
            yield

    def viewer_paths(self, row: DirtyRow) -> Sequence[str]:
        """Return every viewer path under which a row's object was ever served."""
        return self.story.account.distributions[row.distribution].paths_of(row)

    def _watch(self, charged: Charged | None) -> None:
        if charged is not None and not self.story.account.static(charged.flush.distribution):
            # Which paths its rows had when they were planned is not known.
            charged = None
        self.watch(charged)
        made = len(self.story.ours)
        changing = self.world.now < self._changes_until
        if self._made < made and self.random.random() < 0.3 and changing:
            self.world.after(self.random.uniform(0, 6), self.people.change)
        self._made = made

    def _survey(  # noqa: PLR0913  # as the real one
        self,
        listing: Listing,
        mounts: Collection[Mount],
        dirty: Collection[str],
        prices: Prices,
        limits: Limits,
        *,
        strict: bool,
        **options: Any,  # as the real one
    ) -> Survey:
        """Survey as the scenario has it; that takes time, and may be the death of the process."""
        scenario, buckets = self.scenario, {mount.bucket for mount in mounts}
        if any(len(dirty) > scenario.pace.most.get(bucket, len(dirty)) for bucket in buckets):
            here().die("is out of memory")
        seconds = max((scenario.surveying.get(bucket, 0.0) for bucket in buckets), default=0.0)
        if seconds or scenario.pace.plan:
            here().sleep(seconds + scenario.pace.plan * len(dirty))
        if scenario.surveyed == LISTED:
            return survey(listing, mounts, dirty, prices, limits, strict=strict, **options)
        everywhere = scenario.surveyed == EVERYWHERE
        return unsurveyed(dirty, strict=strict) if everywhere else Survey((), ())

    def _plan_releases(self) -> None:
        scenario, deployment = self.scenario, self.deployment
        functions = (handlers.record, deployment.recorder), (handlers.flush, deployment.flush)
        for function, moment in zip(functions, scenario.resharded or (), strict=False):
            self.world.after(moment, partial(deployment.release, *function, shards=3))
        first, *others = scenario.serves
        for moment, swept in zip(scenario.dropped or (), (others, scenario.serves), strict=False):
            for function in functions:
                self.world.after(moment, partial(deployment.release, *function, buckets=(*swept,)))
            self.world.after(moment, partial(self.people.hear, first, first in swept))

    def _hear(self, written: Sequence[DirtyRow]) -> None:
        """Let a stream tell of new rows: not at all, soon, late, or twice."""
        weather, random = self.world.weather, self.random
        if not self.scenario.wake or random.random() < weather.lost:
            return
        self._heard.update(row.partition for row in written)
        for _ in range(1 + (random.random() < weather.lost)):
            late = random.random() < weather.late
            self.world.after(random.uniform(0.2, 60 if late else 1), self._wake)

    def _wake(self) -> None:
        if self.deployment.waker.running >= _STREAMS:
            self.world.after(1, self._wake)
        elif self._heard and not self._silent:
            self.deployment.wake(sorted(self._heard))
            self._heard.clear()

    def _asleep(self, process: Process, seconds: float) -> None:
        """Let nobody sleep with a lease, and now and then not wake up again."""
        leases = self.tables.journal.leases.values()
        if seconds > PAUSE_SECONDS and process.tokens & {lease.token for lease in leases}:
            self.watch.note(f"{process.name} sleeps with a lease")
        if self.random.random() < 5 * self.world.weather.crash:
            process.die("is killed asleep")

    def _schedule(self) -> None:
        wait = self._until_due()
        self.world.after(wait, self._schedule)
        if wait > MINUTE or self._silent:
            return
        twice = self.world.weather.lost and self.random.random() < 0.1
        for _ in range(self.scenario.at_once + bool(twice)):
            if self.deployment.flush.running < self.scenario.flushers:
                self.deployment.tick()

    @property
    def _silent(self) -> bool:
        passed = (self.world.now - self.scenario.start).total_seconds()
        first, last = self.scenario.silent or (0.0, 0.0)
        return first <= passed < last

    def _await_quiet(self) -> None:
        for _ in range(_MOST_TICKS):
            if self._quiet():
                self.story.ended_at = self.world.now
                return
            self.world.run(self._until_due())

    def _quiet(self) -> bool:
        account, dirty = self.story.account, self.tables.dirty
        leases = self.tables.journal.leases.values()
        return (
            not self.people.coming
            and not self._unrecorded
            and not any(map(dirty.span, account.existing))
            and not any(lease.unfinished for lease in leases)
            and self.world.now >= self._settled_at
            and not any(account.leads_to(row.change.bucket) for row in dirty.read(UNROUTED))
            and (not self.scenario.audited or not self._uncounted)
        )

    @property
    def _uncounted(self) -> bool:
        """Whether anything may have been invalidated since the last look at all distributions."""
        looks, made = self.tables.journal.looks(), self.story.edge.made
        counted = max((one.created_at for one in made), default=_NEVER) + _AN_HOUR
        return looks.unread or self.world.now < counted + 2 * _AN_HOUR + timedelta(minutes=20)

    @property
    def _settled_at(self) -> datetime:
        """When everything that was changed, or missed, was seen by everybody."""
        scenario, account = self.scenario, self.story.account
        static = all(map(account.static, account.ids))
        moments = [] if static else [account.quiet_at + _SEEN]
        _, wired = scenario.unwired or (0.0, 0.0)
        _, again = scenario.dropped or (0.0, 0.0)
        _, silent = scenario.silent or (0.0, 0.0)
        given_up = scenario.closed if scenario.attempts < ATTEMPTS else 0.0
        if missed := max(wired, again, silent, given_up):
            whole = scenario.day + gaps.SETTLED + 3 * redrive.LOOK_EVERY
            moments.append(scenario.start + timedelta(seconds=missed) + whole)
        return max(moments, default=scenario.start)

    @property
    def _unrecorded(self) -> bool:
        """Whether anything that can be recorded is not."""
        dead = [one for one in self.queues.dead.values() if one.redriven < self.scenario.attempts]
        return any(letter.body != POISON for letter in (*self.queues.waiting.values(), *dead))

    def _until_due(self) -> float:
        """Return how long to wait; where only a budget holds, that may be days."""
        outcomes = self.deployment.outcomes
        budget, now = self.scenario.policy.budget, self.world.now
        month, month_end = month_bounds(now)
        beginning = now - month < timedelta(minutes=3)
        held = {outcome.reason for outcome in outcomes} or {Reason.UPLOADING}
        if (
            self._unrecorded
            or held - {Reason.BUDGET, Reason.SPENT}
            or self.deployment.flush.running
            or now <= self._changes_until
            or beginning
        ):
            return MINUTE
        interval = budget.interval(now)
        leases = [self.tables.journal.lease(one.distribution) for one in outcomes]
        due = [lease.flushed_at + interval for lease in leases if lease.flushed_at is not None]
        step = now + (month_end - now) % interval
        # What fell due long ago waits for the next month: its path was lost to a fault.
        passed = now - timedelta(minutes=5)
        later = [moment - now for moment in (*due, step, month_end) if moment > passed]
        soonest = min(later) - timedelta(seconds=90)
        return max(MINUTE, soonest.total_seconds() // MINUTE * MINUTE)


def _settings(scenario: Scenario) -> Settings:
    """Return the settings of the functions."""
    told = Settings.from_mapping(
        {
            "DIRTY_TABLE": "dirty",
            "FLUSHES_TABLE": "flushes",
            "CATALOGUE_TABLE": "catalogue" if scenario.catalogue else "",
            "BUCKET": ",".join((*scenario.serves, *([LOST] if scenario.unrouted else ()))),
            "SHARDS": str(scenario.shards),
            "QUEUE": QUEUE,
            "DEAD_LETTER_QUEUE": DEAD,
            "OTHERS": "count" if scenario.audited else "ignore",
            "WAKE": str(scenario.wake).lower(),
        }
    )
    return replace(told, policy=scenario.policy)
