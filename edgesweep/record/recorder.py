"""Record changes: SQS messages in, dirty rows out.

Goal: no message is acknowledged before every row it asks for is written. A message that cannot be
understood or written fails alone; writing a row twice is harmless, losing one is not.

A change needs no row if the user excludes it or says that its bytes never change, if its bucket is
served but the object is not, or if it changed nothing (see `edgesweep.record.unchanged`). Such
changes are counted, so that a wrong pattern shows.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Protocol

from edgesweep.dirty import UNROUTED, Change, DirtyRow
from edgesweep.errors import BadInput
from edgesweep.record import events
from edgesweep.record.selection import Fate, Selection
from edgesweep.record.unchanged import Checked, Name, NoCatalogue, name_of

# Partition, bucket and key of a row, and each with its latest change.
Target = tuple[str, str, str]
Targets = Mapping[Target, Change]


class Routes(Protocol):
    """Knows who serves an object."""

    def distributions(self, bucket: str, key: str) -> Collection[str]:
        """Return the ids of the distributions that can serve the object."""
        ...

    def serves(self, bucket: str) -> bool:
        """Tell whether any distribution leads to the bucket."""
        ...


class DirtyWriter(Protocol):
    """Appends dirty rows."""

    def add(self, rows: Sequence[DirtyRow]) -> Mapping[DirtyRow, str]:
        """Write rows; return those that could not be written, each with the reason."""
        ...


class Filter(Protocol):
    """Tells uploads that change nothing."""

    def check(self, changes: Iterable[Change]) -> Checked:
        """Tell what a batch of changes is about, and forget what has changed."""
        ...

    def learn(self, checked: Checked, recorded: Collection[Name]) -> Mapping[Name, str]:
        """Learn what was seen of objects whose rows are written; return those that failed."""
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
        unrouted: how many of them are of buckets that no distribution leads to.
        failed: message id -> why it has to come back.
        passed_over: why changes got no row -> how many.
        unlearnt: objects that the catalogue could not be told of -> the reason.
        unseen: how many objects nobody could look at, so that they count as changed.
    """

    rows: int
    unrouted: int
    failed: Mapping[str, str]
    passed_over: Mapping[Fate, int] = field(default_factory=dict)
    unlearnt: Mapping[Name, str] = field(default_factory=dict)
    unseen: int = 0


@dataclass(frozen=True, slots=True)
class Recorder:
    """Turns batches of messages into dirty rows.

    Attributes:
        routes: from objects to distributions.
        writer: where rows go.
        token: a source of random text, one for each row.
        shards: partitions of each distribution, to lift the write limit of one.
        selection: which keys are swept.
        sieve: tells uploads that change nothing.
    """

    routes: Routes
    writer: DirtyWriter
    token: Callable[[], str]
    shards: int = 1
    selection: Selection = field(default_factory=Selection)
    sieve: Filter = field(default_factory=NoCatalogue)

    def record(self, messages: Iterable[Message], now: datetime) -> Recorded:
        """Write one row for each distinct distribution, bucket and key of the batch.

        Args:
            messages: the batch, in any order, duplicates included.
            now: the time at which the batch was received, or earlier.
        """
        understood, failed = _understand(messages)
        fates, checked = self._sift(chain.from_iterable(understood.values()))
        targets = {
            message: _targets(its_changes, fates) for message, its_changes in understood.items()
        }
        # A flush that was sent before the stamp of a row does not count for the row.
        rows = self._rows(targets.values(), max(now, checked.stamped_at or now))
        unwritten = self._write(rows.values(), checked.refused)
        for message, its_targets in targets.items():
            for row in (rows[target] for target in its_targets):
                if row in unwritten:
                    failed[message] = unwritten[row]
        written = [row for row in rows.values() if row not in unwritten]
        recorded = _names(written) - _names(unwritten)
        passed_over: Counter[Fate] = Counter(its_fate for its_fate, _ in fates.values())
        del passed_over[Fate.SWEPT]
        return Recorded(
            rows=len(written),
            unrouted=sum(row.distribution == UNROUTED for row in written),
            failed=failed,
            passed_over=passed_over,
            unlearnt=self.sieve.learn(checked, recorded),
            unseen=checked.unseen,
        )

    def _sift(
        self, its_changes: Iterable[Change]
    ) -> tuple[dict[Change, tuple[Fate, Collection[str]]], Checked]:
        """Return what becomes of each change, and what is known of the objects."""
        fates = {
            change: fate(self.selection, self.routes, *name_of(change))
            for change in set(its_changes)
        }
        swept = [change for change, (its_fate, _) in fates.items() if its_fate is Fate.SWEPT]
        checked = self.sieve.check(swept)
        for change in swept:
            if name_of(change) in checked.unchanged:
                fates[change] = Fate.UNCHANGED, ()
        return fates, checked

    def _write(
        self, rows: Collection[DirtyRow], refused: Mapping[Name, str]
    ) -> Mapping[DirtyRow, str]:
        """Write the rows of all but some objects; return what is not written, with the reason."""
        kept = {row: refused[name] for row in rows if (name := name_of(row.change)) in refused}
        return {**kept, **self.writer.add([row for row in rows if row not in kept])}

    def _rows(self, targets: Iterable[Targets], now: datetime) -> dict[Target, DirtyRow]:
        latest: dict[Target, Change] = {}
        for its_targets in targets:
            for target, change in its_targets.items():
                if target not in latest or latest[target].changed_at <= change.changed_at:
                    latest[target] = change
        return {target: self._row(target[0], change, now) for target, change in latest.items()}

    def _row(self, distribution: str, change: Change, now: datetime) -> DirtyRow:
        token = self.token()
        return DirtyRow(distribution, change, now, token, int(token, 16) % self.shards)


def fate(
    selection: Selection, routes: Routes, bucket: str, key: str
) -> tuple[Fate, Collection[str]]:
    """Return what becomes of an object that changes, and the partitions that want a row of it."""
    selected = selection.fate(key)
    if selected is not Fate.SWEPT:
        return selected, ()
    distributions = routes.distributions(bucket, key)
    if distributions or not routes.serves(bucket):
        return selected, distributions or (UNROUTED,)
    return Fate.UNSERVED, ()


def _targets(
    its_changes: Iterable[Change], fates: Mapping[Change, tuple[Fate, Collection[str]]]
) -> Targets:
    return {
        (partition, change.bucket, change.key): change
        for change in sorted(its_changes, key=attrgetter("changed_at"))
        for partition in fates[change][1]
    }


def _names(rows: Iterable[DirtyRow]) -> set[Name]:
    return {name_of(row.change) for row in rows}


def _understand(
    messages: Iterable[Message],
) -> tuple[dict[str, tuple[Change, ...]], dict[str, str]]:
    understood, failed = {}, {}
    for message in messages:
        try:
            understood[message.id] = events.parse(message.body)
        except BadInput as error:
            failed[message.id] = str(error)
    return understood, failed
