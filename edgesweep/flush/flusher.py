"""Flush: dirty rows in, at most one invalidation for each distribution and tick.

Goal: no change is lost and no path is paid twice, whatever crashes, repeats, overlaps or is late.
Every step may be the last one of this process:

1. peek      nothing dirty and nothing unfinished costs a few small reads and no write.
2. lease     keeps other flushers away; that saves work, and no safety hangs on its time.
3. recover   an unfinished flush goes first. Open: its paths are sent again under its references,
             and CloudFront answers with the invalidation it has made and bills nothing.
4. decide    hold or flush, and how many paths may be spent.
5. read      the rows, the oldest first.
6. survey    which unchanged objects a wildcard would hit.
7. cover     the cheapest paths.
8. open      journal, ledger, lease token and unfinished flush in one transaction.
9. send      count the attempt, then ask CloudFront once.
10. sent     note the invalidation.
11. delete   the rows that were read, and covered rows that are older than the flush.
12. settle   nothing is unfinished any more.

A row recorded at or before `opened_at` - `MARGIN` tells of a change older than the invalidation,
whichever of our clocks stamped the two: each is within 5 s of true time. Recovery, which has not
read the rows, deletes by that rule alone.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol
from urllib.parse import unquote

from edgesweep.cover import Cover, Limits, Prices, choose, find_candidates
from edgesweep.cover.survey import Survey
from edgesweep.cover.wording import in_words
from edgesweep.dirty import UNROUTED, DirtyRow, RequestedPath
from edgesweep.flush.answers import Answer, Refusal, Refused
from edgesweep.flush.budget import months_near
from edgesweep.flush.journal import (
    LEASE_TERM,
    Flush,
    Invalidation,
    Journal,
    Lease,
    OverLimit,
    Overtaken,
    State,
)
from edgesweep.flush.pace import demanded
from edgesweep.flush.policy import Go, Hold, Policy, Reason
from edgesweep.flush.sender import CLOCKS_APART, Edge, Sender
from edgesweep.paths import matcher
from edgesweep.prices import PATH_PRICE

# Rows of one tick: this bounds memory, and the rest goes next tick.
MAX_ROWS = 200_000
MARGIN = CLOCKS_APART

_CHUNK = 1_000
_EVERYTHING = "/"
_ALWAYS = datetime.min.replace(tzinfo=UTC)

# When the oldest and the newest dirty row were recorded; empty without any.
Span = tuple[datetime, datetime] | tuple[()]


class DirtyRows(Protocol):
    """The rows that wait."""

    def span(self, distribution: str) -> Span:
        """Return when the oldest and the newest row were recorded, or nothing without any."""
        ...

    def read(self, distribution: str, until: datetime | None = None) -> Iterator[DirtyRow]:
        """Yield the rows recorded at or before `until`, the oldest first, strongly consistent."""
        ...

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Write rows; return those that could not be written, each with the reason."""
        ...

    def delete(self, rows: Sequence[DirtyRow]) -> None:
        """Delete exactly these rows."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tick did for one distribution.

    Attributes:
        distribution: its id.
        reason: why it was flushed or held.
        flush: the flush that was sent, settled or left open.
        answer: what CloudFront said last.
        error: what went wrong.
        oldest: when the oldest row was recorded that waited before the tick, if any did.
    """

    distribution: str
    reason: Reason
    flush: Flush | None = None
    answer: Answer | None = None
    error: Exception | None = None
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Flusher:
    """Empties the dirty rows of distributions into invalidations.

    Attributes:
        dirty: the rows.
        journal: the flushes, the ledger and the leases.
        edge: CloudFront.
        sender: asks CloudFront.
        policy: when to flush, and for how many paths.
        survey: tells what a wildcard would hit.
        viewer_paths: every viewer path under which a row's object may be cached.
        strict: tells whether a distribution's wildcards are only trusted with longer paths.
        clock: this process's time, within 5 s of true time.
        token: a source of random text.
    """

    dirty: DirtyRows
    journal: Journal
    edge: Edge
    sender: Sender
    policy: Policy
    survey: Callable[[str, Collection[str], Prices, Limits], Survey]
    viewer_paths: Callable[[DirtyRow], Iterable[str]]
    strict: Callable[[str], bool]
    clock: Callable[[], datetime]
    token: Callable[[], str]

    def tick(self, distributions: Iterable[str]) -> Sequence[Outcome]:
        """Flush every distribution that wants it, the longest waiting first.

        The failure of one does not stop another: it is part of its outcome.
        """
        waiting: list[tuple[str, Span]] = []
        outcomes: list[Outcome] = []
        for distribution in distributions:
            try:
                span = self.dirty.span(distribution)
                if span or self.journal.lease(distribution).unfinished:
                    waiting.append((distribution, span))
            except Exception as error:  # noqa: BLE001  # told; the others go on
                outcomes.append(Outcome(distribution, Reason.FAILED, error=error))
        for distribution, span in sorted(waiting, key=_waiting_since):
            oldest = span[0] if span else None
            outcomes.append(replace(self._attempt(distribution, span), oldest=oldest))
        return outcomes

    def _attempt(self, distribution: str, span: Span) -> Outcome:
        try:
            return self._lease(distribution, span)
        except Overtaken:
            return Outcome(distribution, Reason.LEASE)
        except OverLimit:
            return Outcome(distribution, Reason.BUDGET)
        except Exception as error:  # noqa: BLE001  # told in the outcome; the others go on
            return Outcome(distribution, Reason.FAILED, error=error)

    def _lease(self, distribution: str, span: Span) -> Outcome:
        token = self.token()
        lease = self.journal.take(distribution, token, self.clock())
        outcome = Outcome(distribution, Reason.LEASE)
        try:
            if lease.unfinished is not None:
                flush = self.journal.load(distribution, lease.unfinished)
                outcome = self._finish(flush, lease, Reason.RECOVERED)
                if outcome.reason is Reason.UNFINISHED:
                    return outcome
                span = self.dirty.span(distribution)
                # Somebody else may hold the lease by now: ours is the token that we have taken.
                lease = replace(self.journal.lease(distribution), token=token)
            return self._flush(distribution, *span, lease) if span else outcome
        finally:
            self.journal.release(distribution, token)

    def _flush(
        self, distribution: str, oldest: datetime, newest: datetime, lease: Lease
    ) -> Outcome:
        now = self.clock()
        reason = self.policy.settle(oldest, newest, now)
        if reason is Reason.UPLOADING:
            return Outcome(distribution, reason)
        spent = {month: self.journal.spent(month) for month in months_near(now)}
        lease = self._pruned(distribution, lease)
        headroom = self.policy.quota.less(lease.in_progress)
        demand = self.journal.demand()
        decision = self.policy.decide(reason, spent, headroom, lease.flushed_at, now, demand=demand)
        if isinstance(decision, Hold):
            return Outcome(distribution, decision.reason)
        rows = self._read(distribution, lease)
        if not rows:
            # Another flusher covered them between the peek and the lease.
            return Outcome(distribution, Reason.LEASE)
        flush, wanted = self._plan(distribution, rows, decision, lease)
        self.journal.open(flush, lease, decision.limits)
        self.journal.remember(demand.after(wanted, now))
        return self._finish(flush, lease, reason, rows)

    def _pruned(self, distribution: str, lease: Lease) -> Lease:
        """Return the lease without the requests that were completed."""
        in_progress: list[Invalidation] = []
        for request in lease.in_progress:
            lease = self._kept(distribution, lease)
            if self.edge.in_progress(distribution, request.id):
                in_progress.append(request)
        return replace(lease, in_progress=tuple(in_progress))

    def _read(self, distribution: str, lease: Lease) -> Sequence[DirtyRow]:
        rows: list[DirtyRow] = []
        for chunk in _chunks(islice(self.dirty.read(distribution), MAX_ROWS + 1)):
            lease = self._kept(distribution, lease)
            rows += chunk
        return rows

    def _kept(self, distribution: str, lease: Lease) -> Lease:
        """Renew the lease if its end is near: what takes long is not begun anew by every tick."""
        now = self.clock()
        if lease.expires_at is not None and lease.expires_at - now > LEASE_TERM * 2 / 3:
            return lease
        self.journal.renew(distribution, str(lease.token), now)
        return replace(lease, expires_at=now + LEASE_TERM)

    def _plan(
        self, distribution: str, rows: Sequence[DirtyRow], go: Go, lease: Lease
    ) -> tuple[Flush, Sequence[int]]:
        """Return the flush, and how many paths it would take at each price of the ladder."""
        cut = len(rows) > MAX_ROWS
        requested = {row.subject.path for row in rows if isinstance(row.subject, RequestedPath)}
        changes = (row for row in rows if not isinstance(row.subject, RequestedPath))
        changed = {path for row in changes for path in self.viewer_paths(row)}
        if cut and go.paths == 1:
            # The one path has to match the rows that were not read as well.
            changed.add(_EVERYTHING)
        dirty = changed.union(map(unquote, requested))
        prices = Prices(go.path_price, self.policy.refetch)
        # The pace asks what the flush would take at every price up to the list price.
        surveyed = replace(prices, path=PATH_PRICE)
        paths, strict = go.paths, self.strict(distribution)
        while True:
            limits = Limits(wildcards=min(go.wildcards, paths), paths=paths)
            lease = self._kept(distribution, lease)
            known = self.survey(distribution, dirty, surveyed, limits)
            lease = self._kept(distribution, lease)
            candidates = find_candidates(dirty, known.live, known.weight, strict=strict)
            chosen = choose(candidates, prices, limits)
            said = in_words(chosen, requested, changed, strict=strict)
            flush = replace(self._journaled(distribution, chosen, len(rows), go), paths=said)
            if self.journal.fits(flush):
                wildcards = self.policy.quota.wildcards
                return flush, demanded(candidates, prices.refetch, wildcards)
            paths = len(chosen.paths) // 2

    def _journaled(self, distribution: str, chosen: Cover, rows: int, go: Go) -> Flush:
        return Flush(
            distribution=distribution,
            opened_at=self.clock(),
            token=self.token(),
            paths=chosen.paths,
            # The months that were decided upon; another one that comes near is charged at the send.
            months=tuple(go.limits),
            rows=rows,
            collateral=Survey.seen(chosen.collateral),
        )

    def _finish(
        self, flush: Flush, lease: Lease, reason: Reason, rows: Sequence[DirtyRow] = ()
    ) -> Outcome:
        answer: Answer | None = None
        if flush.state is State.OPEN:
            sent = self.sender.send(flush, lease)
            flush, answer = sent.flush, sent.answer
            if sent.given_up:
                return self._give_up(flush, answer, reason)
        if flush.state is State.OPEN:
            return Outcome(flush.distribution, Reason.UNFINISHED, flush, answer)
        self.dirty.delete(rows)
        self._delete_older(flush)
        settled = self.journal.settled(flush, self.clock())
        return Outcome(flush.distribution, reason, settled, answer)

    def _give_up(self, flush: Flush, answer: Answer | None, reason: Reason) -> Outcome:
        # What was accepted of it is done, and has to be so before the flush is forgotten.
        self._delete_older(flush)
        flush = self.journal.rejected(flush)
        if isinstance(answer, Refused) and answer.refusal is Refusal.GONE:
            self._unroute(flush.distribution)
        return Outcome(flush.distribution, reason, flush, answer)

    def _delete_older(self, flush: Flush) -> None:
        """Delete the rows that are covered by what was accepted of a flush, and older than it.

        What it has left out because a flush before it had it accepted counts as well, for rows that
        are older than that one.
        """
        sent = list(self._sent(flush))
        if not sent:
            return

        def covered(row: DirtyRow) -> bool:
            since = [matches for until, matches in sent if row.recorded_at <= until]
            return all(any(one(path) for one in since) for path in self.viewer_paths(row))

        older = self.dirty.read(flush.distribution, until=sent[0][0])
        for chunk in _chunks(filter(covered, older)):
            self.dirty.delete(chunk)

    def _sent(self, flush: Flush) -> Iterator[tuple[datetime, Callable[[str], bool]]]:
        """Yield what was accepted of a flush and of those before it, and until when each counts."""
        while True:
            if flush.accepted:
                matches = matcher(flush.done, strict=self.strict(flush.distribution))
                yield flush.opened_at - MARGIN, matches
            if flush.replaces is None:
                return
            flush = self.journal.load(flush.distribution, flush.replaces)

    def _unroute(self, distribution: str) -> None:
        for chunk in _chunks(self.dirty.read(distribution)):
            moved = {row: replace(row, distribution=UNROUTED) for row in chunk}
            unwritten = self.dirty.add(list(moved.values()))
            self.dirty.delete([row for row in chunk if moved[row] not in unwritten])


def _waiting_since(waiting: tuple[str, Span]) -> datetime:
    _, span = waiting
    return span[0] if span else _ALWAYS


def _chunks(rows: Iterator[DirtyRow]) -> Iterator[Sequence[DirtyRow]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk
