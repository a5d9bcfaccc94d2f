"""Events: each sweep is announced, a state when it begins, and nothing waits for it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from edgesweep.flush import announcing, journal
from edgesweep.flush.announcing import Announcer, Detail, Event
from edgesweep.flush.budget import Budget, Ledger
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.journal import Flush, Invalidation, State
from edgesweep.flush.policy import Policy, Reason
from edgesweep.flush.sender import Accepted, Refusal, Refused
from tests.fakes.flushing import Ticks

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "events.schema.json").read_text())
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SENT = Flush(
    distribution="E1",
    opened_at=NOON,
    token="5f0c1d2e",  # noqa: S106  # no secret
    paths=("/a", "/b/*"),
    months=("2026-11",),
    rows=7,
    collateral=30,
    state=State.SENT,
    accepted=(Invalidation("I1", "2026-11", 1, 1),),
    sent_at=NOON + 4 * timedelta(seconds=1),
    changed_at=NOON,
)


class Bus:
    """A bus that checks each event against the documented schema."""

    def __init__(self, budget: Budget | None = None) -> None:
        self.events: list[tuple[Event, Any]] = []
        self.warnings: list[str] = []
        self.down = False
        budget = budget or Budget()
        self.announcer = Announcer(
            self.publish, lambda _: Ledger(129), budget, lambda: NOON, self.warnings.append
        )

    def publish(self, event: Event, detail: Detail) -> None:
        """Take an event as JSON."""
        if self.down:
            raise ConnectionError("down")  # the reason
        told = json.loads(json.dumps(detail))
        Draft202012Validator(SCHEMA).validate({event.value: told})
        self.events.append((event, told))

    @property
    def kinds(self) -> list[tuple[Event, str]]:
        """The events, each with its distribution."""
        return [(event, detail["distribution"]) for event, detail in self.events]


def test_swept() -> None:
    """The event of a sweep has its paths, its objects, its seconds, and the paths that are left."""
    bus = Bus()

    bus.announcer.swept(SENT)

    ((event, detail),) = bus.events
    assert event is Event.SWEPT
    assert detail == {
        "distribution": "E1",
        "flush": SENT.id,
        "paths": ["/a", "/b/*"],
        "morePaths": 0,
        "objects": 7,
        "unchangedObjects": 30,
        "seconds": 4.0,
        "pathsLeft": 871,
    }


def test_without_a_limit() -> None:
    """Without a limit nothing can be left, and a flush of an old release knows no seconds."""
    bus = Bus(Budget(usd=None))

    bus.announcer.swept(replace(SENT, changed_at=None))

    ((_, detail),) = bus.events
    assert (detail["pathsLeft"], detail["seconds"]) == (None, None)


def test_many_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths that do not fit in an event are counted."""
    monkeypatch.setattr(announcing, "MOST_BYTES", 6)
    bus = Bus()

    bus.announcer.swept(SENT)

    ((_, detail),) = bus.events
    assert (detail["paths"], detail["morePaths"]) == (["/a"], 1)


def test_states() -> None:
    """A state is announced when it begins, and again once it has ended and begins once more."""
    bus, policy = Bus(), Policy()
    held = Outcome("E1", Reason.BUDGET, oldest=NOON - MINUTE)
    uploading = Outcome("E2", Reason.UPLOADING, oldest=NOON - MINUTE)

    for outcomes in ([held], [held, uploading], [], [held]):
        bus.announcer.look(outcomes, policy)

    assert bus.kinds == [(Event.HELD, "E1")] * 2


def test_overdue() -> None:
    """A change that waits for longer than the guarantee is overdue, until it is sent."""
    bus, policy = Bus(), Policy()
    late = NOON - policy.guaranteed(NOON) - MINUTE
    settled = replace(SENT, state=State.SETTLED)

    bus.announcer.look([Outcome("E1", Reason.QUOTA, oldest=late)], policy)
    bus.announcer.look([Outcome("E1", Reason.QUIET, settled, oldest=late)], policy)

    assert sorted(bus.kinds) == [(Event.HELD, "E1"), (Event.OVERDUE, "E1")]
    assert bus.events[0][1]["reason"] == Reason.QUOTA


def test_down() -> None:
    """Where no event can be published, the log says so, and nothing fails."""
    bus = Bus()
    bus.down = True

    bus.announcer.swept(SENT)

    assert bus.events == []
    assert bus.warnings == ["The event Edgesweep Swept was not published: down"]


def test_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a flush that CloudFront accepted in part, that part is announced, and later the rest."""
    monkeypatch.setattr(journal, "PATHS_PER_SECOND", 1)
    no = partial(Refused, text="No.")
    world = Ticks([no(Refusal.TOO_LARGE), Accepted("I9", NOON), no(Refusal.CONFLICT)])
    world.change("a.html")
    world.change("b.html")

    while world.keys:
        world.tick()

    assert [flush.done for flush in world.announced] == [("/a.html",), ("/b.html",)]
    assert [flush.state for flush in world.announced] == [State.OPEN, State.SENT]
