"""An account of distributions, what is kept of it, and a discovery that looks at it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from edgesweep.dirty import UNROUTED, Change, DirtyRow, Kind, RequestedPath
from edgesweep.errors import Undiscovered
from edgesweep.flush.discovery import Discovered, Discovery
from edgesweep.operate.dry_run import JournalInMemory
from edgesweep.routes import Behaviour, Distribution, Origin, Routes, Variants
from edgesweep.routes.kept import Kept
from tests.fakes.dirty import DirtyRowsInMemory

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def distribution(identity: str, bucket: str = "site", pattern: str = "*") -> Distribution:
    """Return a distribution that serves the objects of a bucket that a pattern matches."""
    served = Behaviour(pattern, (Origin(bucket),))
    return Distribution(identity, (served, Behaviour()), fingerprint=f"{bucket}/{pattern}")


def row(key: str, bucket: str = "site", place: str = UNROUTED, at: datetime = NOON) -> DirtyRow:
    """Return a row that was recorded at noon."""
    change = Change(bucket, key, Kind.CREATED, at)
    return DirtyRow(place, change, at, f"{bucket}/{key}".encode().hex())


class StoreInMemory:
    """Keeps what is known of the distributions.

    Attributes:
        kept: that.
        saves: how often it was kept.
        broken: whether it answers no more when something is to be kept.
    """

    def __init__(self) -> None:
        self.kept: Kept | None = None
        self.saves = 0
        self.broken = False

    def load(self) -> Kept | None:
        """Return what is kept."""
        return self.kept

    def save(self, kept: Kept) -> bool:
        """Keep this, unless somebody has saved since it was loaded."""
        if self.broken:
            raise OSError
        if kept.revision != (self.kept.revision if self.kept else 0):
            return False
        self.kept = replace(kept, revision=kept.revision + 1)
        self.saves += 1
        return True


@dataclass
class Account:
    """What a discovery looks at.

    Attributes:
        there: the distributions of the account; None: it cannot be read.
        under_way: ids of those that edges do not all work by yet.
        selection: the patterns of keys.
        buckets: those that are swept.
        asked: how often the account was read.
    """

    there: Sequence[Distribution] | None = ()
    under_way: Collection[str] = ()
    variants: dict[str, Variants] = field(default_factory=dict)
    selection: Sequence[Sequence[str]] = ((), (), ())
    buckets: Sequence[str] = ("site", "media", "other", "nobody")
    asked: int = 0
    now: datetime = NOON
    store: StoreInMemory = field(default_factory=StoreInMemory)
    dirty: DirtyRowsInMemory = field(default_factory=DirtyRowsInMemory)
    journal: JournalInMemory = field(default_factory=JournalInMemory)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Let a new process look, which remembers nothing."""
        tokens = count()
        self.discovery = Discovery(
            source=self.find,
            store=self.store,
            dirty=self.dirty,
            journal=self.journal,
            buckets=self.buckets,
            variants=self.variants,
            selection=self.selection,
            clock=lambda: self.now,
            token=lambda: f"{next(tokens):08x}",
        )

    def find(self, known: Mapping[str, Distribution]) -> Mapping[Distribution, bool]:  # noqa: ARG002  # all are listed
        """Read the account."""
        self.asked += 1
        if self.there is None:
            raise Undiscovered("Not yours")
        return {one: one.id not in self.under_way for one in self.there}

    def look(self, later: timedelta = timedelta(0)) -> Discovered:
        """Look, some time after the last look."""
        self.now += later
        return self.discovery.look()

    def route(self, later: timedelta = timedelta(0)) -> int:
        """Look, some time after the last look, and route."""
        return self.discovery.route(self.look(later))

    def rows(self, place: str) -> Sequence[str]:
        """Return the keys, or the requested paths, that wait in a place."""
        subjects = [one.subject for one in self.dirty.read(place)]
        return [one.path if isinstance(one, RequestedPath) else one.key for one in subjects]

    def routes(self, key: str, bucket: str = "site") -> Collection[str]:
        """Return where a recorder would send a change now."""
        kept = self.store.kept or Kept()
        return Routes(kept.distributions, self.variants).distributions(bucket, key)
