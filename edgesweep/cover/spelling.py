"""The paths of a cover, with requested paths in their own spelling.

A requested path takes part in a cover as the viewer path that `Routes.paths_of` returns for it, so
the caps and the prices may widen it like any other. If a member of the cover matches only requested
paths, and one of them is as wide as all of them, that one is sent byte for byte.
"""

from collections.abc import Iterable, Mapping, Sequence

from edgesweep.cover import Cover
from edgesweep.paths import Pattern, matcher, unquoted


def spell(
    cover: Cover, requested: Iterable[str], changed: Iterable[str], *, strict: bool = False
) -> tuple[str, ...]:
    """Return the quoted paths of a cover, which matches all requested and changed paths.

    The requested paths are quoted, the changed ones viewer paths. If `strict`, only `/*` is trusted
    to match its own text.
    """
    asked = {unquoted(path): path for path in requested}
    if not asked:
        return cover.paths
    items, others = sorted(asked), sorted(changed)
    patterns = [member.pattern for member in cover.members]
    return tuple(
        pattern.quoted()
        if pattern.span(others)
        else _spelling(pattern, items, asked, strict=strict)
        for pattern in patterns
    )


def _spelling(
    pattern: Pattern, items: Sequence[str], asked: Mapping[str, str], *, strict: bool
) -> str:
    """Return the spelling of a pattern that matches only requested paths."""
    items = [items[place] for place in pattern.span(items)]
    widest = min(items, key=lambda item: (len(item.removesuffix("*")), not item.endswith("*")))
    as_wide = matcher([asked[widest]], strict=strict)
    return asked[widest] if all(map(as_wide, items)) else pattern.quoted()
