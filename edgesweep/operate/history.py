"""The journal's flushes for people, the newest first; every read is strongly consistent."""

from collections.abc import Iterator

from edgesweep.aws.dynamodb import items
from edgesweep.aws.dynamodb.items import FlushItem
from edgesweep.aws.dynamodb.models import bound
from edgesweep.flush.journal import Flush


class History:
    """The flushes in a table of that name."""

    def __init__(self, name: str) -> None:
        self._flush = bound(FlushItem, name)

    def newest(self, distribution: str, most: int | None) -> Iterator[Flush]:
        """Yield up to `most` flushes of a distribution, the newest first; None for all."""
        found = self._flush.query(
            f"flush#{distribution}", scan_index_forward=False, limit=most, consistent_read=True
        )
        for item in found:
            yield items.to_flush(distribution, item)
