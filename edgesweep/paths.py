"""Viewer paths, and how an invalidation must write them.

A viewer path is decoded text: `/` and an object's key. Everything inside Edgesweep works on viewer
paths; quoting comes last, in `Pattern.quoted`. The comments quote the rules from
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from urllib.parse import unquote

ANY_BUCKET = "*"  # stands for any bucket

# Ends a viewer path that stands for all that begin with the text before it. A `?` in that text
# begins a query string: `/docs/?` and REST is `/docs/` with any query. A lone surrogate: in no key.
REST = "\udfff"

# "The maximum length of a path is 4,000 characters", including the star of a wildcard.
MAX_LENGTH = 4_000

# "URL-encode those characters" that are non-ASCII or unsafe by RFC 1738; "do not URL-encode any
# other characters in the path, or CloudFront will not invalidate the old version". RFC 1738 2.2
# counts as unsafe the controls, the space, and < > " # % { } | \ ^ ~ [ ] `
UNSAFE = re.compile(r"[^!$&-;=?-Z_a-z]+")

# Characters that CloudFront was seen to refuse, or may refuse: anything encoded, the apostrophe.
_TOUCHY = re.compile(r"[%']")

MAX_WILDCARDS = 13  # of "15 wildcard invalidations" in progress, the default leaves two for people

# No exact path can hold these: CloudFront rejects a raw "~" and ignores %7E, it reads a literal "*"
# as a wildcard, and "?" begins a query string. A wildcard that stops before the character can.
_INEXACT = re.compile(f"[~*{REST}]|[?](?!{REST})")


@dataclass(frozen=True, slots=True)
class Origin:
    """A bucket behind a distribution."""

    bucket: str
    prefix: str = ""  # the part of keys before the viewer path: `site/` for the origin path `/site`
    website: bool = False  # as the website endpoint, which serves `/docs/` from `docs/index.html`

    def path(self, bucket: str, key: str) -> str | None:
        """Return the viewer path that requests an object from this origin, None if none does."""
        if self.bucket not in (bucket, ANY_BUCKET) or not key.startswith(self.prefix):
            return None
        return "/" + key[len(self.prefix) :]


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder in which viewers see the keys of a bucket that begin with a prefix."""

    bucket: str
    prefix: str = ""
    folder: str = ""  # `/app` where a function strips that; empty for the root

    def path(self, key: str) -> str | None:
        """Return the viewer path of a key, None if it is not below the prefix."""
        ours = key.startswith(self.prefix)
        return f"{self.folder}/{key[len(self.prefix) :]}" if ours else None

    def below(self, text: str) -> str | None:
        """Return how the keys begin whose viewer paths begin with `text`, None without any."""
        start = self.folder + "/"
        if text.startswith(start):
            return self.prefix + text[len(start) :]
        return self.prefix if start.startswith(text) else None


@dataclass(frozen=True, slots=True, order=True)
class Pattern:
    """An unquoted invalidation path; a wildcard stands for all paths that start with `text`."""

    text: str
    wildcard: bool = False

    def matches(self, viewer_path: str) -> bool:
        return viewer_path.startswith(self.text) if self.wildcard else viewer_path == self.text

    def span(self, paths: Sequence[str]) -> range:
        """Return the places of the sorted paths that it matches."""
        low = bisect_left(paths, self.text)
        cut = itemgetter(slice(len(self.text) if self.wildcard else None))
        return range(low, bisect_right(paths, self.text, low, key=cut))

    def quoted(self) -> str:
        """Return the path as CreateInvalidation accepts it, at most 4,000 characters."""
        return quote(self.text) + ("*" if self.wildcard else "")


def viewer_path(key: str) -> str:
    """Return the path at which viewers request the object `key`."""
    return "/" + key


def quote(text: str) -> str:
    """Percent-encode what CloudFront wants encoded; UnicodeEncodeError for a lone surrogate."""
    return UNSAFE.sub(lambda one: "".join(f"%{byte:02X}" for byte in one[0].encode()), text)


def unquoted(path: str) -> str:
    """Return the text of a quoted path, in which a query string differs from a `?` of a key."""
    return unquote(path.replace("?", "?" + REST))


def exact_stop(path: str) -> int | None:
    """Return how many characters a wildcard can keep of an inexact path; None for an exact one."""
    inexact = _INEXACT.search(path)
    stop = inexact.start() if inexact else len(path)
    # A quoted character takes at most 12, so hardly any path has to be measured.
    if stop * 12 > MAX_LENGTH and (inexact or _quoted_length(path) > MAX_LENGTH):
        lengths = accumulate(len(quote(character)) for character in path[:stop])
        stop = min(stop, bisect_left([*lengths], MAX_LENGTH))
    return None if stop == len(path) else stop


def _quoted_length(text: str) -> int:
    return 3 * len(text.encode()) - 2 * len(UNSAFE.sub("", text))


def coarser(paths: Sequence[str], wildcards: int) -> tuple[str, ...]:
    """Return fewer and plainer quoted paths that match everything `paths` match.

    Every path is cut before the first character that CloudFront may refuse. If nothing is left to
    cut, or more than `wildcards` wildcards result, the answer is `/*`. An exact path stays beside a
    wildcard of the same text, since that wildcard may not match it.
    """
    prefixes = {_TOUCHY.split(path, maxsplit=1)[0] for path in paths if _TOUCHY.search(path)}
    plain = {path for path in paths if not _TOUCHY.search(path)}
    prefixes |= {path[:-1] for path in plain if path.endswith("*")}
    widest = _uncovered(prefixes)
    if plain == set(paths) or len(widest) > wildcards:
        return ("/*",)
    longer = {path for path in plain if path.startswith(widest, 0, max(1, len(path) - 1))}
    exact = {path for path in plain - longer if not path.endswith("*")}
    return tuple(sorted([*exact, *(prefix + "*" for prefix in widest)]))


def matcher(paths: Iterable[str], *, strict: bool = False) -> Callable[[str], bool]:
    """Return a test of viewer paths: whether one of the quoted `paths` matches."""
    # If `strict`, only `/*` is trusted to match its own text; it alone matches cache tags as well.
    distinct = set(paths)
    wildcards = {path for path in distinct if path.endswith("*")}
    prefixes = tuple("" if path == "/*" else unquoted(path[:-1]) for path in wildcards)
    exact = {*map(unquoted, distinct - wildcards), *(one for one in prefixes if one[-1:] == REST)}
    return lambda path: path in exact or path.startswith(prefixes, 0, max(1, len(path) - strict))


def _uncovered(prefixes: Iterable[str]) -> tuple[str, ...]:
    kept: list[str] = []
    for prefix in sorted(prefixes):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return tuple(kept)
