"""A clock that the speed of the machine has no hand in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

STEP = timedelta(milliseconds=1)


def stepping() -> Callable[[], datetime]:
    """Return a clock that advances a little each time it is read, and not in between."""
    shown = datetime.now(UTC)

    def read() -> datetime:
        nonlocal shown
        shown += STEP
        return shown

    return read
