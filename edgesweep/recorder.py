"""Record changes: SQS messages in, dirty rows out.

Goal: no message is acknowledged before every row it asks for is written. A message that cannot be
understood or written fails alone; writing a row twice is harmless, losing one is not.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Protocol

from edgesweep import changes
from edgesweep.changes import Change
from edgesweep.dirty import UNROUTED, DirtyRow
from edgesweep.errors import BadInput


class Routes(Protocol):
    """Knows who serves an object."""

    def distributions(self, bucket: str, key: str) -> Collection[str]:
        """Return the ids of the distributions that can serve the object."""
        ...


class DirtyWriter(Protocol):
    """Appends dirty rows."""

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Write rows; return those that could not be written, each with the reason."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One SQS message."""

    id: str
    body: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch.

    Attributes:
        rows: rows written.
        unrouted: how many of them no distribution serves.
        failed: message id -> why it has to come back.
    """

    rows: int
    unrouted: int
    failed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Turns batches of messages into dirty rows.

    Attributes:
        routes: from objects to distributions.
        writer: where rows go.
        token: a source of random text, one for each row.
        shards: partitions of each distribution, to lift the write limit of one.
    """

    routes: Routes
    writer: DirtyWriter
    token: Callable[[], str]
    shards: int = 1

    def record(self, messages: Iterable[Message], now: datetime) -> Recorded:
        """Write one row for each distinct distribution, bucket and key of the batch.

        Args:
            messages: the batch, in any order, duplicates included.
            now: the time at which the batch was received, or earlier.
        """
        understood, failed = _understand(messages)
        rows = self._rows(understood, now)
        unwritten = self.writer.add(list(rows.values()))
        for message, its_changes in understood.items():
            for row in (rows[target] for target in self._targets(its_changes)):
                if row in unwritten:
                    failed[message] = unwritten[row]
        written = [row for row in rows.values() if row not in unwritten]
        unrouted = sum(row.distribution == UNROUTED for row in written)
        return Recorded(len(written), unrouted, failed)

    def _rows(
        self, understood: Mapping[str, Sequence[Change]], now: datetime
    ) -> dict[tuple[str, str, str], DirtyRow]:
        latest: dict[tuple[str, str, str], Change] = {}
        for its_changes in understood.values():
            for target, change in self._targets(its_changes).items():
                if target not in latest or latest[target].changed_at <= change.changed_at:
                    latest[target] = change
        return {target: self._row(target[0], change, now) for target, change in latest.items()}

    def _targets(self, its_changes: Iterable[Change]) -> dict[tuple[str, str, str], Change]:
        return {
            (distribution, change.bucket, change.key): change
            for change in sorted(its_changes, key=attrgetter("changed_at"))
            for distribution in self.routes.distributions(change.bucket, change.key) or (UNROUTED,)
        }

    def _row(self, distribution: str, change: Change, now: datetime) -> DirtyRow:
        token = self.token()
        return DirtyRow(distribution, change, now, token, int(token, 16) % self.shards)


def _understand(
    messages: Iterable[Message],
) -> tuple[dict[str, tuple[Change, ...]], dict[str, str]]:
    understood, failed = {}, {}
    for message in messages:
        try:
            understood[message.id] = changes.parse(message.body)
        except BadInput as error:
            failed[message.id] = str(error)
    return understood, failed
