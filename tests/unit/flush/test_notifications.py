"""Whether buckets publish their events."""

from edgesweep.flush.gaps import EVENTBRIDGE, Notifications, unwired


def test_unwired() -> None:
    """A bucket that publishes none is named; one that cannot be read is told of."""
    warnings: list[str] = []

    def notifications(bucket: str) -> Notifications:
        if bucket == "denied":
            raise PermissionError("Not you")
        return {EVENTBRIDGE: {}} if bucket == "attached" else {}

    names = ("attached", "bare", "denied")

    assert unwired(names, None, notifications, warnings.append) == ["bare"]
    assert warnings == ["The notifications of the bucket denied cannot be read: Not you"]
