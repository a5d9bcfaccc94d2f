"""How a tick continues while it takes long."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from edgesweep.cover.survey import Survey
from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.flush.budget import Budget
from edgesweep.flush.flusher import Flusher, Outcome
from edgesweep.flush.journal import Flush
from edgesweep.flush.policy import Policy, Reason
from edgesweep.flush.sender import Accepted, Answer, Sender
from edgesweep.operate.dry_run import JournalInMemory
from edgesweep.routes import Routes
from tests.fakes.dirty import DirtyRowsInMemory

SITE = "E1"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Edge:
    """A CloudFront that accepts everything."""

    def invalidate(self, _distribution: str, _paths: Sequence[str], reference: str) -> Answer:
        """Accept."""
        return Accepted(reference, NOON)

    def in_progress(self, _distribution: str, _invalidation: str) -> bool:
        """Have nothing in progress."""
        return False

    def look_up(self, *_: object) -> None:
        """Have made nothing before."""


class Crowded(JournalInMemory):
    """A journal that is asked by another tick just before a flush is opened."""

    def __init__(self, crowd: "Crowd") -> None:
        super().__init__()
        self._crowd = crowd

    def fits(self, flush: Flush) -> bool:
        """Let the other tick run, once."""
        self._crowd.barge_in()
        return super().fits(flush)


@dataclass
class Crowd:
    """A tick that takes long, and one that begins meanwhile.

    Attributes:
        steps: seconds that surveying takes, and choosing the paths.
    """

    steps: tuple[int, int]
    seconds: int = 0
    meanwhile: Sequence[Outcome] | None = None
    rows: DirtyRowsInMemory = field(default_factory=DirtyRowsInMemory)

    def __post_init__(self) -> None:
        change = Change("site", "a.html", Kind.CREATED, NOON - timedelta(hours=1))
        self.rows.add([DirtyRow(SITE, change, change.changed_at, "0001")])
        self._tokens = count(1)
        self._journal = Crowded(self)

    def tick(self) -> Sequence[Outcome]:
        """Let a flusher do its work."""
        edge, token = Edge(), lambda: f"{next(self._tokens):04x}"
        return Flusher(
            dirty=self.rows,
            journal=self._journal,
            sender=Sender(edge, self._journal, Budget(usd=None), self.clock, token, lambda _: None),
            policy=Policy(),
            survey=lambda *_: self._survey(),
            routes=Routes(),
            clock=self.clock,
            token=token,
        ).tick([SITE])

    def clock(self) -> datetime:
        """Return the time."""
        return NOON + timedelta(seconds=self.seconds)

    def barge_in(self) -> None:
        """Let another tick begin once the paths are chosen."""
        if self.meanwhile is None:
            self.meanwhile = ()
            self.seconds += self.steps[1]
            self.meanwhile = self.tick()

    def _survey(self) -> Survey:
        self.seconds += self.steps[0]
        return Survey([], ())


def test_long_plan() -> None:
    """A tick that surveys and chooses for a minute is not overtaken by the next one.

    Else each would be overtaken by the next, and nothing would ever be sent.
    """
    crowd = Crowd(steps=(40, 20))

    (outcome,) = crowd.tick()

    assert crowd.meanwhile is not None
    assert [other.reason for other in crowd.meanwhile] == [Reason.LEASE]
    assert outcome.reason is Reason.QUIET
    assert crowd.rows.rows == []
