"""A backfill of 100,000 keys does not keep a single urgent change waiting."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from edgesweep.cover.survey import unsurveyed
from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.flush.budget import Budget
from edgesweep.flush.flusher import Flusher
from edgesweep.flush.policy import Policy, Reason
from edgesweep.flush.sender import Accepted, Sender
from edgesweep.lab.history import Step
from edgesweep.lab.paced import Paced
from edgesweep.operate.dry_run import JournalInMemory
from edgesweep.paths import matcher, viewer_path
from edgesweep.routes import Routes
from tests.fakes.dirty import DirtyRowsInMemory

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEYS = [f"archive/{number // 1_000:03}/{number:06}.html" for number in range(100_000)]
URGENT = "index.html"
LIVE = sorted(map(viewer_path, [*KEYS, URGENT]))


class Edge:
    """A CloudFront that accepts everything."""

    def __init__(self) -> None:
        self.paths: Sequence[str] = ()

    def invalidate(self, _distribution: str, paths: Sequence[str], reference: str) -> Accepted:
        """Accept."""
        self.paths = paths
        return Accepted(reference, NOON)

    def in_progress(self, _distribution: str, _invalidation: str) -> bool:
        """Have nothing in progress."""
        return False

    def look_up(self, *_: object) -> None:
        """Have made nothing before."""


def test_one_flush() -> None:
    """What is urgent goes with the backfill that is still coming in, though one path is left."""
    rows, journal, edge, tokens = DirtyRowsInMemory(), JournalInMemory(), Edge(), count()
    policy = Policy(Budget())
    journal.charged["2026-11"] = 1_000 - policy.budget.reserve(NOON)
    keys = [*KEYS, URGENT]
    rows.add([_row(key, NOON - (300 - number / 335) * SECOND) for number, key in enumerate(keys)])

    (outcome,) = Flusher(
        dirty=rows,
        journal=journal,
        sender=Sender(edge, journal, policy.budget, lambda: NOON, str, lambda _: None),
        policy=policy,
        survey=lambda _distribution, dirty, *_: unsurveyed(dirty),
        routes=Routes(),
        clock=lambda: NOON,
        token=lambda: f"{next(tokens):08x}",
    ).tick(["E1"])

    assert outcome.reason is Reason.WAITED
    assert len(edge.paths) == 1
    assert matcher(edge.paths)("/index.html")
    assert rows.rows == []


@pytest.mark.parametrize("urgent", ["E1", "E2"])
def test_staleness(urgent: str) -> None:
    """Whether it is on the same distribution or on another, it is sent within the guarantee."""
    policy = Policy(Budget(Decimal(0), distributions=2))
    paced = Paced(policy)
    # Only the reserve is left, and the other distribution has just taken its path of it.
    paced.charged["2026-11"] = 1_000 - policy.budget.reserve(NOON)
    deploys = sorted(_deploys(urgent), key=lambda deploy: deploy[1].at)

    sent = list(paced.run(deploys))

    waits = [
        flush.step.at - step.at
        for flush in sent
        for step in flush.steps
        if f"/{URGENT}" in step.dirty
    ]
    assert len(waits) == 5
    assert max(waits) <= policy.guaranteed(NOON)
    assert paced.charged["2026-11"] <= 1_000


def _deploys(urgent: str) -> Iterator[tuple[str, Step]]:
    """Yield 100 objects a second, which never come to rest, and an urgent change now and then."""
    for start in range(0, len(KEYS), 500):
        dirty = sorted(map(viewer_path, KEYS[start : start + 500]))
        yield "E1", Step(NOON + start / 100 * SECOND, dirty, LIVE)
    for minute in range(-1, 19, 4):
        yield urgent, Step(NOON + minute * 60 * SECOND, [f"/{URGENT}"], LIVE)


def _row(key: str, recorded_at: datetime) -> DirtyRow:
    return DirtyRow("E1", Change("site", key, Kind.CREATED, recorded_at), recorded_at, key[-8:])
