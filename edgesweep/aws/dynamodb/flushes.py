"""The table `flushes`: journal, ledger and leases, and the record of the distributions."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import boto3
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from edgesweep.aws.dynamodb import items
from edgesweep.aws.dynamodb.models import Keyed, Table, common, find, packed, written
from edgesweep.errors import OverLimit, Overtaken
from edgesweep.flush.budget import UNSPENT, Ledger
from edgesweep.flush.journal import NO_LIMITS, Flush, Lease, LedgerLimits, gained
from edgesweep.flush.others import Looks, Others
from edgesweep.flush.pace import LADDER, NOTHING_SEEN, Demand
from edgesweep.routes.kept import Kept

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.1
_FAILED = "ConditionalCheckFailed"

# The sort key is the version. A release that stores another shape, or other fingerprints, takes the
# next version: it then finds nothing, as on its first run, and sweeps nothing.
_ROUTES = ("routes", "3")


class FlushTable:
    """The table `flushes`; see `edgesweep.flush.journal.Journal`."""

    def __init__(self, name: str, session: boto3.Session) -> None:
        self._connection = Table(name, session)
        self._flush = self._connection.bind(items.FlushItem)
        self._ledger = self._connection.bind(items.LedgerItem)
        self._lease = self._connection.bind(items.LeaseItem)
        self._demand = self._connection.bind(items.DemandItem)
        self._looks = self._connection.bind(items.LooksItem)
        self._shards = self._connection.bind(items.ShardsItem)

    def lease(self, distribution: str) -> Lease:
        item = find(self._lease, f"lease#{distribution}", "lease")
        return items.to_lease(item) if item else Lease()

    def take(self, distribution: str, token: str, now: datetime) -> Lease:
        item = self._lease_item(distribution)
        taken = [items.LeaseItem.token.set(token), items.until(now), items.LeaseItem.tries.add(1)]
        self._update(item, taken, items.free(now))
        return items.to_lease(item)

    def renew(self, distribution: str, token: str, now: datetime) -> None:
        self._update(self._lease_item(distribution), [items.until(now)], items.ours(token))

    def release(self, distribution: str, token: str) -> None:
        held = (items.LeaseItem.token, items.LeaseItem.expires_at, items.LeaseItem.tries)
        item = self._lease_item(distribution)
        written(item.update, [one.remove() for one in held], items.ours(token))

    def ledger(self, month: str) -> Ledger:
        item = find(self._ledger, "ledger", month)
        if item is None:
            return UNSPENT
        return Ledger(int(item.paths), Others(item.others or {}, bool(item.unread), item.since))

    def looks(self) -> Looks:
        item = find(self._looks, "looks", "looks")
        return replace(item.looks, revision=item.revision) if item else Looks()

    def audit(self, looks: Looks, others: Mapping[str, Others], gains: Mapping[str, int]) -> bool:
        item = self._looks("looks", "looks", looks=looks, revision=looks.revision + 1)
        try:
            with self._transaction() as transaction:
                transaction.save(item, items.LooksItem.as_read(looks.revision))
                for month, seen in others.items():
                    noted: list[Action] = [
                        items.LedgerItem.paths.add(gains.get(month, 0)),
                        items.LedgerItem.others.set(seen.spent),
                        items.LedgerItem.unread.set(seen.unread),
                        items.LedgerItem.since.set(seen.since),
                    ]
                    transaction.update(self._ledger("ledger", month), noted)
        except Overtaken:
            return False
        return True

    def demand(self) -> Demand:
        item = find(self._demand, "demand", "demand")
        known = Demand(**common(Demand, items.DemandItem, item)) if item else NOTHING_SEEN
        # A demand that was counted at other prices is ignored.
        return known if len(known.paths) == len(LADDER) else NOTHING_SEEN

    def remember(self, demand: Demand) -> None:
        if demand.seen_at is not None:
            self._demand("demand", "demand", **common(Demand, items.DemandItem, demand)).save()

    def shards(self, wanted: int) -> int:
        """Raise the highest shard count ever used to `wanted`, and return it."""
        item = find(self._shards, "shards", "shards")
        most = int(item.most) if item else 1
        if wanted <= most:
            return most
        known = items.ShardsItem.most
        raised: Condition = known.does_not_exist() | (known < wanted)
        written(self._shards("shards", "shards").update, [known.set(wanted)], raised)
        return self.shards(wanted)

    def load(self, distribution: str, flush_id: str) -> Flush | None:
        item = find(self._flush, f"flush#{distribution}", flush_id)
        return items.to_flush(distribution, item) if item else None

    def newest(self, distribution: str, most: int | None = None) -> Iterator[Flush]:
        """Return up to `most` flushes of a distribution, the newest first; None for all."""
        found = self._flush.query(
            f"flush#{distribution}", scan_index_forward=False, limit=most, consistent_read=True
        )
        return (items.to_flush(distribution, item) for item in found)

    def fits(self, flush: Flush) -> bool:
        return len(packed(flush.paths)) <= items.MAX_PACKED

    def open(
        self, flush: Flush, lease: Lease, limits: LedgerLimits, replaced: Flush | None = None
    ) -> None:
        rejected = [] if replaced is None else [(replaced, replaced.reject())]
        unfinished = items.unfinished_is(replaced.id if replaced else None)
        with self._transaction((None, flush), *rejected, limits=limits) as transaction:
            counts = {"billed": len(flush.paths), "wildcards": flush.wildcards}
            item = self._key(flush, **items.stored(flush), **counts)
            transaction.save(item, items.FlushItem.pk.does_not_exist())
            for known, to in rejected:
                transaction.update(self._key(known), items.progress(to), items.as_known(known))
            transaction.update(
                self._lease_item(flush.distribution),
                items.opened(lease, flush, replaced),
                items.ours(str(lease.token)) & unfinished,
            )

    def advance(self, flush: Flush, to: Flush, limits: LedgerLimits = NO_LIMITS) -> Flush:
        with self._transaction((flush, to), limits=limits) as transaction:
            transaction.update(self._key(flush), items.progress(to), items.as_known(flush))
            if actions := items.advanced(flush, to):
                lease = self._lease_item(flush.distribution)
                transaction.update(lease, actions, items.unfinished_is(flush.id))
        return to

    def forget(self, distribution: str, flush_id: str) -> None:
        gone = [items.LeaseItem.unfinished.remove()]
        self._update(self._lease_item(distribution), gone, items.unfinished_is(flush_id))

    @contextmanager
    def _transaction(
        self, *steps: tuple[Flush | None, Flush], limits: LedgerLimits = NO_LIMITS
    ) -> Iterator[TransactWrite]:
        """Yield a transaction to fill, let the ledger follow the steps, and commit it.

        It raises `OverLimit` if only the ledger's condition failed, else `Overtaken`.
        """
        transaction = TransactWrite(connection=self._connection)
        yield transaction
        charges = {month: paths for month, paths in gained(*steps).items() if paths}
        for month, paths in charges.items():
            limit = limits.get(month) if paths > 0 else None
            condition = None if limit is None else items.within(limit, paths)
            ledger = self._ledger("ledger", month)
            transaction.update(ledger, [items.LedgerItem.paths.add(paths)], condition)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                transaction._commit()  # noqa: SLF001  # its own context manager commits once only
            except TransactWriteError as error:
                failed = [reason and reason.code for reason in error.cancellation_reasons]
                if _FAILED in failed[: len(failed) - len(charges)]:
                    raise Overtaken(str(error)) from error
                if _FAILED in failed:
                    raise OverLimit(str(error)) from error
                if "TransactionConflict" not in failed or attempt == _ATTEMPTS:
                    raise
                time.sleep(_PAUSE_SECONDS * attempt)
            else:
                return

    def _key(self, flush: Flush, **values: Any) -> items.FlushItem:  # noqa: ANN401  # as pynamodb
        return self._flush(f"flush#{flush.distribution}", flush.id, **values)

    def _lease_item(self, distribution: str) -> items.LeaseItem:
        return self._lease(f"lease#{distribution}", "lease")

    def _update(self, item: Keyed, actions: Sequence[Action], condition: Condition) -> None:
        if not written(item.update, list(actions), condition):
            raise Overtaken(f"Somebody else has changed {item.pk}")


class RoutesTable:
    """One item of the table `flushes`; see `edgesweep.flush.discovery.KeptStore`."""

    def __init__(self, name: str, session: boto3.Session) -> None:
        self._model = Table(name, session).bind(items.RoutesItem)

    def load(self) -> Kept | None:
        item = find(self._model, *_ROUTES)
        return replace(item.kept, revision=item.revision) if item else None

    def save(self, kept: Kept) -> bool:
        item = self._model(*_ROUTES, kept=kept, revision=kept.revision + 1)
        return written(item.save, items.RoutesItem.as_read(kept.revision))
