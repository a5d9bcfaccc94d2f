"""The other viewer paths under which a copy of an object may be cached."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from edgesweep.errors import BadInput

NAMES = ("folders", "bare", "queries", "errors", "stems")

# Stands for every distribution that has no variants of its own.
ALL_OTHERS = ""


@dataclass(frozen=True, slots=True)
class Variants:
    """Which viewer paths are invalidated beside an object's own.

    Attributes:
        folders: `/docs/` beside `/docs/index.html`, everywhere or nowhere; None for only behind
            website origins and functions that see requests.
        bare: `/docs` as well, wherever `/docs/` is.
        queries: copies with a query string, where query strings are part of the cache key.
        errors: everything, once an error page changes that is cached under the paths of failed
            requests for longer than `edgesweep.routes.config.LASTING`.
        stems: `/docs/` beside `/docs/*`, in case a wildcard misses the path that equals its text,
            which one report says and no documentation. `/*` is documented to match everything.
    """

    folders: bool | None = None
    bare: bool = False
    queries: bool = True
    errors: bool = True
    stems: bool = False

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """Return exactly these variants, or raise BadInput for an unknown name.

        `stems` alone concerns wildcards and leaves all others as they are configured.
        """
        named = {name.strip() for name in names} - {"", "none"}
        if named == {"stems"}:
            return cls(stems=True)
        if unknown := sorted(named.difference(NAMES)):
            msg = f"{unknown[0]!r} names no viewer path; {', '.join(NAMES)} or none do"
            raise BadInput(msg)
        return cls(**{name: name in named for name in NAMES})


def parse(text: str) -> Mapping[str, Variants]:
    """Return distribution id -> variants, from `[ID=]NAME[+NAME...]`, separated by commas.

    An entry without an id applies to all other distributions. An unknown name is BadInput.

    >>> sorted(parse("folders+queries, E2QWRUHEXAMPLE=none"))
    ['', 'E2QWRUHEXAMPLE']
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    named = [entry.rpartition("=") for entry in entries]
    return {identity: Variants.of(names.split("+")) for identity, _, names in named}
