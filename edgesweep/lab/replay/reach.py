"""The reach of a set of invalidation paths."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from edgesweep.paths import Pattern


class Reach:
    """The paths that a set of patterns matches, each counted once."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        patterns = sorted(patterns)
        self._prefixes: list[str] = []
        for pattern in patterns:
            if pattern.wildcard and not self._prefixed(pattern.text):
                self._prefixes.append(pattern.text)
        self._exact = {
            pattern.text
            for pattern in patterns
            if not (pattern.wildcard or self._prefixed(pattern.text))
        }

    def matches(self, path: str) -> bool:
        """Tell whether any pattern matches `path`."""
        return path in self._exact or self._prefixed(path)

    def count(self, paths: Sequence[str]) -> int:
        """Count the matches among sorted, distinct paths."""
        below = sum(_end(paths, prefix) - bisect_left(paths, prefix) for prefix in self._prefixes)
        return below + sum(holds(paths, path) for path in self._exact)

    def _prefixed(self, path: str) -> bool:
        # The prefixes are sorted and none begins another, so only the last before `path` can match.
        place = bisect_right(self._prefixes, path)
        return place > 0 and path.startswith(self._prefixes[place - 1])


def holds(paths: Sequence[str], path: str) -> bool:
    """Tell whether sorted `paths` contain `path`."""
    place = bisect_left(paths, path)
    return place < len(paths) and paths[place] == path


def _end(paths: Sequence[str], prefix: str) -> int:
    return bisect_right(paths, prefix, key=lambda path: path[: len(prefix)])
