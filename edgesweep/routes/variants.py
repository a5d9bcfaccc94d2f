"""The other viewer paths under which a copy of an object may be cached.

A word of `viewerPaths` is a rule from the path of an object to more paths. Words add to what the
configuration says by itself; `only` takes that away. See `WORDS`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from edgesweep.errors import BadInput
from edgesweep.paths import REST, Mount, Origin

_PLAIN = ("everything", "html", "folders", "bare", "queries", "errors", "stems", "only", "none")
WORDS = (*_PLAIN, "index=NAME", "strip=/app", "errors=NAME", "/images/{key}*")
WORD = re.compile(
    "|".join((*_PLAIN, r"index=[^/=*]+|strip=/[^*]*[^*/]|errors=[^/=*][^=*]*|/[^*]*[*]?"))
)
_VALUED = ("index", "strip", "errors")
ALL = "everything"
_WHOLE = (ALL, "only", "none")

ALL_OTHERS = ""  # stands for every distribution that has no words of its own
INDEX = "index.html"  # the object that websites and functions serve for a folder

EVERY_PATH = "/" + REST

# Seconds that a cached error is accepted: "error caching minimum TTL (10 seconds by default)".
ERROR_SECONDS = 10
YEAR = 31_536_000  # seconds

# Characters that viewers were seen to spell in two ways: "%20" and "+", "+" and "%2B", ":" and
# "%3A". CloudFront caches each spelling of a URL by itself.
_SPELT = re.compile("[ +:]")
_MOST_SPACES = 2


@dataclass(frozen=True, slots=True)
class Variants:
    """Which viewer paths are invalidated beside an object's own."""

    words: tuple[str, ...] = ()  # words of `viewerPaths`, sorted
    spellings: bool = True  # whether the spellings of a URL that viewers were seen to use count
    error_seconds: int = ERROR_SECONDS  # for how long a cached error is accepted

    @property
    def given(self) -> bool:
        """Whether the user says how viewer paths lead to objects, and does not only add forms."""
        return any(word in _WHOLE or word.startswith(("/", "strip=")) for word in self.words)

    @property
    def stems(self) -> bool:
        """Whether `/docs/` goes beside `/docs/*`, in case a wildcard misses its own text."""
        return "stems" in self.words

    @property
    def queries(self) -> bool:
        return self._assumes or "queries" in self.words

    @property
    def errors(self) -> bool:
        return self._assumes or "errors" in self.words or bool(self.error_documents)

    @property
    def error_documents(self) -> Iterable[str]:
        """The viewer paths of the error documents that the user names."""
        return ["/" + name for name in self._values("errors")]

    def forms(self, path: str, root: Iterable[str] = ()) -> Iterator[tuple[str, bool]]:
        """Yield paths at which viewers may request an object, and whether we only assume each."""
        own = [*self._own(path), *((one, False) for one in root)]
        for prefix in ("", *self._values("strip")):
            yield from ((prefix + form, assumed) for form, assumed in own if prefix + form)

    def said(self, key: str) -> Iterator[str]:
        """Yield the paths that the user says for a key, whatever the configuration says."""
        for word in self.words:
            if word == ALL:
                yield EVERY_PATH
            elif word.startswith("/"):
                path = word.removesuffix("*").replace("{key}", key)
                yield from self.below(path) if word.endswith("*") else (path,)

    def mounts(self, origin: Origin) -> Iterator[Mount]:
        """Yield the folders in which viewers see the keys of an origin."""
        for folder in ("", *self._values("strip")):
            yield Mount(origin.bucket, origin.prefix, folder)
        for word in self.words:
            folder, key, rest = word.removesuffix("*").partition("/{key}")
            if key and not rest:
                yield Mount(origin.bucket, folder=folder)

    def unlisted(self, prefix: str) -> bool:
        """Tell whether words may make paths that begin with `prefix` and that no survey lists."""
        parts = [word.removesuffix("*").partition("{key}") for word in self.words]
        starts = [one for one, key, end in parts if key and (end or not one.endswith("/"))]
        return any(one.startswith(prefix) or prefix.startswith(one) for one in starts)

    def below(self, text: str) -> Iterator[str]:
        """Yield what stands for all paths that begin with a text."""
        yield text + REST
        if self.stems:
            yield text

    def spelled(self, path: str) -> Iterable[str]:
        """Return paths that match every spelling of a path that counts."""
        # CloudFront accepts both spellings of a space in an invalidation, `%20` and `+`. It accepts
        # no `%2B` and no `%3A`, so a wildcard stops before these, as it does before many spaces.
        odd = _SPELT.findall(path) if self.spellings else ()
        if not odd:
            return (path,)
        if odd.count(" ") == len(odd) <= _MOST_SPACES:
            first, *parts = path.split(" ")
            choices = ((" " + part, "+" + part) for part in parts)
            return ["".join(one) for one in product((first,), *choices)]
        return (path, _SPELT.split(path, maxsplit=1)[0] + REST)

    @property
    def _assumes(self) -> bool:
        return not {"only", "none"} & {*self.words}

    def _own(self, path: str) -> Iterator[tuple[str, bool]]:
        yield path, False
        cut = path.rindex("/") + 1
        folder, name = path[:cut], path[cut:]
        named = name in self._values("index")
        if named or name == INDEX:
            said = named or "folders" in self.words
            if said or self._assumes:
                yield folder, not said
            if "bare" in self.words:
                yield folder[:-1], False
        if "html" in self.words and name.endswith(".html"):
            yield path.removesuffix(".html"), False

    def _values(self, name: str) -> list[str]:
        start = name + "="
        return [word.removeprefix(start) for word in self.words if word.startswith(start)]


def parse(
    text: str, *, spellings: bool = True, error_seconds: int = ERROR_SECONDS
) -> Mapping[str, Variants]:
    """Return distribution id -> variants, from `[ID=]WORD[+WORD...]`, separated by commas.

    An entry without an id applies to all other distributions. An unknown word is BadInput.

    >>> sorted(parse("folders+queries, E2QWRUHEXAMPLE=none"))
    ['', 'E2QWRUHEXAMPLE']
    """
    plain = Variants(spellings=spellings, error_seconds=error_seconds)
    entries = map(_entry, filter(None, map(str.strip, text.split(","))))
    parsed = {identity: replace(plain, words=_checked(words)) for identity, words in entries}
    return parsed if plain == Variants() else {ALL_OTHERS: plain, **parsed}


def variants_of(said: Mapping[str, Variants], distribution: str) -> Variants:
    """Return the variants of a distribution, by what `parse` returned."""
    return said.get(distribution) or said.get(ALL_OTHERS) or Variants()


def query_copies(path: str, *, own: bool) -> str:
    """Return what stands for a path with any query string.

    "You must include the query strings when invalidating files", or "use the * wildcard":
    `/images/image.jpg*`. For a file that takes the place of the exact path. For a folder it would
    hit all that the folder holds, and `/docs/?*` hits the copies alone.
    """
    return path + REST if own and not path.endswith("/") else f"{path}?{REST}"


def _entry(text: str) -> tuple[str, str]:
    identity, _, words = text.partition("=")
    if words and identity.isalnum() and identity not in _VALUED:
        return identity, words
    return ALL_OTHERS, text


def _checked(words: str) -> tuple[str, ...]:
    said = {word.strip() for word in words.split("+")} - {""}
    for word in sorted(said):
        if not WORD.fullmatch(word):
            raise BadInput(f"{word!r} is no word of viewerPaths; the words are {', '.join(WORDS)}")
    return tuple(sorted(said))
