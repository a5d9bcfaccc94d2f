"""A path that somebody asked for waits, is paid and goes as changes do."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from edgesweep.flush.sender import Refusal, Refused
from edgesweep.flush.sweeping import MARGIN
from tests.fakes.flushing import Killed, Process, Ticks

NOW = timedelta()


@pytest.mark.parametrize(
    ("requested", "changed", "sent"),
    [
        (["/*"], ["a.html", "docs/b.html"], ["/*"]),
        (["/docs/*"], ["docs/b.html"], ["/docs/*"]),
        (["/docs/*"], ["a.html", "docs/b.html"], ["/a.html", "/docs/*"]),
        (["/a.html"], ["a.html"], ["/a.html"]),
        (["/caf%c3%a9", "/%7b/*"], [], ["/%7b/*", "/caf%c3%a9"]),
        (["/caf%c3%a9"], ["café"], ["/caf%C3%A9"]),
        (["/a.png?w=1"], ["b.png"], ["/a.png?w=1", "/b.png"]),
        (["/a.png?w=1", "/a.png?w=2"], ["b.png"], ["/a.png?*", "/b.png"]),
        (["/a?w=1"], ["a?w=1"], ["/a*"]),
        (["#shoes", "#Hats"], ["a.html"], ["/a.html", "#shoes", "#Hats"]),
        (["#shoes", "/*"], ["a.html"], ["/*"]),
    ],
)
def test_sent(requested: Sequence[str], changed: Sequence[str], sent: Sequence[str]) -> None:
    """It is sent byte for byte, and what lies below it needs no path of its own."""
    world = Ticks()
    for path in requested:
        world.request(path)
    for key in changed:
        world.change(key)

    world.tick()

    assert [sorted(paths) for paths in world.sent] == [sorted(sent)]
    assert world.dirty.rows == []


def test_query_is_no_key() -> None:
    """A path with a query string lets no change go of an object whose key has a question mark."""
    world = Ticks()
    world.request("/a?w=1")
    with pytest.raises(Killed):
        world.tick(process=Process(most=_calls_until_sent()))
    world.change("a?w=1", MARGIN + timedelta(seconds=1))
    world.now += timedelta(minutes=1)

    world.tick()

    assert world.sent == [("/a?w=1",), ("/a*",)]


def test_too_many_tags() -> None:
    """More tags than paths may be spent go as everything."""
    world = Ticks()
    for number in range(1_001):
        world.request(f"#tag-{number}")

    world.tick()

    assert world.sent == [("/*",)]
    assert world.dirty.rows == []


def test_asked_by() -> None:
    """The flush says who requested how many paths, each once."""
    world = Ticks()
    world.change("a.html")
    world.request("/b")
    world.request("#c")
    world.request("#c")

    (outcome,) = world.tick()

    assert outcome.flush
    assert outcome.flush.by == (("somebody", 2),)
    assert "People asked for 2 paths" in outcome.flush.why


def test_fresh() -> None:
    """It waits for an upload to come to rest as a change does."""
    world = Ticks()
    world.request("/*", NOW)

    world.tick()

    assert world.sent == []


@pytest.mark.parametrize("late", ["/docs/a.html", "/docs/", "/docs/a*", "/docs/*", "/doc*", "/b"])
def test_recovered(late: str) -> None:
    """Recovery, which has read no row, lets it go for a path at least as wide and no other."""
    world = Ticks()
    world.request("/docs/*")
    with pytest.raises(Killed):
        world.tick(process=Process(most=_calls_until_sent()))
    world.request(late, MARGIN + timedelta(seconds=1))
    world.now += timedelta(minutes=1)

    (outcome,) = world.tick()

    assert outcome.error is None
    assert world.dirty.rows == []
    assert world.sent == [("/docs/*",), *([] if late.startswith("/docs/") else [(late,)])]


def test_refused() -> None:
    """If CloudFront refuses it unchanged, something wider goes."""
    world = Ticks([Refused(Refusal.INVALID, "Not like this"), Refused(Refusal.INVALID, "Nor this")])
    world.request("/caf%C3%A9/*")

    world.tick()

    assert world.sent == [("/*",)]
    assert world.dirty.rows == []


def _calls_until_sent() -> int:
    """Return how many calls a process makes up to the one that notes the answer."""
    world, process = Ticks(), Process()
    world.request("/docs/*")
    world.tick(process=process)
    return process.calls.index("invalidate") + 2
