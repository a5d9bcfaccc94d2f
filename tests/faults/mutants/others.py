"""Safeties of the account's bill."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest import mock

from edgesweep.flush import auditing
from edgesweep.flush.auditing import _Turn
from edgesweep.flush.journal import Flush, flush_of
from edgesweep.flush.others import Look, Mark
from edgesweep.operate.dry_run import JournalInMemory


def foreign_counted_twice() -> AbstractContextManager[object]:
    """A look forgets down to where it has read, so the next one counts the same."""
    read = Look.read
    return mock.patch.object(
        Look, "read", lambda self, one, until: replace(read(self, one, until), newest=self.newest)
    )


def ours_counted() -> AbstractContextManager[object]:
    """What our own journal has sent counts as what others have."""
    return mock.patch.object(auditing, "flush_of", lambda _: None)


def unanswered_counted() -> AbstractContextManager[object]:
    """An invalidation of ours counts as foreign if its answer never came."""
    load = JournalInMemory.load

    def answered(self: JournalInMemory, *which: Any) -> Flush | None:
        flush = load(self, *which)
        return flush if flush and flush.answered else None

    return mock.patch.object(JournalInMemory, "load", answered)


def gap_forgotten() -> AbstractContextManager[object]:
    """A look that was cut forgets the stretch that it has not read."""
    read = Look.read
    return mock.patch.object(
        Look, "read", lambda self, one, until: replace(read(self, one, until), gap=None)
    )


def month_of_looking() -> AbstractContextManager[object]:
    """A path counts in the month in which it was seen."""
    count = _Turn._count
    return mock.patch.object(
        _Turn, "_count", lambda self, name, one: count(self, name, Mark(self.now, one.id))
    )


def other_stack_overlooked() -> AbstractContextManager[object]:
    """A reference that begins like ours counts as ours."""
    load = JournalInMemory.load

    def known(self: JournalInMemory, distribution: str, flush_id: str) -> object:
        return load(self, distribution, flush_id) or flush_of(f"edgesweep {flush_id} 0")

    return mock.patch.object(JournalInMemory, "load", known)
