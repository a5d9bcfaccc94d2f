"""Safeties of adapters, and of steps that no story reaches."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest import mock

import boto3
from pynamodb.connection import Connection
from pynamodb.models import Model

from edgesweep.aws.dynamodb import DirtyTable, dirty, items
from edgesweep.aws.dynamodb.items import LeaseItem, LedgerItem
from edgesweep.aws.dynamodb.models import Batches
from edgesweep.aws.sqs import DeadLetterQueue
from edgesweep.dirty import DirtyRow
from edgesweep.flush.flusher import Flusher, Outcome
from edgesweep.flush.journal import HeldLease
from edgesweep.flush.planning import Planner
from edgesweep.flush.redrive import Letter
from edgesweep.flush.sweeping import Sweeper
from edgesweep.flush.tick import Ticked
from edgesweep.record.catalogue import Entry
from edgesweep.routes import Routes


def eventual_query() -> AbstractContextManager[object]:
    """A Query may miss what was written a moment ago."""

    def query(cls: type[Model], *arguments: Any, **named: Any) -> Any:
        return Model.query.__func__(cls, *arguments, **{**named, "consistent_read": False})  # type: ignore[attr-defined]  # a class method

    return mock.patch.object(dirty._Row, "query", classmethod(query))


def eventual_batch_get() -> AbstractContextManager[object]:
    """So may a BatchGetItem."""
    dispatch = Connection.dispatch

    def lax(self: Connection, operation: str, request: dict[str, Any], *more: Any) -> Any:
        if operation == "BatchGetItem":
            for table in request["RequestItems"].values():
                table["ConsistentRead"] = False
        return dispatch(self, operation, request, *more)

    return mock.patch.object(Connection, "dispatch", lax)


def unserved_unsent() -> AbstractContextManager[object]:
    """A row of an object that is no longer served is deleted, and no path of it is sent."""

    def served(self: Routes, row: DirtyRow) -> Any:
        return self.viewer_paths(row.distribution, row.change.bucket, row.change.key)

    return mock.patch.object(Routes, "paths_of", served)


def lease_lost_while_reading() -> AbstractContextManager[object]:
    """The lease is not renewed while rows are read."""
    read = Planner.read

    def hurried(self: Planner, *arguments: Any) -> Any:
        with mock.patch.object(HeldLease, "keep", lambda _: None):
            return read(self, *arguments)

    return mock.patch.object(Planner, "read", hurried)


def given_up_at_once() -> AbstractContextManager[object]:
    """A flush is given up before its accepted parts are deleted."""
    give_up = Flusher._give_up

    def forgetful(self: Flusher, *arguments: Any) -> Outcome:
        with mock.patch.object(Sweeper, "sweep", lambda _self, flush, _held: (flush, True)):
            return give_up(self, *arguments)

    return mock.patch.object(Flusher, "_give_up", forgetful)


def unprocessed_forgotten() -> AbstractContextManager[object]:
    """What DynamoDB left unprocessed counts as written."""
    write = Batches._write_batch

    def careless(self: Batches, batch: Any) -> Sequence[Any]:
        write(self, batch)
        return ()

    return mock.patch.object(Batches, "_write_batch", careless)


def one_shard() -> AbstractContextManager[object]:
    """The first partition of a distribution is read alone."""
    init = DirtyTable.__init__

    def narrow(self: DirtyTable, name: str, session: boto3.Session, *_: Any, **__: Any) -> None:
        init(self, name, session)

    return mock.patch.object(DirtyTable, "__init__", narrow)


def held_lease_taken() -> AbstractContextManager[object]:
    """A lease is taken from its holder."""
    return mock.patch.object(
        items, "free", lambda _now: LeaseItem.pk.exists() | LeaseItem.pk.does_not_exist()
    )


def limit_not_asked() -> AbstractContextManager[object]:
    """The ledger of a month takes any number of paths."""
    return mock.patch.object(
        items, "within", lambda *_: LedgerItem.pk.exists() | LedgerItem.pk.does_not_exist()
    )


def sent_back_uncounted() -> AbstractContextManager[object]:
    """A message does not carry how often it was sent back."""
    sent = DeadLetterQueue._sent

    def first(self: DeadLetterQueue, letters: Sequence[Letter]) -> Any:
        return sent(self, [replace(letter, redriven=-1) for letter in letters])

    return mock.patch.object(DeadLetterQueue, "_sent", first)


def old_entries_trusted() -> AbstractContextManager[object]:
    """What was known before events were missed counts as known."""
    return mock.patch.object(Entry, "is_complete", lambda *_: True)


def failures_untold() -> AbstractContextManager[object]:
    """The flush function ends well even if something went wrong."""
    return mock.patch.object(Ticked, "errors", ())


def moved_in_two_steps() -> AbstractContextManager[object]:
    """Rows are copied first and deleted afterwards, whether they are still there or not."""

    def copied(self: DirtyTable, moves: Mapping[DirtyRow, Sequence[DirtyRow]]) -> Any:
        unwritten = self.add([copy for copies in moves.values() for copy in copies])
        self.delete(list(moves))
        return unwritten

    return mock.patch.object(DirtyTable, "move", copied)
