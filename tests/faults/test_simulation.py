"""Whatever crashes, repeats, overlaps or is late: every law holds in every story."""

from collections import Counter

from tests.faults.simulation import Simulation
from tests.faults.soak import judge_all

SEEDS = 2_000


def test_laws() -> None:
    """No law is broken in any story; the text names the seed to replay with the soak command."""
    broken = judge_all(range(SEEDS))

    assert broken == [], f"{SEEDS - len(broken)} of {SEEDS} seeds held"


def test_same_story() -> None:
    """A seed tells the same story line by line, however often it is told."""
    told: Counter[tuple[str, ...]] = Counter()
    for _ in range(2):
        lines: list[str] = []
        Simulation(7, lines.append).tell()
        told[tuple(lines)] += 1

    assert len(told) == 1
