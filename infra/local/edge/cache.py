"""How long an edge keeps an answer, and which invalidation makes it forget one."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from infra.local.edge.config import Behaviour
from infra.local.edge.s3 import Answer

# Status codes of errors that CloudFront keeps, whatever their headers are; see HTTPStatusCodes.
_ALWAYS = frozenset({404, 414, 500, 501, 502, 503, 504})
_FIRST_ERROR = 400

# The pattern of the behaviour, the raw path with its part of the query string, and the headers that
# count. Two behaviours may answer one path, if a function or the root changes it: whether they
# share an answer is not documented, so each keeps its own.
Key = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A kept answer.

    Attributes:
        answer: what viewers get.
        expires_at: until when.
        names: the texts under which an invalidation may mean it, one for each reading.
    """

    answer: Answer
    expires_at: float
    names: frozenset[str]


class Cache:
    """The answers that an edge keeps."""

    def __init__(self) -> None:
        self.entries: dict[Key, Entry] = {}

    def get(self, key: Key, now: float) -> Answer | None:
        """Return what is kept and has not expired."""
        entry = self.entries.get(key)
        return entry.answer if entry is not None and now < entry.expires_at else None

    def put(self, key: Key, entry: Entry) -> None:
        """Keep an answer."""
        self.entries[key] = entry

    def forget(self, paths: Iterable[str]) -> None:
        """Forget what every reading of the documentation says an invalidation forgets."""
        meant = [_meant(path) for path in paths]
        self.entries = {
            key: entry
            for key, entry in self.entries.items()
            if not all(any(one(name) for one in meant) for name in entry.names)
        }


def _meant(path: str) -> Callable[[str], bool]:
    """Return a test of raw texts: whether an invalidation path means one.

    - "Invalidation paths are case sensitive."
    - "The `*`, which replaces 0 or more characters, must be the last character." "Asterisks
      inserted anywhere else are treated as a literal character match."
    - "Don't URL-encode any other characters in the path, or CloudFront won't invalidate": texts
      are compared as they were sent, so each spelling of a URL is a text of its own.
    - "Don't use the `~` character in your path. CloudFront doesn't support this character."
    """
    text, wildcard = path.removesuffix("*"), path.endswith("*")
    if "~" in unquote(text):
        return lambda _: False
    if wildcard:
        return lambda name: name.startswith(text)
    return lambda name: name == text


def seconds(behaviour: Behaviour, answer: Answer, now: float) -> float:
    """Return how long a successful answer stays.

    The rules are those of the table in "Specify the amount of time that CloudFront caches objects":
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
    """
    ttl, directives = behaviour.ttl, _directives(answer.headers)
    if not behaviour.caching:
        return 0.0
    if directives.keys() & {"no-cache", "no-store", "private"}:
        return ttl.minimum
    age = directives.get("s-maxage") or directives.get("max-age")
    if age is not None:
        return min(max(float(age), ttl.minimum), ttl.maximum)
    if expires := answer.headers.get("expires"):
        left = _moment(expires) - now
        return min(max(left, ttl.minimum), ttl.maximum)
    return max(ttl.minimum, ttl.default)


def error_seconds(behaviour: Behaviour, answer: Answer, least: float, *, custom: bool) -> float:
    """Return how long an error stays.

    "...caches for the maximum of: the error caching minimum TTL (10 seconds by default), the amount
    of time specified by a Cache-Control max-age or s-maxage header". "CloudFront only caches" 400,
    403 and 405 "if your origin returns" one of these headers; a custom error response for them has
    a TTL of its own, which can be read as keeping them too. "If you're using the CachingDisabled
    managed cache policy, CloudFront won't cache these status codes or custom error pages."
    """
    if not behaviour.caching:
        return 0.0
    directives = _directives(answer.headers)
    age = directives.get("s-maxage") or directives.get("max-age")
    if answer.status not in _ALWAYS and age is None and not custom:
        return 0.0
    return max(least, float(age or 0))


def is_error(answer: Answer) -> bool:
    """Tell whether an origin failed to answer what it was asked for."""
    return answer.status >= _FIRST_ERROR


def _directives(headers: Mapping[str, str]) -> Mapping[str, str]:
    parts = re.split(r"\s*,\s*", headers.get("cache-control", "").strip().lower())
    return {name: value for name, _, value in (part.partition("=") for part in parts) if name}


def _moment(text: str) -> float:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
