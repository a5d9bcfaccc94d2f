"""Once a day the buckets are asked whether they still publish their events."""

from datetime import UTC, datetime, timedelta

from edgesweep.flush.notifications import EVENTBRIDGE, Notifications, WiringCheck

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_daily() -> None:
    """A bucket that publishes none is named once a day; one that cannot be read is told of."""
    moments = iter([NOON, NOON + DAY / 4, NOON + DAY])
    warnings: list[str] = []

    def notifications(bucket: str) -> Notifications:
        if bucket == "denied":
            raise PermissionError("Not you")
        return {EVENTBRIDGE: {}} if bucket == "attached" else {}

    buckets = ("attached", "bare", "denied")
    check = WiringCheck(buckets, None, notifications, lambda: next(moments), warnings.append)

    assert [list(check.look()) for _ in range(3)] == [["bare"], [], ["bare"]]
    assert warnings == ["The notifications of the bucket denied cannot be read: Not you"] * 2
