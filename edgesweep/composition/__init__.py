"""The composition roots: use cases, built from settings and from whatever reaches AWS.

The functions and the command line build theirs here, so that both do the same.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """Return this machine's time."""
    return datetime.now(UTC)
