"""The tick: the steps that the flush function and `edgesweep flush` share.

1. look      which distributions there are
2. share     what these distributions may spend together
3. flush     every distribution that wants it
4. audit     what others spend of the same paths
5. route     some of the rows that waited for a distribution
6. redrive   messages that failed before: DynamoDB answers by now
7. gaps      events that may have been missed, such as the event of an abandoned dead letter
8. wake      look once more at what was flushed, for the rows whose wakes found the lease taken

A wake takes only the last of these steps, with the distributions that the last tick kept.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Literal, TypeVar

from edgesweep.errors import BadInput
from edgesweep.flush.auditing import Audited
from edgesweep.flush.budget import Ledger, month_bounds, month_of
from edgesweep.flush.discovery import Discovered, Discovery
from edgesweep.flush.flusher import Flusher, Outcome
from edgesweep.flush.gaps import Watched
from edgesweep.flush.metrics import Series, measured
from edgesweep.flush.policy import Policy, Reason
from edgesweep.routes import Routes

T = TypeVar("T")

# A line of a tick's log: the level, the message, and the fields beside it.
Line = tuple[Literal["info", "warning", "error"], str, Mapping[str, object]]

NOW = {"edgesweep": "now"}  # the event that asks the flush function to flush now


@dataclass(frozen=True, slots=True)
class Ticked:
    known: Discovered
    policy: Policy
    outcomes: Sequence[Outcome]
    refusal: BadInput | None  # why the guaranteed interval is not kept
    unrouted: int = 0  # about how many rows no distribution serves
    redriven: int = 0  # messages that went back to their queue
    audited: Audited = field(default_factory=Audited)  # what was found of others
    watched: Watched = field(default_factory=Watched)
    failures: Sequence[Exception] = ()  # errors of the steps after the flushes

    @property
    def errors(self) -> Sequence[Exception]:
        """Every error; no error stopped another step."""
        outcomes = (outcome.error for outcome in self.outcomes)
        found = (self.known.error, self.refusal, *outcomes, *self.failures)
        return [error for error in found if error]


@dataclass(frozen=True, slots=True)
class Tick:
    discovery: Discovery
    policy: Policy
    flusher: Callable[[Routes, Policy], Flusher]  # returns a flusher for some routes and a policy
    ledger: Callable[[str], Ledger]  # of a month
    clock: Callable[[], datetime]
    # Looks at what others spend, given the swept distributions and whether paths are being spent.
    audit: Callable[[Sequence[str], bool], Audited] = lambda *_: Audited()
    # Announces the distributions that are held or overdue.
    announce: Callable[[Sequence[Outcome], Policy], None] = lambda *_: None
    redrive: Callable[[], int] = lambda: 0  # sends back the messages that are due; returns how many
    gaps: Callable[[Routes], Watched] = lambda _: Watched()  # finds and closes gaps in the events
    # Flushes what rests within seconds; without it, the next tick does.
    wake: Callable[[Collection[str], Routes, Policy, datetime], Sequence[Outcome]] = lambda *_: ()

    def run(self, *, now: bool = False) -> Ticked:
        """Take every step; if somebody asks for it `now`, only the budget holds a flush."""
        began, failures = self.clock(), list[Exception]()
        known = self.discovery.look()
        route = partial(self.discovery.route, known)
        # Somebody who asks for a flush now waits for the unrouted rows as well.
        unrouted = _attempted(route, failures) if now else None
        policy, refusal = shared(self.policy, known.routes.enabled_count)
        flusher = self.flusher(known.routes, policy.with_all_urgent() if now else policy)
        outcomes = flusher.tick(known.routes.ids)
        spending = any(one.flush for one in outcomes)
        audited = _attempted(partial(self.audit, known.routes.ids, spending), failures) or Audited()
        unrouted = (unrouted if now else _attempted(route, failures)) or 0
        redriven = _attempted(self.redrive, failures) or 0
        watched = _attempted(partial(self.gaps, known.routes), failures) or Watched()
        _attempted(partial(self.announce, outcomes, policy), failures)
        settled = [one.distribution for one in outcomes if one.settled]
        again = _attempted(partial(self.wake, settled, known.routes, policy, began), failures) or ()
        done = [*outcomes, *again]
        return Ticked(known, policy, done, refusal, unrouted, redriven, audited, watched, failures)

    def woken(self, distributions: Collection[str]) -> Ticked:
        """Flush those of the distributions whose uploads come to rest soon."""
        began = self.clock()
        known = self.discovery.remembered()
        policy, refusal = shared(self.policy, known.routes.enabled_count)
        outcomes = self.wake(distributions, known.routes, policy, began)
        return Ticked(known, policy, outcomes, refusal)

    def measured(self, done: Ticked) -> Mapping[Series, float]:
        now = self.clock()
        ledger = partial(self.ledger, month_of(now))
        unswept = len(done.watched.unwired) + len(done.audited.refusals)
        counted = {Series.UNROUTED_ROWS: done.unrouted, Series.UNSWEPT: unswept}
        return measured(done.outcomes, done.policy, ledger, now, counted)


def _attempted(step: Callable[[], T], failures: list[Exception]) -> T | None:
    try:
        return step()
    except Exception as error:  # noqa: BLE001  # reported
        failures.append(error)
        return None


def shared(policy: Policy, distributions: int) -> tuple[Policy, BadInput | None]:
    """Return the policy for that many distributions; else the old one, and the budget's fault."""
    try:
        budget = replace(policy.budget, distributions=max(1, distributions))
    except BadInput as error:
        unpaid = "The budget does not pay for the guaranteed interval"
        return policy, BadInput(f"{unpaid}: {error}")
    return replace(policy, budget=budget), None


def lines(done: Ticked, now: datetime) -> Iterator[Line]:
    """Yield a line for each distribution, and for each thing that somebody should see."""
    for outcome in done.outcomes:
        yield from _outcome(outcome, now)
    if done.unrouted:
        yield "warning", "No distribution serves some changes", {"rows": done.unrouted}
    if done.audited.others is not None:
        yield "info", "Others", {"paths": done.audited.others}  # the dashboard shows it
    if done.audited.refusals:
        unread = {"unread": dict(done.audited.refusals)}
        yield "error", "Others' invalidations are uncounted; freePaths must leave them out", unread
    if done.redriven:
        yield "warning", "Sent dead letters back to the queue", {"messages": done.redriven}
    for bucket in done.watched.unwired:
        yield "error", "A bucket publishes no events; run edgesweep doctor", {"bucket": bucket}
    for bucket in done.watched.swept:
        yield "warning", "Events were missed, so everything is invalidated", {"bucket": bucket}


def _outcome(outcome: Outcome, now: datetime) -> Iterator[Line]:
    distribution, reason, flush = outcome.distribution, outcome.reason, outcome.flush
    fields = {"distribution": distribution, "reason": reason, "answer": str(outcome.answer)}
    done = {"rows": flush.rows if flush else 0, "paths": flush.paths if flush else ()}
    yield "info", "Flushed" if flush else "Held", {**fields, **done}
    if reason is Reason.SPENT:
        until = {"distribution": distribution, "until": month_bounds(now)[1]}
        yield "error", "The month's budget is spent; changes wait for the next month", until
