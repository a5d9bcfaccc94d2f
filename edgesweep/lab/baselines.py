"""The strategies of other tools, with which Edgesweep is compared.

Each takes the dirty viewer paths and the sorted live ones, and returns its invalidation. All get
the same viewer paths, so no strategy renames a path (as some tools do with `index.html`), and all
send the narrowest wildcard for a path that no exact path can express.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

from edgesweep.paths import Pattern, exact_stop

Patterns = tuple[Pattern, ...]
Strategies = Mapping[str, Callable[[Sequence[str], Sequence[str]], Patterns]]

EVERYTHING = Pattern("/", wildcard=True)


def each_path(dirty: Sequence[str], _live: Sequence[str]) -> Patterns:
    """Send one path for every change, as most upload hooks do."""
    return tuple(dict.fromkeys(map(_exactly, dirty)))


def everything(dirty: Sequence[str], _live: Sequence[str]) -> Patterns:
    """Send `/*` whatever has changed, as Hugo and many deploy actions do."""
    return (EVERYTHING,) if dirty else ()


def all_or_nothing(dirty: Sequence[str], live: Sequence[str], threshold: int = 50) -> Patterns:
    """Send each path up to a threshold and `/*` above it, as Staatic does."""
    strategy = each_path if len(set(dirty)) <= threshold else everything
    return strategy(dirty, live)


def level_collapse(dirty: Sequence[str], _live: Sequence[str], threshold: int = 8) -> Patterns:
    """Shorten the deepest paths level by level until few enough remain, as s3deploy does.

    A path that is too deep loses its name and, below the first level, its folder as well. Where
    even the first level is too many, it is `/*`. Exact paths stay although a wildcard covers them.
    """
    entries = [Pattern(path) for path in sorted(set(dirty))]
    level = max((path.count("/") for path in dirty), default=0)
    while level and len(entries) > threshold:
        entries = list(dict.fromkeys(_shortened(entry, level) for entry in entries))
        level -= 1
    patterns = dict.fromkeys(one if one.wildcard else _exactly(one.text) for one in entries)
    too_many = len(entries) > threshold or EVERYTHING in patterns
    return (EVERYTHING,) if too_many else tuple(patterns)


def exact_folders(dirty: Sequence[str], live: Sequence[str]) -> Patterns:
    """Send the wildcard of the highest folder with nothing live that did not change, as wood does.

    Every other change is sent by itself.
    """
    changed = set(dirty)
    unchanged = [path for path in live if path not in changed]
    patterns: list[Pattern] = []
    for path in sorted(changed):
        if not (patterns and patterns[-1].wildcard and patterns[-1].matches(path)):
            place = bisect_left(unchanged, path)
            folder = _folder(path, unchanged[max(0, place - 1) : place + 1])
            patterns.append(Pattern(folder, wildcard=True) if folder else _exactly(path))
    return tuple(dict.fromkeys(patterns))


STRATEGIES: Strategies = {
    strategy.__name__.replace("_", "-"): strategy
    for strategy in (each_path, everything, all_or_nothing, level_collapse, exact_folders)
}


def _exactly(path: str) -> Pattern:
    stop = exact_stop(path)
    return Pattern(path) if stop is None else Pattern(path[:stop], wildcard=True)


def _shortened(entry: Pattern, level: int) -> Pattern:
    if entry.text.count("/") <= level:
        return entry
    folder = entry.text[: entry.text.rindex("/")]
    if folder.count("/") > 1:
        folder = folder[: folder.rindex("/")]
    return Pattern(folder + "/", wildcard=True)


def _folder(path: str, neighbours: Sequence[str]) -> str | None:
    """Return the highest folder of `path` that holds neither of its nearest neighbours."""
    folders = accumulate(f"{name}/" for name in path.split("/")[:-1])
    alone = (one for one in folders if not any(other.startswith(one) for other in neighbours))
    return next(alone, None)
