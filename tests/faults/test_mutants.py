"""The simulation can fail: each safety that is switched off is missed by some seed."""

import pytest

from tests.faults.mutants import MUTANTS
from tests.faults.soak import judge
from tests.faults.test_simulation import SEEDS


@pytest.mark.parametrize("name", MUTANTS)
def test_caught(name: str) -> None:
    """Some seed of the default count breaks a law once a safety is off."""
    with MUTANTS[name]():
        caught = next(((seed, laws[0]) for seed in range(SEEDS) if (laws := judge(seed))), None)

    assert caught is not None
    print(f"{name}: seed {caught[0]}, {caught[1]}")  # noqa: T201  # which seed, which law
