"""Under which other viewer paths a copy of an object may be cached."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from edgesweep.errors import BadInput

WORDS = ("folders", "bare", "queries", "errors", "stems")

# Stands for every distribution that has no variants of its own.
ALL_OTHERS = ""


@dataclass(frozen=True, slots=True)
class Variants:
    """Which viewer paths are invalidated beside an object's own.

    Attributes:
        folders: `/docs/` beside `/docs/index.html`: None where the configuration says so, that is
            behind website origins and functions that see requests, else everywhere or nowhere.
        bare: `/docs` as well, wherever `/docs/` is.
        queries: copies with a query string, where query strings are part of the cache key.
        errors: whatever is cached, once an error page changes that is cached under the paths of
            failed requests for longer than `edgesweep.routes.config.LASTING`.
        stems: `/docs/` beside `/docs/*`, should a wildcard miss the path that is all of its text:
            one report says so, and the documentation does not. `/*` is documented to match all.
    """

    folders: bool | None = None
    bare: bool = False
    queries: bool = True
    errors: bool = True
    stems: bool = False

    @classmethod
    def of(cls, words: Iterable[str]) -> Self:
        """Return the variants that words name: those and no others.

        `stems` alone is about wildcards and leaves all others as they are configured.

        Raises:
            BadInput: a word names no variant.
        """
        named = {word.strip() for word in words} - {"", "none"}
        if named == {"stems"}:
            return cls(stems=True)
        if unknown := sorted(named.difference(WORDS)):
            msg = f"{unknown[0]!r} names no viewer path; {', '.join(WORDS)} or none do"
            raise BadInput(msg)
        return cls(**{word: word in named for word in WORDS})


def parse(text: str) -> Mapping[str, Variants]:
    """Return distribution id -> variants, as `[ID=]WORD[+WORD...]`, separated by commas, says.

    Without an id, an entry is meant for all other distributions.

    >>> sorted(parse("folders+queries, E2QWRUHEXAMPLE=none"))
    ['', 'E2QWRUHEXAMPLE']

    Raises:
        BadInput: a word names no variant.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    named = [entry.rpartition("=") for entry in entries]
    return {identity: Variants.of(words.split("+")) for identity, _, words in named}
