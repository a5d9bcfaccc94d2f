"""Flush: dirty rows in, at most one invalidation for each distribution and tick.

Goal: no change is lost and no path is paid twice, whatever crashes, repeats, overlaps or is late.
Every step may be the last one of this process:

1. peek      nothing dirty and nothing unfinished costs a few small reads and no write.
2. lease     it keeps other flushers away. That saves work; safety does not depend on its time.
3. recover   an unfinished flush goes first. If it is open, we send its paths again under its
             references: CloudFront answers with the invalidation it has made and bills nothing.
4. decide    hold or flush, and how many paths may be spent.
5. read      the rows, the oldest first.
6. survey    which unchanged objects a wildcard would hit.
7. cover     the cheapest paths.
8. open      journal, ledger, lease token and unfinished flush in one transaction.
9. send      count the attempt, then ask CloudFront once.
10. sent     note the invalidation.
11. sweep    delete the rows that were read, and covered rows that are older than the flush: a
             portion in each tick, from a place that the journal keeps.
12. settle   nothing is unfinished any more.

Steps 5 to 7 are in `planning.py`, 9 and 10 in `sender.py`, 11 in `sweeping.py`. The lease counts
flushers that died since a flush was last opened: a distribution whose flusher has just died goes
last, and after some deaths its flushes take less, so their cause does not stop it for ever.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from edgesweep.dirty import LONG_AGO, DirtyRow, DirtyRows, Span
from edgesweep.errors import OverLimit, Overtaken
from edgesweep.flush.journal import Flush, HeldLease, Journal, Lease, State, ledgers_near
from edgesweep.flush.pace import NO_PATHS
from edgesweep.flush.planning import SEVERAL_DEATHS, Planner, Surveyor, first_rows
from edgesweep.flush.policy import Policy, Reason
from edgesweep.flush.sender import Answer, Refusal, Refused, Sender
from edgesweep.flush.sweeping import Sweeper
from edgesweep.routes import Routes

# After this a tick starts no turn. A turn takes up to two minutes, and the function may take five.
LAST_TURN = timedelta(minutes=3)
LAST_FOR = timedelta(minutes=10)  # for how long a distribution goes last after its flusher died
_GOES_ON = (Reason.UNFINISHED, Reason.SWEEPING)  # with these reasons a flush is still unfinished


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a tick for one distribution."""

    distribution: str
    reason: Reason
    flush: Flush | None = None  # the flush that was sent, settled or left open
    answer: Answer | None = None  # CloudFront's last answer
    error: Exception | None = None
    oldest: datetime | None = None  # when the oldest waiting row was recorded, if any waited
    deaths: int = 0  # how many flushers died in a row before the tick, without any progress

    @property
    def settled(self) -> bool:
        return self.flush is not None and self.flush.state is State.SETTLED


@dataclass(frozen=True, slots=True)
class _Waiting:
    distribution: str
    span: Span | None
    lease: Lease

    def order(self, now: datetime) -> tuple[bool, datetime]:
        """Return a sort key: the longest waiting first, but last if its flusher has just died."""
        died_at = self.lease.expires_at if self.lease.abandoned(now) else None
        since = self.span.oldest if self.span else LONG_AGO
        return died_at is not None and now - died_at < LAST_FOR, since


