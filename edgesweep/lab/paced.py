"""Edgesweep replayed under a budget: every deploy waits for its tick, and every path is counted.

The policy and the pace are the deployed flusher's; its clock ticks every minute, nothing
fails, and CloudFront completes an invalidation before the next tick. With wakes, an upload goes as
soon as it has come to rest, unless it is left to the ticks.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain, islice, repeat

from edgesweep.cover import Candidates, Cover, Member, find_candidates
from edgesweep.dirty import LONG_AGO
from edgesweep.flush.budget import Ledger, month_of, months_near
from edgesweep.flush.choice import offers, pick
from edgesweep.flush.journal import Lease
from edgesweep.flush.pace import Demand
from edgesweep.flush.policy import Go, Policy, Reason
from edgesweep.flush.wake import NEWEST, UPLOAD, Haste, Upload, haste
from edgesweep.lab import OURS, Replayed
from edgesweep.lab.history import HistorySource, Progress, Step

TICK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PacedFlush:
    distribution: str  # what was flushed
    steps: Sequence[Step]  # the deploys in it, oldest first
    step: Step  # the deploys as one, at the tick that sent it
    members: Sequence[Member]  # its paths
    due_at: datetime  # the first tick at which it was wanted


@dataclass(slots=True)
class _Waiting:
    """The unflushed deploys of a distribution."""

    steps: list[Step] = field(default_factory=list)
    due_at: datetime | None = None
    flushed_at: datetime | None = None
    woken_at: datetime = LONG_AGO
    _offered: tuple[Step, Candidates, Sequence[Cover]] | None = None  # until another deploy comes

    def add(self, step: Step) -> None:
        self.steps.append(step)
        self._offered = None

    def offered(self, policy: Policy) -> tuple[Step, Candidates, Sequence[Cover]]:
        """Return the deploys as one, their candidates and offers, found once for all ticks."""
        if self._offered is None:
            step = _merged(self.steps)
            candidates = find_candidates(step.reported, step.live)
            self._offered = step, candidates, offers(candidates, policy)
        return self._offered

    @property
    def recorded(self) -> Sequence[datetime]:
        """When the newest rows were recorded, the newest first."""
        each = (repeat(step.at, len(step.reported)) for step in reversed(self.steps))
        return list(islice(chain.from_iterable(each), NEWEST))


@dataclass(slots=True)
class Paced:
    """The deploys of several distributions that share one budget."""

    policy: Policy  # when to flush, and for how many paths
    wake: bool = False  # whether uploads wake a flush, beside the ticks
    charged: Counter[str] = field(default_factory=Counter)  # the paths sent in each month
    _demand: Demand = field(default_factory=Demand)
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _now: datetime = LONG_AGO

    def run(self, deploys: Iterable[tuple[str, Step]]) -> Iterator[PacedFlush]:
        """Yield the flushes of deploys in the order of time, each with its distribution."""
        for distribution, step in deploys:
            yield from self._until(step.at)
            if step.reported:
                self._waiting.setdefault(distribution, _Waiting()).add(step)
        yield from self._until(None)

    def _until(self, end: datetime | None) -> Iterator[PacedFlush]:
        """Tick while anything waits, up to the last tick before `end`."""
        while wanting := [one for one in self._waiting.items() if one[1].steps]:
            oldest = min(waiting.steps[0].at for _, waiting in wanting)
            tick = max(self._now, oldest).replace(second=0, microsecond=0) + TICK
            uploads = self._uploads(wanting, min(tick, end or tick)) if self.wake else {}
            moment = min([tick, *(upload.rests_at for upload in uploads.values())])
            if end is not None and moment >= end:
                return
            self._now = moment
            for distribution, waiting in sorted(wanting, key=lambda one: one[1].steps[0].at):
                upload = uploads.get(distribution)
                if moment == tick:
                    yield from self._flush(distribution, waiting, self.policy)
                elif upload and upload.rests_at == moment:
                    waiting.woken_at = moment
                    policy = replace(self.policy, quiet=upload.quiet)
                    yield from self._flush(distribution, waiting, policy)

    def _uploads(
        self, wanting: Iterable[tuple[str, _Waiting]], end: datetime
    ) -> Mapping[str, Upload]:
        """Return the uploads that may rest before `end` and whose rest a wake waits for."""
        found, most = {}, self.policy.quiet
        for distribution, waiting in wanting:
            began, newest = waiting.steps[0].at, waiting.steps[-1].at
            if newest > began + UPLOAD or newest + most <= waiting.woken_at:
                continue
            recorded = waiting.recorded
            if Upload.of(began, recorded, most, Haste.QUICK).rests_at >= end:
                continue
            allowed = haste(self.policy, self._ledgers(newest), self._demand, newest)
            upload = Upload.of(began, recorded, most, allowed)
            awaited = upload.rests_at > waiting.woken_at and allowed is not Haste.NONE
            if awaited and upload.awaited(newest, upload.rests_at):
                found[distribution] = upload
        return found

    def _ledgers(self, now: datetime) -> Mapping[str, Ledger]:
        return {month: Ledger(self.charged[month]) for month in months_near(now)}

    def _flush(self, distribution: str, waiting: _Waiting, policy: Policy) -> Iterator[PacedFlush]:
        now = self._now
        reason = policy.ready(waiting.steps[0].at, waiting.steps[-1].at, now)
        if reason is Reason.UPLOADING:
            return
        waiting.due_at = waiting.due_at or now
        lease = Lease(flushed_at=waiting.flushed_at)
        go = policy.decide(self._ledgers(now), self._demand, lease, now)
        if not isinstance(go, Go):
            return
        step, candidates, known = waiting.offered(self.policy)
        choice = pick(candidates, go, self.policy, known=known)
        if self.policy.waits(choice.avoidable, waiting.steps[0].at, self._demand, now):
            return
        members = choice.cover.members
        self._demand = self._demand.after(choice.wanted, now, choice.bought)
        self.charged[month_of(now)] += len(members)
        self._waiting[distribution] = _Waiting(flushed_at=now)
        sent = replace(step, at=now)
        yield PacedFlush(distribution, waiting.steps, sent, members, waiting.due_at)


@dataclass(frozen=True, slots=True)
class Swept:
    row: Replayed
    flushes: Sequence[tuple[datetime, int]]  # the tick of each flush, oldest first, and its paths
    waits: Sequence[timedelta]  # how long each deploy that changed something waited for its flush


def sweep(
    source: HistorySource,
    policy: Policy,
    progress: Progress = None,
    strategy: str = OURS,
    *,
    wake: bool = True,
) -> Swept:
    """Replay Edgesweep, with or without the catalogue or wakes, over one history."""
    row = Replayed(source.name, strategy)
    flushes, waits = list[tuple[datetime, int]](), list[timedelta]()

    def deploys() -> Iterator[tuple[str, Step]]:
        for step in source.steps(progress):
            seen = step.seen(catalogue=strategy == OURS)
            row.begin(seen)
            yield source.name, seen

    for sent in Paced(policy, wake).run(deploys()):
        row.add(sent.step, [member.pattern for member in sent.members])
        flushes.append((sent.step.at, len(sent.members)))
        waits += [sent.step.at - step.at for step in sent.steps]
    return Swept(row, flushes, waits)


def _merged(steps: Sequence[Step]) -> Step:
    *_, last = steps
    dirty = set(chain.from_iterable(step.dirty for step in steps))
    unchanged = set(chain.from_iterable(step.unchanged for step in steps)) - dirty
    return Step(last.at, sorted(dirty), last.live, tuple(sorted(unchanged)))
