"""Backlogs are measured, and worked off minute by minute, as the benchmark says."""

from dataclasses import replace

import pytest

from bench import backlogs
from bench.backlogs import Measured, main, measured
from bench.minutes import BEGINS, WATCHED, Minutes, Pace, smaller
from bench.stand_ins import Backlog, BacklogRows, Objects
from tests.fakes.listing import ListingInMemory

SLOW = Pace(read=1e-4, plan=1e-4, delete=1e-3)


def test_measured() -> None:
    """Ticks over what the table answers leave no row, and each phase has taken its time."""
    found = measured(2_000, 100, 10_000)

    assert (found.rows, found.ticks) == (2_000, 1)
    assert found.seconds.keys() >= {"read", "survey", "plan", "delete"}
    assert all(seconds >= 0 for seconds in found.seconds.values())
    assert found.waits["delete"] == pytest.approx(2)
    assert 0 < found.unattended < sum(found.seconds.values())


@pytest.mark.parametrize(("prefix", "after"), [("", ""), ("00001/", "00001/00001500-x"), ("1", "")])
def test_listing(prefix: str, after: str) -> None:
    """Objects that are made as they are listed are listed as those that are there."""
    objects = Objects(2_500)
    there = ListingInMemory({"site": map(objects.key, range(2_500))})

    assert objects.page("site", prefix, after) == there.page("site", prefix, after)


def test_backlog() -> None:
    """Rows that are made as they are read are read in order, from a place and to a moment."""
    backlog = Backlog(WATCHED, Objects(100), 100, BEGINS)
    rows = BacklogRows(backlog)
    everything = list(rows.read(WATCHED))

    rows.delete(everything[5:7])

    assert [row.token for row in everything] == [f"{number:016x}" for number in range(100)]
    assert rows.span(WATCHED) == (everything[0].recorded_at, everything[-1].recorded_at)
    some = rows.read(WATCHED, everything[9].recorded_at, everything[3].position)
    assert list(some) == [everything[4], *everything[7:10]]


def test_scale() -> None:
    """Fewer rows that stand for more each take as many ticks."""
    ticks = []
    for scale in (500, 1_000):
        minutes = Minutes.of(1_000_000 // scale, SLOW.times(scale))
        with smaller(scale):
            minutes.run()
        ticks.append(minutes.ticks)

    assert ticks[0] > 5
    assert abs(ticks[1] - ticks[0]) <= 2


def test_timeout() -> None:
    """A run that takes too long is ended, and the next ones bring the backlog to its end."""
    minutes = Minutes.of(400, replace(SLOW, delete=1))

    minutes.run()

    assert minutes.ended
    assert minutes.ticks >= 400 / 60
    assert not minutes.rows.span(WATCHED)


@pytest.mark.parametrize(("peak", "code"), [(699, 0), (701, 1)])
def test_main(
    peak: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was measured stands beside its limits; a limit that is passed is a failure."""
    took = {"read": 0.1, "survey": 0.1, "plan": 0.1, "delete": 0.1}
    found = Measured(1_000, 1, peak, took, {"delete": 0.9}, 1)
    monkeypatch.setattr(backlogs, "in_its_own_process", lambda *_: found)
    monkeypatch.setattr(backlogs, "BACKLOGS", (200_000,))

    assert main(["--scale", "1000"]) == code

    printed = capsys.readouterr().out
    assert f"{peak} MB beside the runtime (at most 700)" in printed
    assert "\n200,000 rows: empty after " in printed
