"""A tick of the flush function."""

from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from edgesweep.flush.tick import shared


def test_shared() -> None:
    """A budget is shared by the distributions, and kept as it is where it is too small for them."""
    policy = Policy(Budget(free_paths=5))

    assert shared(policy, 2) == (Policy(Budget(free_paths=5, distributions=2)), None)
    same, refusal = shared(policy, 3)
    assert same == policy
    assert "allowance of 5" in str(refusal)
