"""Safeties of the flush protocol.

A mutant replaces a part of the production code, or of what stands in for AWS, from outside.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from edgesweep.aws.cloudfront import CloudFront
from edgesweep.dirty import FOREVER, DirtyRow
from edgesweep.flush import flusher, sweeping
from edgesweep.flush.budget import Budget, months_near
from edgesweep.flush.flusher import Flusher, Outcome
from edgesweep.flush.journal import Flush, HeldLease, Lease, LedgerLimits, gained
from edgesweep.flush.pace import Demand
from edgesweep.flush.policy import Go, Policy, Reason
from edgesweep.flush.sender import Answer, Sender, Unanswered
from edgesweep.flush.sweeping import Sweeper
from edgesweep.operate.dry_run import JournalInMemory
from tests.faults.process import here
from tests.faults.tables import DirtyClient, JournalClient

_STOLEN = "whoever asks"


def delete_before_send() -> AbstractContextManager[object]:
    """Rows are deleted before CloudFront has accepted their paths."""
    finish = Flusher._finish

    def deleting(self: Flusher, flush: Flush, held: Any, reason: Any, rows: Any = ()) -> Outcome:
        self.dirty.delete(rows)
        return finish(self, flush, held, reason, rows)

    return mock.patch.object(Flusher, "_finish", deleting)


def delete_by_time_alone() -> AbstractContextManager[object]:
    """Rows older than the flush are deleted, covered or not."""
    return mock.patch.object(sweeping, "matcher", lambda _paths, **_: lambda _path: True)


def no_recovery() -> AbstractContextManager[object]:
    """An unfinished flush is forgotten by the next one, which knows that there is one."""
    take = JournalInMemory.take

    def forgetting(self: JournalInMemory, distribution: str, token: str, now: datetime) -> Lease:
        lease = replace(take(self, distribution, token, now), unfinished=None)
        self.leases[distribution] = lease
        return lease

    return mock.patch.object(JournalInMemory, "take", forgetting)


def unfinished_not_asked() -> AbstractContextManager[object]:
    """A flush is opened, finished or given up beside another one that is unfinished."""
    return mock.patch.object(JournalInMemory, "_check_unfinished", lambda *_: None)


@contextmanager
def unfinished_not_checked() -> Iterator[None]:
    """A flush is opened beside another, by somebody who has lost the lease at that.

    Either check is enough against a second flush, so both are off.
    """
    real = JournalInMemory.open

    def opened(
        self: JournalInMemory, flush: Flush, lease: Lease, *arguments: Any, **named: Any
    ) -> None:
        stolen = replace(lease, token=_STOLEN)
        held = self.lease(flush.distribution)
        self.leases[flush.distribution] = replace(held, token=_STOLEN)
        try:
            real(self, flush, stolen, *arguments, **named)
        finally:
            left = replace(self.lease(flush.distribution), token=held.token)
            self.leases[flush.distribution] = left

    with unfinished_not_asked(), mock.patch.object(JournalInMemory, "open", opened):
        yield


def reference_from_the_clock() -> AbstractContextManager[object]:
    """The caller reference is the minute in which a flush was opened."""

    def minute(flush: Flush, request: int) -> str:
        return f"edgesweep {flush.opened_at:%H:%M} {request}"

    return mock.patch.object(Flush, "reference", minute)


@contextmanager
def ledger_outside_the_transaction() -> Iterator[None]:
    """The ledger is charged by a call of its own, just after a flush was opened."""
    real = JournalInMemory.open
    reach = JournalClient.__getattr__

    def uncharged(
        self: JournalInMemory,
        flush: Flush,
        lease: Lease,
        limits: LedgerLimits,
        replaced: Flush | None = None,
    ) -> None:
        before = self.charged.copy()
        real(self, flush, lease, limits, replaced)
        self.charged.clear()
        self.charged.update(before)

    def separate(self: JournalClient, name: str) -> Callable[..., Any]:
        method = reach(self, name)
        if name != "open":
            return method

        def opened(
            flush: Flush, lease: Lease, limits: LedgerLimits, replaced: Flush | None = None
        ) -> None:
            method(flush, lease, limits, replaced)
            ledger = self._tables.journal.charged
            rejected = [] if replaced is None else [(replaced, replaced.reject())]
            ledger.update(gained(*rejected))
            here().call("ledger.add", lambda: ledger.update(flush.charges))

        return opened

    with (
        mock.patch.object(JournalInMemory, "open", uncharged),
        mock.patch.object(JournalClient, "__getattr__", separate),
    ):
        yield


def lease_by_time() -> AbstractContextManager[object]:
    """A flusher that finds the lease unexpired uses it as its own."""

    def unexpired(self: JournalInMemory, distribution: str, _token: str) -> Lease:
        return self.lease(distribution)

    return mock.patch.object(JournalInMemory, "_ours", unexpired)


def refused_flush_counted() -> AbstractContextManager[object]:
    """The interval between two flushes begins at one that cost nothing."""
    return mock.patch.object(Flush, "billed_at", property(lambda flush: flush.opened_at))


def no_skew_margin() -> AbstractContextManager[object]:
    """A row stamped before the flush counts as older than it."""
    return mock.patch.object(sweeping, "MARGIN", timedelta(0))


def refund_after_no_answer() -> AbstractContextManager[object]:
    """The charge is returned though an attempt may have been billed."""
    return mock.patch.object(Flush, "answered", property(lambda _flush: True))


def hidden_retries() -> AbstractContextManager[object]:
    """The client asks again by itself, and returns only the last answer."""
    once = CloudFront.invalidate

    def twice(self: CloudFront, distribution: str, paths: Any, reference: str) -> Answer:
        answer = once(self, distribution, paths, reference)
        return (
            once(self, distribution, paths, reference) if isinstance(answer, Unanswered) else answer
        )

    return mock.patch.object(CloudFront, "invalidate", twice)


def month_by_opening() -> AbstractContextManager[object]:
    """A flush is charged to the month in which it was opened, whenever it is sent."""
    return mock.patch.object(Sender, "_charged", lambda _self, flush: flush)


@contextmanager
def eventual_reads() -> Iterator[None]:
    """Reads may show what was true a while ago."""
    page = DirtyClient._page
    seen: dict[int, list[tuple[Any, list[DirtyRow]]]] = {}

    def late(
        self: DirtyClient, distribution: str, after: str, until: datetime, shards: int
    ) -> list[DirtyRow]:
        fresh = page(self, distribution, after, until, shards)
        if after or until != FOREVER:
            return fresh
        history = seen.setdefault(id(self._tables), [])
        history.append((distribution, fresh))
        if self._tables.world.random.getrandbits(1):
            return next(rows for name, rows in history[-3:] if name == distribution)
        return fresh

    with mock.patch.object(DirtyClient, "_page", late):
        yield


def ledger_held_to_the_allowance() -> AbstractContextManager[object]:
    """The open transaction lets the ledger grow into the reserve."""
    decide = Policy.decide

    def generous(self: Policy, *arguments: Any, **named: Any) -> Go | Reason:
        decision = decide(self, *arguments, **named)
        if isinstance(decision, Reason):
            return decision
        return replace(decision, limits=dict.fromkeys(decision.limits, self.budget.allowance))

    return mock.patch.object(Policy, "decide", generous)


def no_reserve() -> AbstractContextManager[object]:
    """Nothing is kept for the rest of the month."""
    return mock.patch.object(Budget, "reserve", lambda *_: 0)


def fixed_order() -> AbstractContextManager[object]:
    """Distributions go in the order of their ids."""
    return mock.patch.object(flusher._Waiting, "order", lambda waiting, _now: waiting.distribution)


def successor_pays_again() -> AbstractContextManager[object]:
    """What replaces a refused flush sends what was accepted of it as well."""
    real = Sender._plainer

    def whole(self: Sender, flush: Flush, *others: Any) -> Sequence[str]:
        return real(self, replace(flush, accepted=()), *others)

    return mock.patch.object(Sender, "_plainer", whole)


def parts_forgotten() -> AbstractContextManager[object]:
    """What was accepted of a flush that another replaces is not remembered."""
    real = Sweeper._sent

    def forgetting(self: Sweeper, flush: Flush, held: HeldLease) -> Any:
        return real(self, replace(flush, replaces=None), held)

    return mock.patch.object(Sweeper, "_sent", forgetting)


def given_up_unseen() -> AbstractContextManager[object]:
    """Nobody looks whether CloudFront has made what can no longer be asked for."""
    return mock.patch.object(CloudFront, "look_up", lambda *_: None)


def resent_from_the_reserve() -> AbstractContextManager[object]:
    """A flush that is sent in a new month may take its reserve."""
    return mock.patch.object(
        Budget, "limits", lambda budget, _, now: dict.fromkeys(months_near(now), budget.allowance)
    )


def announced_too_late() -> AbstractContextManager[object]:
    """A flush is announced once it is settled, so one that dies in between never is."""
    finish = Flusher._finish

    def finished(self: Flusher, *arguments: Any) -> Outcome:
        outcome = finish(replace(self, announce=lambda _: None), *arguments)
        if outcome.settled and outcome.flush:
            self.announce(outcome.flush)
        return outcome

    return mock.patch.object(Flusher, "_finish", finished)


def patience_that_begins_again() -> AbstractContextManager[object]:
    """Each tick has its full patience again, however long the flush has waited."""
    waits = Policy.waits

    def endless(
        self: Policy,
        dear: int,
        _oldest: datetime,
        demand: Demand,
        now: datetime,
        rows: Iterable[DirtyRow] = (),
    ) -> bool:
        return waits(self, dear, now, demand, now, rows)

    return mock.patch.object(Policy, "waits", endless)


def patience_beyond_the_guarantee() -> AbstractContextManager[object]:
    """A flush waits for the next change for longer than the parameter says."""
    waits = Policy.waits

    def longer(self: Policy, *arguments: Any) -> bool:
        return waits(replace(self, patience=4 * self.patience), *arguments)

    return mock.patch.object(Policy, "waits", longer)
