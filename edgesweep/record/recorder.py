"""Record changes and requests: SQS messages in, dirty rows out.

Goal: no message is acknowledged before all its rows are written. A message that cannot be
understood or written fails alone; writing a row twice is harmless, losing one is not.

A change needs no row if the user excludes it or says that its bytes never change, if its bucket is
served but the object is not, or if it changed nothing (see `edgesweep.record.unchanged`). An edge
may still say that an object whose bytes never change is missing: where that lasts, a new object
gets a row. We count the changes without a row, so a wrong pattern shows. Unless it changed nothing,
such a change makes its object unknown, since patterns and distributions change.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import chain

from edgesweep.dirty import UNROUTED, Change, DirtyRow, DirtyWriter, Kind, RequestedPath
from edgesweep.errors import BadInput
from edgesweep.record import events
from edgesweep.record.catalogue import Name
from edgesweep.record.events import Request
from edgesweep.record.unchanged import Checked, UnchangedFilter
from edgesweep.routes import Routes
from edgesweep.routes.patterns import matches

MOST_ROWS = 20_000  # of the requests of a batch: one invocation has time for that many


class Fate(StrEnum):
    SWEPT = "swept"
    EXCLUDED = "excluded"  # the user does not want it swept
    IMMUTABLE = "immutable"  # the user says that its bytes never change
    UNSERVED = "unserved"  # no distribution of its bucket serves it
    UNCACHED = "uncached"  # no cache keeps it
    UNCHANGED = "unchanged"  # viewers see the same as before


@dataclass(frozen=True, slots=True)
class Selection:
    """Patterns over object keys, written as CloudFront's path patterns."""

    include: Sequence[str] = ()  # the keys to sweep; all if empty
    exclude: Sequence[str] = ()  # keys not to sweep, even if included
    # Names that never get other bytes, such as hashed assets. Their removal is not invalidated: an
    # edge may serve a removed object until it expires. A new object is invalidated where an edge
    # may say for longer than the user accepts that it is missing.
    immutable: Sequence[str] = ()

    @property
    def patterns(self) -> Sequence[Sequence[str]]:
        """All patterns; their order within each list does not matter."""
        return self.include, self.exclude, self.immutable

    def fate(self, key: str) -> Fate:
        """Return the fate of a change of `key`: SWEPT, EXCLUDED or IMMUTABLE."""
        included, excluded, immutable = (
            any(matches(pattern, "/" + key) for pattern in patterns) for patterns in self.patterns
        )
        if excluded or (self.include and not included):
            return Fate.EXCLUDED
        return Fate.IMMUTABLE if immutable else Fate.SWEPT


# The fate of each changed object, and the partitions that get a row of it.
Fates = Mapping[Name, tuple[Fate, Collection[str]]]


@dataclass(frozen=True, slots=True)
class Recorded:
    rows: int
    unrouted: int  # how many rows are of buckets that no distribution leads to
    failed: Mapping[str, str]  # message id -> why it has to come back
    passed_over: Mapping[Fate, int] = field(default_factory=dict)  # changes that got no row
    unconfirmed: Mapping[Name, str] = field(default_factory=dict)  # why objects stay unknown
    unseen: int = 0  # how many objects no HEAD saw, so they count as changed
    unserved: tuple[Name, ...] = ()  # objects that no distribution of their bucket serves


