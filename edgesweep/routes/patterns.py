"""CloudFront's path patterns, which also select the keys to sweep.

The rules are those of
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
"""

import re
from collections.abc import Iterable
from functools import cache
from posixpath import normpath

from edgesweep.paths import UNSAFE, quote

# What CloudFront may see differently in a path: repeated slashes, dot segments, quoted characters.
_UNUSUAL = re.compile(rf"//|/\.|{UNSAFE.pattern}")


def matches(pattern: str, path: str) -> bool:
    """Tell whether a path pattern matches a path; either may lack its leading slash.

    "`*` matches 0 or more characters. `?` matches exactly 1 character." Case counts, and
    "CloudFront behavior is the same with or without the leading /".

    >>> matches("images/*.jpg", "/images/2026/a.jpg")
    True
    """
    return _compiled(pattern).fullmatch(path.removeprefix("/")) is not None


def matches_slash(pattern: str, path: str) -> bool:
    """Tell whether a pattern matches a path with its leading slash, as `*/a` may match `/a`.

    AWS does not document whether a path keeps its leading slash where the pattern has none.
    """
    return pattern[:1] in "*?" and _compiled(pattern).fullmatch(path) is not None


def may_match(pattern: str, prefix: str) -> bool:
    """Tell whether a path pattern matches some path that starts with `prefix`."""
    head, star, _ = pattern.removeprefix("/").partition("*")
    text = prefix.removeprefix("/")
    alike = all(one in ("?", other) for one, other in zip(head, text, strict=False))
    return alike and (bool(star) or len(text) <= len(head))


def must_match(pattern: str, prefix: str) -> bool:
    """Tell whether a path pattern matches every path that starts with `prefix`."""
    return pattern.endswith("*") and matches(pattern, prefix)


def readings(path: str) -> Iterable[str]:
    """Return the forms of a decoded path that CloudFront may match with a path pattern.

    "CloudFront normalizes URI paths consistent with RFC 3986 and then matches the path with the
    correct cache behavior": repeated slashes and dot segments go. CloudFront does not document
    whether `?` matches an encoded character or one of its bytes, so both are returned.
    """
    if not _UNUSUAL.search(path):
        return (path,)
    folder = "/" if path.endswith(("/", "/.", "/..")) else ""
    plain = (normpath("/" + path.lstrip("/")) + folder).replace("//", "/")
    forms = dict.fromkeys((path, plain))
    return dict.fromkeys((*forms, *map(quote, forms)))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # The text between two stars is matched at its first place, without backtracking, so no pattern
    # takes longer than its length times that of the path.
    literal = re.escape(pattern.removeprefix("/")).replace(r"\?", ".")
    first, *rest = literal.split(r"\*")
    found = "".join(f"(?>.*?{part})" for part in rest[:-1])
    last = f".*{rest[-1]}" if rest else ""
    return re.compile(first + found + last, re.DOTALL)
