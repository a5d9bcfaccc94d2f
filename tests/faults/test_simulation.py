"""Stories of a whole account: configurations change, queues forget, functions die, edges cache.

`make soak` tells more of them.
"""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.kinds import asked
from tests.faults.laws import broken
from tests.faults.simulation import Simulation
from tests.faults.soak import judge_all, replay

SEEDS = 300
_AT_ONCE = 25


@pytest.mark.parametrize("first", range(0, SEEDS, _AT_ONCE))
def test_laws(first: int, record_property: Callable[[str, object], None]) -> None:
    """No law is broken in any story; the test prints a story that breaks a law line by line."""
    found = judge_all(range(first, first + _AT_ONCE))
    for seed, _ in found[:1]:
        replay(seed)

    assert found == []
    record_property("seeds", _AT_ONCE)


def test_requests() -> None:
    """No law is broken where people request paths beside uploads: sent once, and attributed."""
    laws = {seed: broken(Simulation(seed, kinds={asked: 100}).tell()) for seed in range(40)}

    assert {seed: found for seed, found in laws.items() if found} == {}


def test_same_story() -> None:
    """A seed gives the same story, line by line, each time."""
    told: Counter[tuple[str, ...]] = Counter()
    for _ in range(2):
        lines: list[str] = []
        Simulation(7, lines.append).tell()
        told[tuple(lines)] += 1

    assert len(told) == 1