@dataclass(frozen=True, slots=True)
class Recorder:
    """Turns batches of messages into dirty rows, spread over `shards` of each distribution."""

    routes: Routes
    writer: DirtyWriter
    token: Callable[[], str]  # returns another random hexadecimal text for each row
    shards: int = 1
    selection: Selection = field(default_factory=Selection)
    unchanged: UnchangedFilter | None = None  # without one, every object counts as changed

    def record(self, bodies: Mapping[str, str], now: datetime) -> Recorded:
        """Write a row for each distinct distribution and object, or requested path, of a batch."""
        # The bodies are those of SQS messages, by their ids; they were received at `now` or later.
        understood, failed = self._understood(bodies)
        distinct = list(dict.fromkeys(chain.from_iterable(understood.values())))
        changes = [one for one in distinct if isinstance(one, Change)]
        requests = [one for one in distinct if isinstance(one, Request)]
        fates, checked = self._checked(changes)
        # No flush that was sent before the stamp of a row covers the row.
        stamp = max(now, checked.stamped_at or now)
        rows = self._rows(changes, fates, checked.refused, stamp)
        rows |= {self._row(one.to, one.subject, stamp): one for one in requests}
        unwritten = self.writer.add(list(rows))
        reasons = {rows[row]: reason for row, reason in unwritten.items()}
        reasons.update(checked.refused.items())
        for message, reported in understood.items():
            its = {one.name if isinstance(one, Change) else one for one in reported}
            for one in reasons.keys() & its:
                failed[message] = reasons[one]
        seen = checked.seen.keys() - reasons.keys()
        written = [row for row in rows if row not in unwritten]
        passed_over = Counter(fates[change.name][0] for change in changes)
        del passed_over[Fate.SWEPT]
        return Recorded(
            rows=len(written),
            unrouted=sum(row.distribution == UNROUTED for row in written),
            failed=failed,
            passed_over=passed_over,
            unconfirmed=self.unchanged.learn(checked, seen) if self.unchanged else {},
            unseen=checked.unseen,
            unserved=tuple(name for name, (one, _) in fates.items() if one is Fate.UNSERVED),
        )

    def _checked(self, changes: Sequence[Change]) -> tuple[Fates, Checked]:
        names = dict.fromkeys(change.name for change in changes)
        made = {change.name for change in changes if change.kind is Kind.CREATED}
        fates = {one: fate(self.selection, self.routes, *one, created=one in made) for one in names}
        if self.unchanged is None:
            return fates, Checked()
        checked = self.unchanged.check(
            [change for change in changes if fates[change.name][0] is Fate.SWEPT],
            [name for name in names if fates[name][0] is not Fate.SWEPT],
        )
        return {**fates, **dict.fromkeys(checked.unchanged, (Fate.UNCHANGED, ()))}, checked

    def _rows(
        self, changes: Iterable[Change], fates: Fates, refused: Collection[Name], now: datetime
    ) -> dict[DirtyRow, Name | Request]:
        """Return a row of the last change of each object for each of its partitions."""
        last = {one.name: one for one in sorted(changes, key=lambda one: one.changed_at)}
        return {
            self._row(partition, change, now): name
            for name, change in last.items()
            if name not in refused
            for partition in fates[name][1]
        }

    def _row(self, to: str, subject: Change | RequestedPath, now: datetime) -> DirtyRow:
        token = self.token()
        return DirtyRow(to, subject, now, token, int(token, 16) % self.shards)

    def _understood(
        self, bodies: Mapping[str, str]
    ) -> tuple[dict[str, Sequence[Change | Request]], dict[str, str]]:
        """Return what each message reports or requests, and why the others come back."""
        understood, failed = dict[str, Sequence[Change | Request]](), dict[str, str]()
        room = MOST_ROWS
        for message, body in bodies.items():
            try:
                found = list(chain.from_iterable(map(self._addressed, events.parse(body))))
            except BadInput as error:
                failed[message] = str(error)
                continue
            if len(found) > MOST_ROWS:
                failed[message] = f"It takes {len(found):,} rows, and at most {MOST_ROWS:,} fit"
            elif understood and len(found) > max(1, room):
                failed[message] = "This batch has no time left for this message; it comes back"
            else:
                understood[message], room = found, room - len(found)
        return understood, failed

    def _addressed(self, one: Change | Request) -> Sequence[Change | Request]:
        """Return a request once for each of its distributions."""
        if isinstance(one, Change):
            return [one]
        if found := [replace(one, to=to) for to in self.routes.leading if one.to in ("", to)]:
            return found
        raise BadInput(f"The distribution {one.to or '(any)'} is not known")


def fate(
    selection: Selection, routes: Routes, bucket: str, key: str, *, created: bool = False
) -> tuple[Fate, Collection[str]]:
    """Return the fate of a changed object, and the partitions that get a row of it."""
    selected = selection.fate(key)
    if selected is Fate.IMMUTABLE and created and (held := routes.may_hold_error(bucket, key)):
        return Fate.SWEPT, held
    if selected is not Fate.SWEPT:
        return selected, ()
    distributions = routes.distributions(bucket, key)
    if distributions or not routes.serving(bucket):
        return selected, distributions or (UNROUTED,)
    return (Fate.UNCACHED if routes.answers(bucket, key) else Fate.UNSERVED), ()
