"""The wake: flush as soon as an upload has come to rest, rather than at the next tick.

Goal: a change is fresh within seconds, a deploy still goes as a whole, and nothing depends on it. A
wake may be lost, late or repeated, overlap with others, or die while it sleeps: the ticks keep
every promise, and get what is left; see `docs/decisions/6-the-stream-wakes-the-flusher.md`.

A wake looks at the rows, sleeps until the upload has been quiet for long enough, and looks again.
It takes the lease only for the flush itself. A process that settles a flush looks once more, since
the wakes of rows that landed meanwhile have left.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise

from edgesweep.dirty import DirtyRows
from edgesweep.flush.budget import Ledgers
from edgesweep.flush.flusher import LAST_TURN, Flusher, Outcome
from edgesweep.flush.journal import Journal, Lease, ledgers_near
from edgesweep.flush.pace import LADDER, NO_PATHS, Demand
from edgesweep.flush.planning import first_rows
from edgesweep.flush.policy import Policy, Reason
from edgesweep.routes import Routes

WITHIN = timedelta(seconds=15)  # an upload that does not rest by then is left to the ticks
# So is one that began longer ago: a change every second keeps no function asleep for ever.
UPLOAD = timedelta(minutes=1)
# The quiet after a lone change, and after several: a big file makes an upload pause.
LONE = timedelta(seconds=2)
SEVERAL = timedelta(seconds=5)
# The gaps between this many of the newest rows tell how long a pause in the upload may be.
NEWEST = 100
_PAUSES = 3


def quiet(recorded: Sequence[datetime], most: timedelta) -> timedelta:
    """Return how long a silence ends an upload with rows recorded at these times, newest first."""
    gaps = [later - earlier for later, earlier in pairwise(recorded)]
    return min(most, max(SEVERAL, _PAUSES * max(gaps)) if gaps else LONE)


class Haste(Enum):
    """How soon the money lets a wake flush an upload."""

    QUICK = "once it rests"  # paths are as good as free
    GATHERING = "after as long a quiet as a tick waits for"  # paths are dear
    NONE = "with a tick"  # the reserve is left, and a path at most


def haste(policy: Policy, ledgers: Ledgers, demand: Demand, now: datetime) -> Haste:
    """Return how soon a wake may flush, by the ledgers of the months that may be billed."""
    go = policy.decide(ledgers, demand, Lease(), now)
    if isinstance(go, Reason) or go.paths == 1:
        return Haste.NONE
    return Haste.QUICK if go.terms(NO_PATHS).price <= LADDER[0] else Haste.GATHERING


@dataclass(frozen=True, slots=True)
class Upload:
    """The rows of one distribution that wait."""

    began_at: datetime  # when the oldest was recorded
    rests_at: datetime  # when it will have been quiet for long enough, unless more rows arrive
    quiet: timedelta  # how long that is

    @classmethod
    def of(
        cls, began_at: datetime, recorded: Sequence[datetime], most: timedelta, allowed: Haste
    ) -> "Upload":
        """Return the upload whose newest rows were recorded then, the newest first."""
        silence = quiet(recorded, most) if allowed is Haste.QUICK else most
        return cls(began_at, recorded[0] + silence, silence)

    def awaited(self, now: datetime, until: datetime) -> bool:
        """Tell whether a wake that may sleep until then waits for it."""
        return max(now, self.rests_at) <= min(until, self.began_at + UPLOAD)


@dataclass(frozen=True, slots=True)
class Waker:
    """Flushes uploads that come to rest; `pause` sleeps for some seconds."""

    dirty: DirtyRows
    journal: Journal
    flusher: Callable[[Routes, Policy], Flusher]
    clock: Callable[[], datetime]
    pause: Callable[[float], None]

    def run(
        self, distributions: Collection[str], routes: Routes, policy: Policy, began: datetime
    ) -> Sequence[Outcome]:
        """Flush the distributions that come to rest soon; this process began at `began`."""
        now, outcomes = self.clock(), list[Outcome]()
        known = [one for one in routes.ids if one in distributions]
        ends = {one: now + WITHIN for one in known if self.dirty.span(one)}
        if not ends:
            return outcomes
        ledgers = ledgers_near(self.journal, now)
        allowed = haste(policy, ledgers, self.journal.demand(), now)
        if allowed is Haste.NONE:
            return outcomes
        while due := self._due(ends, policy, allowed):
            ends, now = {name: ends[name] for name in due}, self.clock()
            rested = [name for name, upload in due.items() if upload.rests_at <= now]
            if not rested:
                rests_at = min(upload.rests_at for upload in due.values())
                self.pause(max(0.0, (rests_at - self.clock()).total_seconds()))
            for name in rested:
                done = self.flusher(routes, replace(policy, quiet=due[name].quiet)).tick([name])
                outcomes += done
                if any(outcome.settled for outcome in done):
                    ends[name] = min(self.clock() + WITHIN, began + LAST_TURN)
                else:
                    del ends[name]
        return outcomes

    def _due(
        self, ends: Mapping[str, datetime], policy: Policy, allowed: Haste
    ) -> Mapping[str, Upload]:
        found = {name: self._look(name, policy, allowed) for name in ends}
        now = self.clock()
        return {name: one for name, one in found.items() if one and one.awaited(now, ends[name])}

    def _look(self, distribution: str, policy: Policy, allowed: Haste) -> Upload | None:
        """Return the upload of a distribution, None without one or if a tick takes it."""
        lease = self.journal.lease(distribution)
        span = self.dirty.span(distribution)
        if not span or not lease.free:
            return None
        recorded = self.dirty.recent(distribution, NEWEST) or [span.newest]
        if policy.any_urgent(first_rows(self.dirty, distribution)):
            return Upload(recorded[0], span.oldest, timedelta(0))
        return Upload.of(span.oldest, recorded, policy.quiet, allowed)
