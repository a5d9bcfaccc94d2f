"""An urgent change waits for no end of an upload, and everything goes with it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from edgesweep.dirty import DirtyRow
from edgesweep.flush.policy import Policy, Reason
from edgesweep.routes import Routes
from tests.fakes.flushing import Process, Ticks

NOW = timedelta()


def uploading(urgent: str, *keys: str) -> Ticks:
    """Return a world in which objects were just uploaded."""
    ticks = Ticks(policy=Policy(urgent=(urgent,)))
    for key in keys:
        ticks.change(key, NOW)
    return ticks


def test_goes() -> None:
    """The flush takes all rows along."""
    ticks = uploading("legal/*", "a", "legal/b", "c")

    (sent,) = ticks.tick()

    assert (sent.reason, ticks.sent) == (Reason.URGENT, [("/a", "/c", "/legal/b")])
    assert ticks.keys == []


def test_requested() -> None:
    """A requested path is urgent as the key that it names is."""
    ticks = uploading("legal/*", "a")
    ticks.request("/legal/b", NOW)

    (sent,) = ticks.tick()

    assert (sent.reason, ticks.sent) == (Reason.URGENT, [("/a", "/legal/b")])


def test_others_wait() -> None:
    """Without an urgent change the upload continues, and nobody takes the lease."""
    ticks, process = uploading("legal/*", "a", "illegal/b"), Process()

    (held,) = ticks.tick(process=process)

    assert (held.reason, ticks.sent) == (Reason.UPLOADING, [])
    assert "take" not in process.calls


def test_asked_for_now() -> None:
    """If somebody asks for a flush now, everything is urgent: objects, paths and tags."""
    ticks = uploading("", "a")
    ticks.request("#tag", NOW)

    flusher = ticks.flusher(Routes(), ticks.policy.with_all_urgent())
    (sent,) = flusher.tick(["E1"])

    assert (sent.reason, ticks.sent) == (Reason.URGENT, [("/a", "#tag")])


@pytest.mark.parametrize("patterns", [(), ("legal/*",)])
def test_reads(patterns: tuple[str, ...]) -> None:
    """Rows are read before the upload has ended only where a pattern may name one."""
    ticks, process = uploading("", "a"), Process()
    ticks.policy = Policy(urgent=patterns)

    ticks.tick(process=process)

    assert ("read" in process.calls) is bool(patterns)


def test_unread() -> None:
    """Rows that cannot be read fail their distribution alone."""
    ticks = uploading("legal/*", "a")
    ticks.change("b", to="E2")
    read = ticks.dirty.read

    def broken(distribution: str, *arguments: Any, **named: Any) -> Iterator[DirtyRow]:  # noqa: ANN401  # as it is called
        if distribution == "E1":
            raise ConnectionError
        return read(distribution, *arguments, **named)

    with mock.patch.object(ticks.dirty, "read", broken):
        outcomes = ticks.tick("E1", "E2")

    assert {one.distribution: one.reason for one in outcomes} == {
        "E1": Reason.FAILED,
        "E2": Reason.QUIET,
    }
