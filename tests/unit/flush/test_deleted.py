"""The rows of a distribution that CloudFront does not know wait until it is known as deleted."""

from edgesweep.flush.sender import Refusal, Refused
from tests.fakes.flushing import Ticks

NO = Refused(Refusal.GONE, "No.")


def test_known_as_deleted() -> None:
    """Then they go: others that serve the bucket have rows of their own, or are swept as new."""
    world = Ticks([NO, NO])
    world.change("a.html")

    world.tick(gone=False)
    assert world.keys == [("E1", "a.html")]

    world.tick(gone=True)
    assert world.keys == []
    assert sum(world.journal.charged.values()) == 0
