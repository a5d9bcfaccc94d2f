"""The rows of a distribution that CloudFront refuses to know wait until it is known as deleted."""

import pytest

from edgesweep.flush.sender import Refusal, Refused
from tests.fakes.flushing import Ticks


@pytest.mark.parametrize("refusal", [Refusal.GONE, Refusal.DENIED])
def test_known_as_deleted(refusal: Refusal) -> None:
    """Then they go: others that serve the bucket have rows of their own, or are swept as new.

    One that the stack no longer names is as if deleted, and the role may not invalidate it.
    """
    world = Ticks([Refused(refusal, "No."), Refused(refusal, "No.")])
    world.change("a.html")

    world.tick(gone=False)
    assert world.keys == [("E1", "a.html")]

    world.tick(gone=True)
    assert world.keys == []
    assert sum(world.journal.charged.values()) == 0
