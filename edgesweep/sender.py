"""Send an open flush: count the attempt, ask CloudFront once, note the answer.

An attempt is counted before it is made, so that a charge is returned only when CloudFront answered
all that was asked of it. What it refuses for good is replaced by something that it may accept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from edgesweep.answers import Accepted, Answer, Refusal, Refused, Unanswered
from edgesweep.budget import month_of, months_near
from edgesweep.journal import Flush, Invalidation, Journal, Lease, OverLimit, State, split
from edgesweep.paths import coarser

# Requests of one flush are a second apart: the rates of CloudFront are per second.
PAUSE_SECONDS = 1.0

# A rate that is passed by one request alone may be told as either of the first two.
_TOO_MUCH_AT_ONCE = (Refusal.QUOTA, Refusal.THROTTLED, Refusal.TOO_LARGE)
# An attempt that went unanswered may have been accepted: so long the same is asked again.
_DOUBT = timedelta(minutes=10)
_NOT_THIS_WAY = (Refusal.INVALID, Refusal.TOO_LARGE)
_FOR_GOOD = (Refusal.INVALID, Refusal.CONFLICT, Refusal.GONE)


class Edge(Protocol):
    """Takes invalidations."""

    def invalidate(self, distribution: str, paths: Sequence[str], reference: str) -> Answer:
        """Ask once for an invalidation of quoted paths."""
        ...

    def in_progress(self, distribution: str, invalidation: str) -> bool:
        """Tell whether an invalidation still counts against the quotas."""
        ...


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends open flushes.

    Attributes:
        edge: where invalidations go.
        journal: where every step is noted.
        allowance: what a month's ledger may hold, None for no limit.
        clock: this process's time.
        token: a source of random text.
        pause: sleeps for some seconds.
    """

    edge: Edge
    journal: Journal
    allowance: int | None
    clock: Callable[[], datetime]
    token: Callable[[], str]
    pause: Callable[[float], None]

    def send(self, flush: Flush, lease: Lease) -> tuple[Flush, Answer]:
        """Send the requests of an open flush that were not accepted yet.

        Returns:
            The flush as it stands (sent, rejected, or open when it has to wait for the next tick)
            and the last answer.

        Raises:
            Overtaken: somebody else went on with it.
            OverLimit: it may be billed in a month that cannot take it.
        """
        while True:
            flush = self._counted(flush, lease)
            request = len(flush.accepted)
            paths = flush.requests()[request]
            answer = self.edge.invalidate(flush.distribution, paths, flush.reference(request))
            match answer:
                case Unanswered():
                    return flush, answer
                case Accepted():
                    invalidation = _invalidation(answer, paths)
                    flush = self.journal.accepted(flush, invalidation, self.clock())
                    if flush.state is not State.OPEN:
                        return flush, answer
                    self.pause(PAUSE_SECONDS)
                case Refused():
                    successor = self._refused(flush, lease, answer.refusal)
                    if successor.id == flush.id:
                        return successor, answer
                    flush = successor

    def _counted(self, flush: Flush, lease: Lease) -> Flush:
        self.journal.renew(flush.distribution, str(lease.token), self.clock())
        flush = self.journal.attempted(self._charged(flush))
        # Noting the attempt may have taken long: the month is looked at last of all.
        return self._charged(flush)

    def _charged(self, flush: Flush) -> Flush:
        for month in months_near(self.clock()):
            if month not in flush.months:
                flush = self.journal.charge(flush, month, self.allowance)
        return flush

    def _refused(self, flush: Flush, lease: Lease, refusal: Refusal) -> Flush:
        """Return what becomes of a refused flush: itself, kept or rejected, or a successor."""
        if refusal is Refusal.CONFLICT:
            # Something was invalidated under this reference, so the charge is kept.
            return self.journal.rejected(flush)
        flush = self.journal.refused(flush)
        successor = self._successor(flush, lease, refusal)
        if successor is not None:
            try:
                limits = dict.fromkeys(successor.months, self.allowance)
                self.journal.open(successor, lease, limits, replaced=flush)
            except OverLimit:
                return self.journal.rejected(flush)
            return successor
        return self.journal.rejected(flush) if refusal in _FOR_GOOD else flush

    def _successor(self, flush: Flush, lease: Lease, refusal: Refusal) -> Flush | None:
        now = self.clock()
        fresh = replace(
            flush,
            opened_at=now,
            token=self.token(),
            months=tuple(months_near(now)),
            attempts=0,
            refusals=0,
            accepted=(),
        )
        if refusal in _TOO_MUCH_AT_ONCE and not flush.split and len(split(flush.paths)) > 1:
            if refusal is not Refusal.TOO_LARGE and self._must_wait(flush, lease, now):
                return None
            return replace(fresh, split=True)
        wider = coarser(flush.paths)
        if refusal in _NOT_THIS_WAY and wider != flush.paths:
            return replace(fresh, paths=wider, split=False)
        return None

    def _must_wait(self, flush: Flush, lease: Lease, now: datetime) -> bool:
        """Tell whether the same request may yet be accepted, or be known to have been."""
        if not flush.answered and now - flush.opened_at < _DOUBT:
            return True
        return any(
            self.edge.in_progress(flush.distribution, request.id) for request in lease.in_progress
        )


def _invalidation(answer: Accepted, paths: Sequence[str]) -> Invalidation:
    wildcards = sum(path.endswith("*") for path in paths)
    exact = len(paths) - wildcards
    return Invalidation(answer.invalidation, month_of(answer.created_at), exact, wildcards)
