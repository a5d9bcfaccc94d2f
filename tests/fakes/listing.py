"""Buckets in memory that are listed a page at a time."""

from collections.abc import Iterable, Mapping, Sequence

from edgesweep.errors import Unlistable


class ListingInMemory:
    """Lists buckets as S3 does, in the order of UTF-8.

    Attributes:
        asked: every request: bucket, prefix and the key that the page starts after.
        told: every key that was returned, with its bucket.
    """

    def __init__(self, buckets: Mapping[str, Iterable[str]], page_size: int = 1_000) -> None:
        self._buckets = {name: sorted(set(keys), key=str.encode) for name, keys in buckets.items()}
        self._page_size = page_size
        self.asked: list[tuple[str, str, str]] = []
        self.told: list[tuple[str, str]] = []

    def page(self, bucket: str, prefix: str, after: str) -> tuple[Sequence[str], bool]:
        """Return the first keys under `prefix` that sort after `after`, and whether more follow."""
        self.asked.append((bucket, prefix, after))
        if bucket not in self._buckets:
            raise Unlistable(bucket, "AccessDenied")
        left = [
            key
            for key in self._buckets[bucket]
            if key.startswith(prefix) and key.encode() > after.encode()
        ]
        page = left[: self._page_size]
        self.told += [(bucket, key) for key in page]
        return page, len(left) > len(page)