@dataclass(frozen=True, slots=True)
class Flusher:
    """Empties the dirty rows of distributions into invalidations."""

    dirty: DirtyRows
    journal: Journal
    sender: Sender
    policy: Policy
    survey: Surveyor  # finds the objects that a wildcard would hit
    routes: Routes
    clock: Callable[[], datetime]  # this process's time, within 5 s of true time
    token: Callable[[], str]  # a source of random text
    warn: Callable[[str], None] = lambda _: None  # logs a warning for an operator
    # Announces a flush of which CloudFront accepted all that it ever will.
    announce: Callable[[Flush], None] = lambda _: None

    def tick(self, distributions: Iterable[str]) -> Sequence[Outcome]:
        """Flush distributions, the longest waiting first; an error in one stops no other."""
        began = self.clock()
        waiting: list[_Waiting] = []
        outcomes: list[Outcome] = []
        for name in distributions:
            try:
                one = _Waiting(name, self.dirty.span(name), self.journal.lease(name))
            except Exception as error:  # noqa: BLE001  # reported; the others go on
                outcomes.append(Outcome(name, Reason.FAILED, error=error))
            else:
                if one.span or one.lease.unfinished:
                    waiting.append(one)
        for one in sorted(waiting, key=lambda one: one.order(began)):
            late = self.clock() - began >= LAST_TURN
            outcome = Outcome(one.distribution, Reason.LATER) if late else self._attempt(one)
            oldest, deaths = one.span.oldest if one.span else None, one.lease.deaths(began)
            outcomes.append(replace(outcome, oldest=oldest, deaths=deaths))
        return outcomes

    def _attempt(self, one: _Waiting) -> Outcome:
        distribution, span = one.distribution, one.span
        try:
            # A wake that waits for the end of the upload would leave if we took the lease.
            if span and one.lease.free and self._ready(distribution, *span) is Reason.UPLOADING:
                return Outcome(distribution, Reason.UPLOADING)
            return self._lease(distribution, span)
        except Overtaken:
            return Outcome(distribution, Reason.LEASE)
        except OverLimit:
            return Outcome(distribution, Reason.BUDGET)
        except Exception as error:  # noqa: BLE001  # reported; the others go on
            return Outcome(distribution, Reason.FAILED, error=error)

    def _ready(self, distribution: str, oldest: datetime, newest: datetime) -> Reason:
        rows = first_rows(self.dirty, distribution)
        return self.policy.ready(oldest, newest, self.clock(), rows)

    def _lease(self, distribution: str, span: Span | None) -> Outcome:
        lease = self.journal.take(distribution, self.token(), self.clock())
        held = HeldLease(distribution, lease, self.journal, self.clock)
        if held.deaths >= SEVERAL_DEATHS:
            # Before the next attempt, which this process may not survive.
            self.warn(f"The flush of {distribution} died {held.deaths} times in a row")
        try:
            return self._turn(held, span)
        finally:
            self.journal.release(distribution, str(lease.token))

    def _turn(self, held: HeldLease, span: Span | None) -> Outcome:
        outcome = Outcome(held.distribution, Reason.LEASE)
        if held.lease.unfinished is not None:
            flush = self.journal.load(held.distribution, held.lease.unfinished)
            if flush is None:
                # Its rows are still there: they are planned, and charged, again.
                self.journal.forget(held.distribution, held.lease.unfinished)
            else:
                outcome = self._finish(flush, held, Reason.RECOVERED)
            if outcome.reason in _GOES_ON:
                return outcome
            span = self.dirty.span(held.distribution)
            held.reread()
        return self._flush(held, *span) if span else outcome

    def _flush(self, held: HeldLease, oldest: datetime, newest: datetime) -> Outcome:
        now = self.clock()
        reason = self._ready(held.distribution, oldest, newest)
        if reason is Reason.UPLOADING:
            return Outcome(held.distribution, reason)
        ledgers = ledgers_near(self.journal, now)
        self.sender.prune(held)
        demand = self.journal.demand()
        decision = self.policy.decide(ledgers, demand, held.lease, now)
        if isinstance(decision, Reason):
            return Outcome(held.distribution, decision)
        planner = Planner(self.dirty, self.policy, self.survey, self.routes, self.token)
        batch = planner.read(held)
        if not batch.rows:
            # Another flusher covered the rows between the peek and the lease.
            return Outcome(held.distribution, Reason.LEASE)
        flush, choice = planner.plan(held, batch, decision)
        if choice and self.policy.waits(choice.avoidable, oldest, demand, now, batch.rows):
            return Outcome(held.distribution, Reason.PATIENT)
        self.journal.open(flush, held.lease, decision.limits)
        wanted, bought = (choice.wanted, choice.bought) if choice else (NO_PATHS, 0)
        self.journal.remember(demand.after(wanted, now, bought))
        return self._finish(flush, held, reason, batch.rows)

    def _finish(
        self, flush: Flush, held: HeldLease, reason: Reason, rows: Sequence[DirtyRow] = ()
    ) -> Outcome:
        answer: Answer | None = None
        if flush.state is State.OPEN:
            sent = self.sender.send(flush, held)
            flush, answer = sent.flush, sent.answer
            if sent.given_up or self._closed(flush, answer):
                return self._give_up(flush, held, answer, reason)
        if flush.state is State.OPEN:
            return Outcome(flush.distribution, Reason.UNFINISHED, flush, answer)
        # The newest first: if this is cut off, a sweep finds the others.
        swept = self._sweeper.delete(reversed(rows), held)
        if swept:
            flush, swept = self._sweeper.sweep(flush, held, fully=not rows)
        if not swept:
            return Outcome(flush.distribution, Reason.SWEEPING, flush, answer)
        self.announce(flush)
        settled = self.journal.advance(flush, flush.settle(self.clock()))
        return Outcome(flush.distribution, reason, settled, answer)

    def _give_up(
        self, flush: Flush, held: HeldLease, answer: Answer | None, reason: Reason
    ) -> Outcome:
        # CloudFront accepted a part of it, whose rows we delete before we forget the flush.
        flush, swept = self._sweeper.sweep(flush, held)
        if swept and self._closed(flush, answer):
            # Other distributions of its buckets have their own rows, or get a `/*` on appearing.
            swept = self._sweeper.delete(self.dirty.read(held.distribution), held)
        if not swept:
            return Outcome(flush.distribution, Reason.SWEEPING, flush, answer)
        if flush.accepted:
            self.announce(flush)
        rejected = self.journal.advance(flush, flush.reject())
        return Outcome(flush.distribution, reason, rejected, answer)

    def _closed(self, flush: Flush, answer: Answer | None) -> bool:
        """Tell whether CloudFront refused because the distribution is disabled or deleted."""
        refused = isinstance(answer, Refused) and answer.refusal in {Refusal.GONE, Refusal.DENIED}
        return refused and self.routes.gone(flush.distribution)

    @property
    def _sweeper(self) -> Sweeper:
        return Sweeper(self.dirty, self.routes)
