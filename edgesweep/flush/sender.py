"""Send an open flush: count the attempt, ask CloudFront once, note the answer.

We count an attempt before we make it, and return a charge only once CloudFront answered every
attempt. If CloudFront refuses paths for good, another flush replaces them by paths that it may
accept. If a new month cannot pay for a request, we do not repeat it there: we look up whether it
was made in the old month, give up the rest, and plan that again with the money there is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from edgesweep.errors import OverLimit
from edgesweep.flush.budget import Budget, month_of, months_near
from edgesweep.flush.journal import Flush, HeldLease, Invalidation, Journal, State, split
from edgesweep.flush.policy import OUR_QUOTA, Quota
from edgesweep.paths import coarser

# Requests of one flush are a second apart: the rates of CloudFront are per second.
PAUSE_SECONDS = 1.0
CLOCKS_APART = timedelta(seconds=10)  # twice the 5 s that a clock may be off true time
# CloudFront may have accepted a request that timed out, so we repeat it unchanged for this long.
REPEATED_FOR = timedelta(minutes=10)
# CloudFront documents no time for which it knows a reference: we look up older attempts first.
LOOKED_UP_AFTER = timedelta(hours=1)


class Refusal(StrEnum):
    """Why CloudFront refused; nothing was invalidated and nothing is billed."""

    THROTTLED = "throttled"  # too many calls: the same request may pass later
    QUOTA = "quota"  # too much in progress: the same request may pass later
    DENIED = "denied"  # not allowed, or anything else that an operator has to mend
    TOO_LARGE = "too large"  # more paths than one request may have
    INVALID = "invalid"  # a path is not understood
    CONFLICT = "conflict"  # the caller reference was used with other paths
    GONE = "gone"  # there is no such distribution


@dataclass(frozen=True, slots=True)
class Accepted:
    """CloudFront invalidates, or did so at `created_at`, when it first saw this reference."""

    invalidation: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    refusal: Refusal
    text: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A timeout, a broken connection or a server error: CloudFront may have accepted."""

    text: str


Answer = Accepted | Refused | Unanswered

# CloudFront may answer a single request that is above a rate with either of the first two.
_TOO_MUCH_AT_ONCE = (Refusal.QUOTA, Refusal.THROTTLED, Refusal.TOO_LARGE)
_NOT_THIS_WAY = (Refusal.INVALID, Refusal.TOO_LARGE)
_FOR_GOOD = (Refusal.INVALID, Refusal.CONFLICT, Refusal.GONE)


class Edge(Protocol):
    """CloudFront's API for invalidations."""

    def invalidate(self, distribution: str, paths: Sequence[str], reference: str) -> Answer:
        """Ask once for an invalidation of quoted paths."""

    def in_progress(self, distribution: str, invalidation: str) -> bool:
        """Tell whether an invalidation still counts against the quotas."""

    def look_up(
        self, distribution: str, reference: str, since: datetime, keep: Callable[[], None]
    ) -> Accepted | None:
        """Return the invalidation made under a reference since a moment, if any, by many calls."""


