"""A site, its recorders and its flushers, from the first change to the last invalidation.

Real recorders and flushers run against fakes of what AWS does, in a world that fails at every call.
When the faults are over it goes on until nothing is dirty; then `laws.py` judges what happened.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, cast
from unittest import mock

from edgesweep.aws.cloudfront import CloudFront
from edgesweep.cover import Limits, Prices
from edgesweep.cover.survey import Survey, unsurveyed
from edgesweep.dirty import parse_instant
from edgesweep.flush import journal, planning, rows, sweeping
from edgesweep.flush.budget import month_bounds, month_of
from edgesweep.flush.flusher import Flusher, Outcome
from edgesweep.flush.journal import Flush
from edgesweep.flush.policy import Reason
from edgesweep.flush.sender import Sender
from edgesweep.paths import matcher
from edgesweep.record.recorder import Message, Recorder
from tests.fakes.cloudfront import StrictCloudFront
from tests.faults.process import MOST_SKEW, NoAnswer, Process
from tests.faults.scenario import MINUTE, Scenario, draw
from tests.faults.services import (
    Charged,
    CloudFrontClient,
    DirtyClient,
    ObjectChange,
    Queue,
    Tables,
    event,
    journal_client,
    viewer_paths,
)
from tests.faults.world import World

FLUSH_SECONDS = 300
RECORD_SECONDS = 30
OURS = "edgesweep "
MAX_WILDCARDS = 13
_MOST_TICKS = 600


@dataclass(frozen=True, slots=True)
class Routes:
    """Which distributions serve a bucket."""

    by_bucket: Mapping[str, Sequence[str]]

    def serves(self, bucket: str) -> bool:
        """Tell whether any distribution leads to the bucket."""
        return bool(self.by_bucket[bucket])

    def distributions(self, bucket: str, key: str) -> Collection[str]:  # noqa: ARG002  # a port
        """Return the ids of the distributions that can serve the object."""
        return self.by_bucket[bucket]


@dataclass(slots=True)
class Story:
    """What happened in a world.

    Attributes:
        scenario: what it began with.
        tables: the rows and the journal as they ended.
        edge: CloudFront with all that it has made.
        queue: what was not recorded.
        changes: what changed in the buckets.
        broken: laws that were seen broken while it happened.
        calm_at: when the faults were over.
        ended_at: when nothing was left to do, None if that never was.
        gone: a distribution that was deleted.
    """

    scenario: Scenario
    tables: Tables
    edge: StrictCloudFront
    queue: Queue
    changes: list[ObjectChange] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    calm_at: datetime = datetime.min
    ended_at: datetime | None = None
    gone: str | None = None


class Simulation:
    """Tells the story of a seed."""

    def __init__(self, seed: int, trace: Callable[[str], None] | None = None) -> None:
        self.scenario = scenario = draw(seed)
        self.random = Random(f"{seed} happens")  # repeatable, not secret
        self.world = World(self.random, scenario.start, scenario.weather, trace)
        self.tables = Tables(self.world)
        self.edge = StrictCloudFront(
            lambda: self.world.now, set(scenario.distributions), scenario.rules
        )
        self.queue = Queue(self.world, self._receive)
        self.story = Story(scenario, self.tables, self.edge, self.queue)
        self.tables.journal.ledger[month_of(scenario.start)] = scenario.spent
        self._flushers = 0
        self._started = 0
        self._made = self._coming = 0
        self._changes_until = scenario.start + timedelta(seconds=scenario.changing)
        self._outcomes: Sequence[Outcome] = ()

    def tell(self) -> Story:
        """Let it all happen.

        Returns:
            The story, to be judged.
        """
        self.world.tell("scenario", self.scenario)
        self._plan()
        rate = self.scenario.rules.paths_per_second or journal.PATHS_PER_SECOND
        with (
            mock.patch.object(planning, "MAX_ROWS", self.scenario.max_rows),
            mock.patch.object(sweeping, "MAX_SWEPT", self.scenario.max_rows),
            mock.patch.object(rows, "CHUNK", self.scenario.page),
            mock.patch.object(journal, "PATHS_PER_SECOND", rate),
        ):
            self.world.run(self.scenario.faulty)
            self._calm_down()
            self.world.run(self.scenario.changing - self.scenario.faulty + 1)
            self._await_quiet()
            self.world.end()
        return self.story

    def watch(self, charged: Charged | None) -> None:
        """Note it at once if more is billed than charged, charged than allowed, or in progress."""
        self._check_money()
        if charged is not None and charged.replaces:
            self._check_unpaid(charged)
        elif charged is not None and len(charged.flush.paths) > 1:
            self._check_reserve(charged.flush)
        made = self.edge.made
        if self._made < len(made) and made[-1].reference.startswith(OURS):
            self._check_quota(made[-1].distribution)
            if self.random.random() < 0.3 and self.world.now < self._changes_until:
                self.world.after(self.random.uniform(0, 6), self._change)
        self._made = len(made)

    def _check_money(self) -> None:
        allowance = self.scenario.policy.budget.allowance
        ledger = self.tables.journal.ledger
        for month, paths in billed(self.story).items():
            if paths > ledger[month]:
                self._broken(f"{month}: {paths} paths are billed and {ledger[month]} charged")
        for month, paths in ledger.items():
            if allowance is not None and paths > allowance:
                self._broken(f"{month}: {paths} paths are charged, {allowance} allowed")

    def _check_reserve(self, charged: Flush) -> None:
        """More than one path is taken from what is left beside the reserve alone."""
        budget, now = self.scenario.policy.budget, self.world.now
        for month in charged.months if budget.allowance is not None else ():
            start, end = month_bounds(parse_instant(f"{month}-01T00:00:00.000000Z"))
            moment = min(
                max(now + 2 * timedelta(seconds=MOST_SKEW), start), end - timedelta(seconds=1)
            )
            left = (budget.allowance or 0) - self.tables.journal.ledger[month]
            if left < budget.reserve(moment):
                self._broken(f"{month}: {left} paths left at {now}, {charged.id} took the reserve")

    def _check_unpaid(self, charged: Charged) -> None:
        """A flush that replaces another pays for nothing that the other has paid."""
        for path in charged.flush.paths:
            if not any(map(matcher([path]), charged.unpaid)):
                self._broken(f"{charged.flush.id} pays for {path} again")

    def _check_quota(self, distribution: str) -> None:
        """Two wildcards are left to people."""
        busy = [
            one for one in self.edge.in_progress(distribution) if one.reference.startswith(OURS)
        ]
        wildcards = sum(one.wildcards for one in busy)
        if wildcards > MAX_WILDCARDS:
            self._broken(f"{wildcards} wildcards of ours in progress at {distribution}")

    def _broken(self, law: str) -> None:
        self.world.tell("LAW", law)
        self.story.broken.append(law)

    def _plan(self) -> None:
        scenario = self.scenario
        for _ in range(scenario.changes):
            self.world.after(self.random.uniform(0, scenario.changing), self._change)
        if self.random.getrandbits(1):
            deploy = self.random.uniform(0, scenario.changing - 5)
            for _ in range(self.random.randrange(12)):
                self.world.after(deploy + self.random.uniform(0, 5), self._change)
        for _ in range(self.random.choice((0, 0, 6, 80))):
            self.world.after(self.random.uniform(0, scenario.faulty), self._meddle)
        if scenario.gone is not None:
            self.world.after(scenario.gone, self._delete_distribution)
        self.world.after(self.random.uniform(0, MINUTE), self._schedule)

    def _calm_down(self) -> None:
        self.story.calm_at = self.world.now
        self.world.weather = self.scenario.calm
        self.world.tell("weather", "is calm")

    def _await_quiet(self) -> None:
        for _ in range(_MOST_TICKS):
            if self._quiet():
                self.story.ended_at = self.world.now
                return
            self.world.run(self._until_due())

    def _quiet(self) -> bool:
        leases = self.tables.journal.leases.values()
        return (
            not self._coming
            and not self.queue.bodies
            and not any(map(self.tables.dirty.span, self.scenario.distributions))
            and not any(lease.unfinished for lease in leases)
        )

    def _until_due(self) -> float:
        """Return how long to wait; where only a budget holds, that may be days."""
        reasons = {outcome.reason for outcome in self._outcomes}
        budget, now = self.scenario.policy.budget, self.world.now
        over = now > self._changes_until
        month, month_end = month_bounds(now)
        beginning = now - month < timedelta(minutes=3)
        if (
            self.queue.bodies
            or reasons != {Reason.BUDGET}
            or self._flushers
            or not over
            or beginning
        ):
            return MINUTE
        interval = budget.interval(now)
        leases = [self.tables.journal.lease(one.distribution) for one in self._outcomes]
        due = [lease.flushed_at + interval for lease in leases if lease.flushed_at is not None]
        step = now + (month_end - now) % interval
        # What fell due long ago waits for the next month: its path was lost to a fault.
        passed = now - timedelta(minutes=5)
        later = [moment - now for moment in (*due, step, month_end) if moment > passed]
        soonest = min(later) - timedelta(seconds=90)
        return max(MINUTE, soonest.total_seconds() // MINUTE * MINUTE)

    def _change(self) -> None:
        bucket = self.random.choice(list(self.scenario.serves))
        key = self.random.choice(self.scenario.keys)
        change = ObjectChange(bucket, key, self.world.now)
        self.story.changes.append(change)
        self.world.tell("bucket", f"{bucket}/{key} changes")
        body = event(change, created=bool(self.random.getrandbits(2)))
        copies = 1 + (self.world.weather.lost > 0 and self.random.random() < 0.1)
        for _ in range(copies):
            late = self.world.weather.late > 0 and self.random.random() < 0.1
            delay = self.random.uniform(0, 240 if late else 2)
            self._coming += 1
            self.world.after(delay, lambda: self._notify(body))

    def _notify(self, body: str) -> None:
        self._coming -= 1
        self.queue.send(body)

    def _meddle(self) -> None:
        """Let a person invalidate something by hand."""
        paths = self.random.choice((["/x*"], ["/x*", "/y*"], ["/x"]))
        request = {"Paths": {"Quantity": len(paths), "Items": paths}}
        reference = f"person {self.world.now}"
        distribution = self.random.choice(self.scenario.distributions)
        try:
            self.edge.create_invalidation(
                DistributionId=distribution,
                InvalidationBatch={**request, "CallerReference": reference},
            )
        except Exception as error:  # noqa: BLE001  # the person shrugs
            self.world.tell("person", error)

    def _delete_distribution(self) -> None:
        self.story.gone = self.random.choice(self.scenario.distributions)
        self.edge.distributions.discard(self.story.gone)
        self.world.tell("person", f"deletes {self.story.gone}")

    def _receive(self, batch: Mapping[str, str]) -> None:
        def body(process: Process) -> None:
            self._record(process, batch)

        self.world.start(Process(self.world, f"record {min(batch)}", body, RECORD_SECONDS))

    def _record(self, process: Process, batch: Mapping[str, str]) -> None:
        now = process.clock()
        routes = Routes(self.scenario.serves)
        recorder = Recorder(routes, DirtyClient(process, self.tables), process.token)
        messages = [Message(identity, body) for identity, body in batch.items()]
        failed = recorder.record(messages, now).failed
        done = [message for message in batch if message not in failed]
        try:
            process.call("queue.acknowledge", lambda: self.queue.acknowledge(done))
        except NoAnswer:
            return

    def _schedule(self) -> None:
        wait = self._until_due()
        self.world.after(wait, self._schedule)
        if wait > MINUTE:
            return
        twice = self.world.weather.lost and self.random.random() < 0.1
        for _ in range(self.scenario.at_once + bool(twice)):
            if self._flushers < self.scenario.flushers:
                self._flushers += 1
                self._started += 1
                name = f"flush {self._started}"
                process = Process(self.world, name, self._tick, FLUSH_SECONDS, self._ticked)
                self.world.start(process)

    def _ticked(self) -> None:
        self._flushers -= 1

    def _tick(self, process: Process) -> None:
        try:
            outcomes = self.flusher(process).tick(self.scenario.distributions)
        except NoAnswer as error:
            self.world.tell(process.name, f"failed: {error}")
            return
        self._outcomes = outcomes
        for outcome in outcomes:
            self._check(outcome, process)

    def _check(self, outcome: Outcome, process: Process) -> None:
        told = f"{outcome.distribution} {outcome.reason} {outcome.error or ''}"
        self.world.tell(process.name, told)
        if outcome.error is not None and not _of_the_world(outcome.error):
            self._broken(f"{process.name}: {outcome.error!r}")

    def flusher(self, process: Process) -> Flusher:
        """Wire a flusher as the Lambda does."""
        dirty = DirtyClient(process, self.tables, self.scenario.page)
        flushes = journal_client(process, self.tables, dirty, self.watch)
        edge = CloudFront(cast("Any", CloudFrontClient(process, self.edge, self.watch)))
        budget = self.scenario.policy.budget
        sender = Sender(edge, flushes, budget, process.clock, process.token, process.sleep)
        return Flusher(
            dirty=dirty,
            journal=flushes,
            sender=sender,
            policy=self.scenario.policy,
            survey=partial(self._survey, process),
            viewer_paths=viewer_paths,
            strict=lambda _: False,
            clock=process.clock,
            token=process.token,
        )

    def _survey(
        self,
        process: Process,
        distribution: str,
        dirty: Collection[str],
        _prices: Prices,
        _limits: Limits,
        _keep: Callable[[], None],
    ) -> Survey:
        process.sleep(self.scenario.surveying.get(distribution, 0.0))
        return unsurveyed(dirty) if self.scenario.surveyed else Survey((), ())


def billed(story: Story) -> Mapping[str, int]:
    """Return what CloudFront bills for us, by month."""
    paths = dict(story.edge.billed(ours=OURS))
    first = month_of(story.scenario.start)
    return {**paths, first: paths.get(first, 0) + story.scenario.spent}


def _of_the_world(error: Exception) -> bool:
    """Tell whether an error is one that the weather made."""
    return isinstance(error, NoAnswer) or type(error).__module__.startswith("botocore")
