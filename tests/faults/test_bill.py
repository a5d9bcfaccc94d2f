"""The bill of an account whose paths several spend: it is bounded, and nobody starves."""

import pytest

from tests.faults.bill import FREE, Month, tell

SEEDS = range(3)


def show(month: Month, what: str) -> None:
    """Print the figures of a story."""
    waits = ", ".join(f"{stack.name} {stack.longest}" for stack in month.stacks)
    print(
        f"{what}: {month.over} of {FREE} paths over, {month.unseen} unseen when spending, "
        f"{month.young} within one blindness; the longest waits: {waits}"
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("faults", [False, True])
def test_foreign_spender(seed: int, faults: bool) -> None:  # noqa: FBT001  # a case
    """A stack never spends more than others were seen to leave, and counts all they spent once."""
    month = tell(seed, stacks=1, people=True, faults=faults)

    show(month, f"seed {seed}, people")
    assert month.broken == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("stacks", [2, 3])
def test_two_stacks(seed: int, stacks: int) -> None:
    """Stacks that look at each other every hour cost what one hour's blindness hides, at most."""
    month = tell(seed, stacks=stacks, people=False, faults=False)

    show(month, f"seed {seed}, {stacks} stacks")
    assert month.broken == []
    assert month.over <= month.unseen <= month.young


@pytest.mark.parametrize("seed", SEEDS)
def test_two_stacks_in_the_dark(seed: int) -> None:
    """If looks fail, the bill is at most what was unseen when a stack spent."""
    month = tell(seed, stacks=2, people=True, faults=True)

    show(month, f"seed {seed}, faults")
    assert month.broken == []