@dataclass(frozen=True, slots=True)
class Sent:
    flush: Flush
    answer: Answer | None = None  # CloudFront's last answer
    # Whether the flush can never be sent unchanged; else an open flush waits for the next tick.
    given_up: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends open flushes; `pause` sleeps for some seconds."""

    edge: Edge
    journal: Journal
    budget: Budget
    clock: Callable[[], datetime]
    token: Callable[[], str]
    pause: Callable[[float], None]
    quota: Quota = OUR_QUOTA

    def prune(self, held: HeldLease) -> None:
        """Forget the requests that CloudFront has completed."""
        in_progress: list[Invalidation] = []
        for request in held.lease.in_progress:
            held.keep()
            if self.edge.in_progress(held.distribution, request.id):
                in_progress.append(request)
        held.lease = replace(held.lease, in_progress=tuple(in_progress))

    def send(self, flush: Flush, held: HeldLease) -> Sent:
        """Send the rest of an open flush; `OverLimit` if no month near can take it yet."""
        while True:
            flush, answer = self._next(flush, held)
            match answer:
                case None:
                    return Sent(flush, given_up=True)
                case Unanswered():
                    return Sent(flush, answer)
                case Accepted():
                    flush = self._accepted(flush, answer)
                    if flush.state is not State.OPEN:
                        return Sent(flush, answer)
                    self.pause(PAUSE_SECONDS)
                case refusal:
                    refused = self._refused(flush, held, refusal)
                    if refused.given_up or refused.flush.id == flush.id:
                        return refused
                    flush = refused.flush

    def _next(self, flush: Flush, held: HeldLease) -> tuple[Flush, Answer | None]:
        """Return the flush and the answer to its next request, None if no month can pay it."""
        if not flush.answered and self.clock() - flush.opened_at > LOOKED_UP_AFTER:
            found = self._look_up(flush, held)
            if found is not None:
                return flush, found
        try:
            flush = self._charged(flush)
        except OverLimit:
            return flush, self._made_before(flush, held)
        held.renew()
        flush = self.journal.advance(flush, flush.attempt())
        try:
            # The write may have taken long, so we check the month once more.
            flush = self._charged(flush)
        except OverLimit:
            # We did not call CloudFront, so this attempt counts as refused.
            flush = self.journal.advance(flush, flush.refuse())
            return flush, self._made_before(flush, held)
        request = len(flush.accepted)
        paths, reference = flush.requests()[request], flush.reference(request)
        return flush, self.edge.invalidate(flush.distribution, paths, reference)

    def _charged(self, flush: Flush) -> Flush:
        for month, limit in self.budget.limits(len(flush.paths), self.clock()).items():
            if month not in flush.months:
                flush = self.journal.advance(flush, flush.charge(month), {month: limit})
        return flush

    def _accepted(self, flush: Flush, answer: Accepted) -> Flush:
        paths = flush.requests()[len(flush.accepted)]
        wildcards = sum(path.endswith("*") for path in paths)
        month, exact = month_of(answer.created_at), len(paths) - wildcards
        made = Invalidation(answer.invalidation, month, exact, wildcards)
        return self.journal.advance(flush, flush.accept(made, self.clock()))

    def _made_before(self, flush: Flush, held: HeldLease) -> Accepted | None:
        """Return what unanswered attempts made, if anything; `OverLimit` while one is under way."""
        if flush.answered:
            return None
        if not months_near(self.clock()).keys().isdisjoint(flush.months):
            raise OverLimit(f"An attempt of {flush.id} may still be under way")
        return self._look_up(flush, held)

    def _look_up(self, flush: Flush, held: HeldLease) -> Accepted | None:
        reference = flush.reference(len(flush.accepted))
        since = flush.opened_at - CLOCKS_APART
        return self.edge.look_up(flush.distribution, reference, since, held.keep)

    def _refused(self, flush: Flush, held: HeldLease, answer: Refused) -> Sent:
        """Return a refused flush, kept or given up, or its successor."""
        refusal = answer.refusal
        if refusal is Refusal.CONFLICT:
            # CloudFront invalidated something under this reference, so the charge stays.
            return Sent(flush, answer, given_up=True)
        flush = self.journal.advance(flush, flush.refuse())
        if refusal in (*_TOO_MUCH_AT_ONCE, *_NOT_THIS_WAY):
            # Accepted requests of this flush count as in progress as well.
            held.reread()
            self.prune(held)
        now, several = self.clock(), not flush.split and len(split(flush.paths)) > 1
        splits = several and refusal in _TOO_MUCH_AT_ONCE
        unheard, late = splits and not flush.answered, now - flush.opened_at >= REPEATED_FOR
        if unheard and late and (made := self._look_up(flush, held)):
            # An earlier attempt takes up the quota: the flush must not be split.
            return Sent(self._accepted(flush, made), made)
        full = refusal in _NOT_THIS_WAY and self._room(held) < 1
        if full or (unheard and not late and refusal is not Refusal.TOO_LARGE):
            return Sent(flush, answer)
        paths = flush.paths if splits else self._plainer(flush, held, refusal)
        if not paths:
            return Sent(flush, answer, given_up=refusal in _FOR_GOOD)
        successor = flush.successor(now, self.token(), paths, split=splits)
        try:
            limits = self.budget.limits(len(paths), now)
            self.journal.open(successor, held.lease, limits, replaced=flush)
        except OverLimit:
            return Sent(flush, answer, given_up=True)
        return Sent(successor, answer)

    def _plainer(self, flush: Flush, held: HeldLease, refusal: Refusal) -> Sequence[str]:
        """Return other paths for what is left; empty if there are none, or these are right."""
        wider = coarser(flush.left, self._room(held)) if refusal in _NOT_THIS_WAY else ()
        return () if wider == flush.left else wider

    def _room(self, held: HeldLease) -> int:
        return self.quota.less(held.lease.in_progress).wildcards
