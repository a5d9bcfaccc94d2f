"""Uploads become one invalidation each, within seconds: on the simulated clock, in fair weather.

Functions start cold now and then, events come in any order within two seconds, and an upload may
pause for a big file. The clocks of functions agree here, as Lambda's do.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import count, islice
from unittest import mock

import pytest

from tests.faults import kinds, process
from tests.faults.draw import draw
from tests.faults.laws import broken
from tests.faults.people import People
from tests.faults.simulation import Simulation, Story

WOKEN: Mapping[kinds.Kind, float] = {kinds.woken: 100}
STARTING = 1.5
SEEDS = 10
# An event takes 4 s to the recorder at most, the quiet is 10 s at most, and calls take the rest.
WITHIN = timedelta(seconds=20)


@contextmanager
def changing(*moments: float) -> Iterator[None]:
    """Let an object change at each of these seconds, and nothing else happen."""

    def plan(people: People) -> None:
        for moment in moments:
            people.world.after(moment, people.change)

    with mock.patch.object(People, "plan", plan), mock.patch.object(process, "MOST_SKEW", 0.0):
        yield


def stories(*moments: float) -> Iterator[Story]:
    """Yield some stories of a site with one distribution, and these changes."""
    for seed in islice(filter(_single, count()), SEEDS):
        with changing(*moments):
            simulation = Simulation(seed, kinds=WOKEN)
            simulation._changes_until = simulation.scenario.start
            for function in (simulation.deployment.recorder, simulation.deployment.waker):
                function.starting = STARTING
            yield simulation.tell()


def _single(seed: int) -> bool:
    return len(draw(seed, WOKEN).distributions) == 1


def upload(begins: float) -> Sequence[float]:
    """Return when each of 40 files is uploaded, with a pause of 3 s for a big one."""
    return [begins + number / 10 + 3 * (number >= 20) for number in range(40)]


@pytest.mark.parametrize("begins", [100, 131, 155])
def test_upload(begins: float) -> None:
    """An upload is one invalidation, seconds after its last file."""
    for story in stories(*upload(begins)):
        (made,) = story.ours
        last = max(at for _, at in story.site.told)
        assert made.created_at - last < WITHIN
        assert broken(story) == []


def test_apart() -> None:
    """Three uploads a minute apart are three invalidations."""
    for story in stories(*upload(100), *upload(160), *upload(220)):
        assert len(story.ours) == 3
        assert broken(story) == []
