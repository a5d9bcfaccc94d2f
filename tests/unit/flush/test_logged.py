"""The lines that a tick logs."""

from dataclasses import replace
from datetime import UTC, datetime

from edgesweep.flush.auditing import Audited
from edgesweep.flush.discovery import Discovered
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.gaps import Watched
from edgesweep.flush.journal import Flush
from edgesweep.flush.policy import Policy, Reason
from edgesweep.flush.tick import Line, Ticked, lines
from edgesweep.routes import Routes

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOTHING = Ticked(Discovered(Routes(), None, waiting=False), Policy(), (), None)


def logged(done: Ticked) -> list[Line]:
    """Return all lines."""
    return list(lines(done, NOW))


def test_nothing() -> None:
    """A tick that found nothing logs nothing."""
    assert logged(NOTHING) == []


def test_outcomes() -> None:
    """Each distribution has a line: whether it was flushed, why, and with which paths."""
    flush = Flush("E1", NOW, "", paths=("/a",), months=("2026-11",), rows=7)
    sent, held = Outcome("E1", Reason.QUIET, flush), Outcome("E2", Reason.LEASE)

    first, second = logged(replace(NOTHING, outcomes=[sent, held]))

    common = {"answer": "None"}
    assert first == (
        "info",
        "Flushed",
        {"distribution": "E1", "reason": Reason.QUIET, "rows": 7, "paths": ("/a",), **common},
    )
    assert second == (
        "info",
        "Held",
        {"distribution": "E2", "reason": Reason.LEASE, "rows": 0, "paths": (), **common},
    )


def test_spent() -> None:
    """A month of which nothing is left is an error that says until when."""
    _, line = logged(replace(NOTHING, outcomes=[Outcome("E1", Reason.SPENT)]))

    assert line[0] == "error"
    assert line[2] == {"distribution": "E1", "until": datetime(2026, 12, 1, tzinfo=UTC)}


def test_attention() -> None:
    """Each thing that somebody should see has its own line: an error if something is broken."""
    done = replace(
        NOTHING,
        unrouted=3,
        audited=Audited(others=40, refusals={"E1": "denied"}),
        redriven=5,
        watched=Watched(unwired=("silent",), swept=("missed",)),
    )

    assert [(level, fields) for level, _, fields in logged(done)] == [
        ("warning", {"rows": 3}),
        ("info", {"paths": 40}),
        ("error", {"unread": {"E1": "denied"}}),
        ("warning", {"messages": 5}),
        ("error", {"bucket": "silent"}),
        ("warning", {"bucket": "missed"}),
    ]
