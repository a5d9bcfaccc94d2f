"""The simulation can fail: each safety that is switched off is missed by some seed."""

from datetime import UTC, datetime, timedelta

import pytest

from edgesweep.errors import Overtaken
from edgesweep.flush.journal import LEASE_TERM, Flush
from edgesweep.operate.journal_in_memory import JournalInMemory
from tests.faults.mutants import MUTANTS, unfinished_not_asked
from tests.faults.soak import judge
from tests.faults.test_simulation import SEEDS

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

# Where those that take long to find were caught last: looked at first, before all others.
LIKELY = {
    "fixed order": 700,
    "hidden retries": 811,
    "ledger held to the allowance": 1_654,
    "lease by time": 251,
    "month by opening": 27,
    "no skew margin": 387,
    "parts forgotten": 77,
    "refund after no answer": 27,
    "unfinished not checked": 270,
}


@pytest.mark.parametrize("name", MUTANTS)
def test_caught(name: str) -> None:
    """Some seed of the default count breaks a law once a safety is off."""
    seeds = (LIKELY.get(name, 0), *range(SEEDS))
    with MUTANTS[name]():
        caught = next(((seed, laws[0]) for seed in seeds if (laws := judge(seed))), None)

    assert caught is not None
    print(f"{name}: seed {caught[0]}, {caught[1]}")  # which seed, which law


def test_token_alone() -> None:
    """Also where nobody asks what is unfinished, who lost the lease opens no second flush."""
    journal = JournalInMemory()
    slow = journal.take("E1", "slow", NOON)
    later = NOON + LEASE_TERM + timedelta(seconds=1)
    quick = journal.take("E1", "quick", later)
    journal.open(Flush("E1", later, "1", ("/a",), (), rows=1), quick, {})

    with unfinished_not_asked(), pytest.raises(Overtaken, match="no longer ours"):
        journal.open(Flush("E1", later, "2", ("/a",), (), rows=1), slow, {})
