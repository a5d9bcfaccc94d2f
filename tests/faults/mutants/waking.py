"""Safeties of the wake."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from edgesweep.flush import wake
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.journal import Lease
from edgesweep.flush.policy import Policy
from edgesweep.flush.wake import Upload, Waker
from edgesweep.operate import waiting
from edgesweep.operate.dry_run import JournalInMemory
from tests.faults.process import here


def deleting_wake() -> AbstractContextManager[object]:
    """A wake deletes the rows of an upload that rests, as if a tick had sent them."""
    look = Waker._look

    def deleting(self: Waker, distribution: str, *arguments: Any) -> Upload | None:
        upload = look(self, distribution, *arguments)
        if upload is not None:
            self.dirty.delete(list(self.dirty.read(distribution)))
        return upload

    return mock.patch.object(Waker, "_look", deleting)


def urgent_unheard() -> AbstractContextManager[object]:
    """No change is urgent."""
    return mock.patch.object(Policy, "is_urgent", lambda *_: False)


def asked_unheard() -> AbstractContextManager[object]:
    """Nothing is different if somebody asks for a flush now."""
    return mock.patch.object(Policy, "with_all_urgent", lambda self: self)


def returned_early() -> AbstractContextManager[object]:
    """A wait does not look whether rows are left."""
    return mock.patch.object(waiting, "remains", lambda *_: False)


@contextmanager
def lease_ignored() -> Iterator[None]:
    """A wake flushes, whoever has the lease."""
    take, look = JournalInMemory.take, Waker._look

    def taken(self: JournalInMemory, distribution: str, token: str, now: datetime) -> Lease:
        if here().name.startswith("wake"):
            self.leases[distribution] = replace(self.lease(distribution), token=None)
        return take(self, distribution, token, now)

    def looked(self: Waker, *arguments: Any) -> Upload | None:
        free = mock.MagicMock(wraps=self.journal, lease=lambda _: Lease())
        return look(replace(self, journal=free), *arguments)

    with (
        mock.patch.object(JournalInMemory, "take", taken),
        mock.patch.object(Waker, "_look", looked),
    ):
        yield


def quiet_that_never_ends() -> AbstractContextManager[object]:
    """An upload never rests."""
    return mock.patch.object(wake, "quiet", lambda *_: timedelta(days=1))


def lease_held_asleep() -> AbstractContextManager[object]:
    """A wake takes the lease before it sleeps."""
    run = Waker.run

    def holding(self: Waker, distributions: Any, *arguments: Any) -> list[Outcome]:
        def sleep(seconds: float) -> None:
            for one in distributions:
                self.journal.take(one, here().token(), self.clock())
            self.pause(seconds)

        return list(run(replace(self, pause=sleep), distributions, *arguments))

    return mock.patch.object(Waker, "run", holding)
