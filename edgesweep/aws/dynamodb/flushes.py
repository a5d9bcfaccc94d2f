"""The table `flushes`: journal, ledger and leases."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from edgesweep.aws.dynamodb import items
from edgesweep.aws.dynamodb.items import DemandItem, FlushItem, LeaseItem, LedgerItem, ShardsItem
from edgesweep.aws.dynamodb.models import bound
from edgesweep.dirty import instant
from edgesweep.flush.journal import Flush, Invalidation, Lease, Limits, OverLimit, Overtaken, State
from edgesweep.flush.pace import Demand

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.1
_FAILED = "ConditionalCheckFailed"


class _Transaction(TransactWrite):
    """A transaction whose last updates are the ledger's.

    Attributes:
        charges: how many these are.
    """

    charges = 0


class FlushTable:
    """The table `flushes`; see `edgesweep.flush.journal.Journal`.

    Args:
        name: the table's name.
        pause: sleeps for some seconds between attempts of a transaction that met another.
    """

    def __init__(self, name: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._flush = bound(FlushItem, name)
        self._ledger = bound(LedgerItem, name)
        self._lease = bound(LeaseItem, name)
        self._demand = bound(DemandItem, name)
        self._shards = bound(ShardsItem, name)
        self._connection = Connection()
        self._pause = pause

    def lease(self, distribution: str) -> Lease:
        """Read a distribution's lease."""
        try:
            item = self._lease.get(f"lease#{distribution}", "lease", consistent_read=True)
        except DoesNotExist:
            return Lease()
        return items.to_lease(item)

    def take(self, distribution: str, token: str, now: datetime) -> Lease:
        """Take the lease if it is free or expired, for `LEASE_TERM` from `now`."""
        item = self._lease(f"lease#{distribution}", "lease")
        self._update(item, [LeaseItem.token.set(token), items.until(now)], items.free(now))
        return items.to_lease(item)

    def renew(self, distribution: str, token: str, now: datetime) -> None:
        """Push the expiry to `LEASE_TERM` from `now` while the lease is ours."""
        item = self._lease(f"lease#{distribution}", "lease")
        self._update(item, [items.until(now)], items.ours(token))

    def release(self, distribution: str, token: str) -> None:
        """Give the lease back if it is still ours, else do nothing."""
        item = self._lease(f"lease#{distribution}", "lease")
        with contextlib.suppress(Overtaken):
            free = [LeaseItem.token.remove(), LeaseItem.expires_at.remove()]
            self._update(item, free, items.ours(token))

    def spent(self, month: str) -> int:
        """Return how many paths the ledger holds for `month`."""
        try:
            return int(self._ledger.get("ledger", month, consistent_read=True).paths)
        except DoesNotExist:
            return 0

    def demand(self) -> Demand:
        """Return what flushes have taken so far, all distributions together."""
        try:
            return items.to_demand(self._demand.get("demand", "demand", consistent_read=True))
        except DoesNotExist:
            return Demand()

    def remember(self, demand: Demand) -> None:
        """Keep the demand. Of two kept at once one is lost, and with it some precision only."""
        if demand.seen_at is not None:
            self._demand(
                "demand",
                "demand",
                seen_at=instant(demand.seen_at),
                days=str(demand.days),
                paths=" ".join(map(str, demand.paths)),
            ).save()

    def shards(self, wanted: int) -> int:
        """Return the most shards that were ever wanted: rows may wait in each of them.

        Whoever writes or reads rows asks first, so that nobody writes where nobody reads.
        """
        try:
            most = int(self._shards.get("shards", "shards", consistent_read=True).most)
        except DoesNotExist:
            most = 1
        if wanted <= most:
            return most
        raised: Condition = ShardsItem.most.does_not_exist()
        raised |= ShardsItem.most < wanted
        with contextlib.suppress(Overtaken):
            self._update(self._shards("shards", "shards"), [ShardsItem.most.set(wanted)], raised)
        return self.shards(wanted)

    def load(self, distribution: str, flush_id: str) -> Flush:
        """Read a flush.

        Raises:
            Overtaken: there is none of that id.
        """
        try:
            item = self._flush.get(f"flush#{distribution}", flush_id, consistent_read=True)
        except DoesNotExist as error:
            msg = f"There is no flush {flush_id} of {distribution}"
            raise Overtaken(msg) from error
        return items.to_flush(distribution, item)

    def fits(self, flush: Flush) -> bool:
        """Tell whether a flush is small enough to be journaled."""
        return len(items.packed(flush.paths)) <= items.MAX_PACKED

    def open(
        self, flush: Flush, lease: Lease, limits: Limits, replaced: Flush | None = None
    ) -> None:
        """Journal a flush, charge its months and make it the unfinished one, all or nothing."""
        charges = Counter(dict.fromkeys(flush.months, len(flush.paths)))
        with self._transaction() as transaction:
            if replaced is not None:
                charges.subtract(replaced.refunds() if replaced.answered else {})
                self._reject(transaction, replaced)
            transaction.save(self._item(flush), condition=FlushItem.pk.does_not_exist())
            transaction.update(
                self._lease(f"lease#{flush.distribution}", "lease"),
                [
                    LeaseItem.unfinished.set(flush.id),
                    LeaseItem.flushed_at.set(instant(flush.opened_at)),
                    LeaseItem.in_progress.set(
                        [items.line(request) for request in lease.in_progress]
                    ),
                ],
                items.ours(str(lease.token))
                & items.unfinished_is(replaced.id if replaced else None),
            )
            self._charge(transaction, charges, limits)

    def charge(self, flush: Flush, month: str, limit: int | None) -> Flush:
        """Charge one more month with all paths of an open flush."""
        charged = replace(flush, months=(*flush.months, month))
        with self._transaction() as transaction:
            months = FlushItem.months.set(" ".join(charged.months))
            transaction.update(self._key(flush), [months], items.as_known(flush))
            self._charge(transaction, {month: len(flush.paths)}, {month: limit})
        return charged

    def attempted(self, flush: Flush) -> Flush:
        """Count an attempt of an open flush, before it is made."""
        counted = replace(flush, attempts=flush.attempts + 1)
        action = FlushItem.attempts.set(counted.attempts)
        self._update(self._key(flush), [action], items.as_known(flush))
        return counted

    def refused(self, flush: Flush) -> Flush:
        """Count that the last attempt was answered by a refusal."""
        counted = replace(flush, refusals=flush.refusals + 1)
        action = FlushItem.refusals.set(counted.refusals)
        self._update(self._key(flush), [action], items.as_known(flush))
        return counted

    def accepted(self, flush: Flush, invalidation: Invalidation, now: datetime) -> Flush:
        """Note an accepted request; the last one makes the flush sent and refunds its months."""
        noted = replace(flush, accepted=(*flush.accepted, invalidation), swept="")
        if len(noted.accepted) == len(noted.requests()):
            noted = replace(noted, state=State.SENT, sent_at=now)
        with self._transaction() as transaction:
            actions: list[Action] = [
                FlushItem.accepted.set(items.lines(noted.accepted)),
                FlushItem.state.set(noted.state.value),
                FlushItem.swept.remove(),
            ]
            if noted.sent_at is not None:
                actions.append(FlushItem.sent_at.set(instant(noted.sent_at)))
            transaction.update(self._key(flush), actions, items.as_known(flush))
            transaction.update(
                self._lease(f"lease#{flush.distribution}", "lease"),
                [
                    LeaseItem.in_progress.set(
                        (LeaseItem.in_progress | []).append([items.line(invalidation)])
                    )
                ],
                items.unfinished_is(flush.id),
            )
            if noted.state is State.SENT:
                self._refund(transaction, noted)
        return noted

    def swept(self, flush: Flush, place: str) -> Flush:
        """Note how far the sweep of a flush came."""
        self._update(self._key(flush), [FlushItem.swept.set(place)], items.as_known(flush))
        return replace(flush, swept=place)

    def rejected(self, flush: Flush) -> Flush:
        """Give an open flush up, refunded if all its attempts were answered."""
        with self._transaction() as transaction:
            self._reject(transaction, flush)
            self._forget(transaction, flush)
            if flush.answered:
                self._refund(transaction, flush)
        return replace(flush, state=State.REJECTED)

    def settled(self, flush: Flush, now: datetime) -> Flush:
        """Finish a sent flush: nothing is unfinished any more."""
        with self._transaction() as transaction:
            state = FlushItem.state.set(State.SETTLED.value)
            at = FlushItem.settled_at.set(instant(now))
            transaction.update(self._key(flush), [state, at], items.as_known(flush))
            self._forget(transaction, flush)
        return replace(flush, state=State.SETTLED, settled_at=now)

    def _reject(self, transaction: _Transaction, flush: Flush) -> None:
        state = FlushItem.state.set(State.REJECTED.value)
        transaction.update(self._key(flush), [state], items.as_known(flush))

    def _forget(self, transaction: _Transaction, flush: Flush) -> None:
        lease = self._lease(f"lease#{flush.distribution}", "lease")
        transaction.update(lease, [LeaseItem.unfinished.remove()], items.unfinished_is(flush.id))

    def _refund(self, transaction: _Transaction, flush: Flush) -> None:
        refunds = {month: -paths for month, paths in flush.refunds().items()}
        self._charge(transaction, refunds, {})

    def _charge(
        self, transaction: _Transaction, charges: Mapping[str, int], limits: Limits
    ) -> None:
        for month, paths in charges.items():
            limit = limits.get(month)
            condition = items.within(limit, paths) if paths > 0 and limit is not None else None
            if paths:
                ledger = self._ledger("ledger", month)
                transaction.update(ledger, [LedgerItem.paths.add(paths)], condition)
                transaction.charges += 1

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[_Transaction]:
        """Yield a transaction to fill, then commit it; one that met another is tried again.

        Raises:
            OverLimit: only the ledger's condition failed; its updates come last.
            Overtaken: another condition failed.
        """
        transaction = _Transaction(connection=self._connection)
        yield transaction
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                transaction._commit()  # noqa: SLF001  # its own context manager commits once only
            except TransactWriteError as error:
                failed = [reason and reason.code for reason in error.cancellation_reasons]
                if _FAILED in failed[: len(failed) - transaction.charges]:
                    raise Overtaken(str(error)) from error
                if _FAILED in failed:
                    raise OverLimit(str(error)) from error
                if "TransactionConflict" not in failed or attempt == _ATTEMPTS:
                    raise
                self._pause(_PAUSE_SECONDS * attempt)
            else:
                return

    def _key(self, flush: Flush) -> FlushItem:
        return self._flush(f"flush#{flush.distribution}", flush.id)

    def _item(self, flush: Flush) -> FlushItem:
        return self._flush(
            f"flush#{flush.distribution}",
            flush.id,
            state=flush.state.value,
            paths=items.packed(flush.paths),
            months=" ".join(flush.months),
            rows=flush.rows,
            billed=len(flush.paths),
            wildcards=flush.wildcards,
            collateral=flush.collateral,
            split=flush.split,
            replaces=flush.replaces,
            attempts=flush.attempts,
            refusals=flush.refusals,
            accepted=items.lines(flush.accepted),
            expires_at=int((flush.opened_at + items.KEPT).timestamp()),
        )

    def _update(self, item: Model, actions: Sequence[Action], condition: Condition) -> None:
        try:
            item.update(list(actions), condition)
        except UpdateError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            raise Overtaken(str(error)) from error
