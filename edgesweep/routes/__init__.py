"""Which distributions serve an object, and under which viewer paths.

A viewer path is served from an object if the first cache behaviour whose path pattern matches the
path leads to the object's bucket, and the object's key is the origin path and the viewer path. The
same object may be cached under other viewer paths too; `Variants` says which of them count.

Routes follow the configuration alone. They miss functions that rewrite paths to anything but index
documents, and origins that lead to a bucket under another name.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeVar
from urllib.parse import unquote

from edgesweep.dirty import DirtyRow, RequestedPath
from edgesweep.paths import ANY_BUCKET, Origin, viewer_path
from edgesweep.routes.patterns import matches, may_match, must_match, readings
from edgesweep.routes.variants import ALL_OTHERS, Variants

__all__ = ["Behaviour", "Distribution", "Origin", "Routes", "Variants"]

T = TypeVar("T")

# The object that websites and functions serve for a folder.
INDEX = "index.html"

# A copy with a query string. Only a wildcard that stops before the `?` matches it.
_QUERY = "?"
_EVERYTHING = "/" + _QUERY


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A cache behaviour; its origins are none known, one, or several of an origin group.

    Attributes:
        query_strings: whether query strings are part of the cache key.
        rewritten: whether a function sees requests and may answer `/docs/` from `docs/index.html`.
    """

    pattern: str = "*"
    origins: tuple[Origin, ...] = ()
    query_strings: bool = False
    rewritten: bool = False


@dataclass(frozen=True, slots=True)
class Distribution:
    """The relevant part of a present or past configuration of a distribution.

    A staging distribution of a continuous deployment is like any other: it answers a part of the
    production traffic from its own cache.

    Attributes:
        behaviours: in CloudFront's order, the default one last.
        root: the default root object, such as `index.html`; empty without one.
        error_pages: viewer paths of the error pages that stay cached for long under the paths of
            failed requests.
        fingerprint: equal for configurations that let an edge hold the same objects; empty if we
            may not read the configuration.
    """

    id: str
    behaviours: tuple[Behaviour, ...]
    root: str = ""
    error_pages: tuple[str, ...] = ()
    enabled: bool = True
    fingerprint: str = ""

    @property
    def origins(self) -> Sequence[Origin]:
        """The buckets it leads to, each once."""
        return _distinct(origin for behaviour in self.behaviours for origin in behaviour.origins)

    def viewer_paths(self, bucket: str, key: str, variants: Variants) -> Iterator[str]:
        """Yield the viewer paths under which an object may be cached; some may come twice."""
        for path in dict.fromkeys(origin.path(bucket, key) for origin in self.origins):
            if path is not None:
                yield from self._served(path, bucket, key, variants)

    def foreign(self, prefix: str) -> bool:
        """Tell whether a viewer path that starts with `prefix` may be served by no known bucket."""
        for behaviour in self.behaviours:
            if not behaviour.origins and may_match(behaviour.pattern, prefix):
                return True
            if must_match(behaviour.pattern, prefix):
                break
        return False

    def _served(self, path: str, bucket: str, key: str, variants: Variants) -> Iterator[str]:
        for asked, leading, index in self._forms(path, variants):
            for behaviour in leading:
                for origin in behaviour.origins:
                    if origin.path(bucket, key) != path:
                        continue
                    if index and not _serves_folders(behaviour, origin, variants):
                        continue
                    yield asked
                    if behaviour.query_strings and variants.queries:
                        yield asked + _QUERY
                    if asked in self.error_pages and variants.errors:
                        yield _EVERYTHING

    def _forms(
        self, path: str, variants: Variants
    ) -> Iterator[tuple[str, Sequence[Behaviour], bool]]:
        """Yield paths that may stand for `path`, the behaviours that answer, and if as a folder."""
        yield path, self._leading(path), False
        folder = path[: path.rindex("/") + 1]
        if path == folder + INDEX:
            yield folder, self._leading(folder), True
            if variants.bare and folder != "/":
                yield folder[:-1], self._leading(folder[:-1]), True
        if path == "/" + self.root:
            # "If you specified a path to your default root object (install/index.html), CloudFront
            # will return the default root object for end-user requests for the install directory".
            # The guide does not say whether the pattern must match `/` or the object: both count.
            for asked in dict.fromkeys(("/", folder)):
                yield asked, [*self._leading(asked), *self._leading(path)], False

    def _leading(self, path: str) -> Sequence[Behaviour]:
        """Return the first behaviour that matches, for each way to read the path."""
        return [
            next(one for one in self.behaviours if matches(one.pattern, reading))
            for reading in readings(path)
        ]


@dataclass(frozen=True, slots=True)
class Routes:
    """The known distributions, and the variants of viewer paths that count.

    Attributes:
        known: the distributions; a disabled one serves nothing, but its paths are still known. A
            distribution whose edges may use several configurations is there once for each.
        variants: distribution id -> variants; `ALL_OTHERS` stands for the rest.
    """

    known: Sequence[Distribution] = ()
    variants: Mapping[str, Variants] = field(default_factory=dict)

    @property
    def ids(self) -> Sequence[str]:
        return _distinct(one.id for one in self.known)

    @property
    def enabled(self) -> int:
        """How many of them serve anything."""
        return len({one.id for one in self.known if one.enabled})

    def serving(self, bucket: str) -> Collection[str]:
        """Return the ids of the distributions that lead to a bucket."""
        return _distinct(
            one.id
            for one in self.known
            if one.enabled and any(origin.bucket in (bucket, ANY_BUCKET) for origin in one.origins)
        )

    def serves(self, bucket: str) -> bool:
        return bool(self.serving(bucket))

    def distributions(self, bucket: str, key: str) -> Collection[str]:
        """Return the ids of the distributions that can serve an object."""
        return _distinct(
            one.id
            for one in self.known
            if one.enabled and any(one.viewer_paths(bucket, key, self.variants_of(one.id)))
        )

    def viewer_paths(self, distribution: str, bucket: str, key: str) -> Collection[str]:
        """Return the viewer paths under which a distribution may have cached an object.

        One that ends with `?` stands for the path with any query string: only a wildcard that stops
        before the `?` matches them all.
        """
        variants = self.variants_of(distribution)
        paths = (one.viewer_paths(bucket, key, variants) for one in self._named(distribution))
        return _distinct(chain.from_iterable(paths))

    def paths_of(self, row: DirtyRow) -> Collection[str]:
        """Return the viewer paths that must be matched before a row may be deleted.

        A requested wildcard is one path with a literal star at its end: only a wildcard that stops
        at or before the star matches it. A reconfigured distribution may no longer serve an object;
        then its plain path counts.
        """
        if isinstance(row.subject, RequestedPath):
            return (unquote(row.subject.path),)
        bucket, key = row.subject.bucket, row.subject.key
        return self.viewer_paths(row.distribution, bucket, key) or (viewer_path(key),)

    def strict(self, distribution: str) -> bool:
        """Tell whether only `/*` is trusted to match its own text."""
        return self.variants_of(distribution).stems

    def gone(self, distribution: str) -> bool:
        """Tell whether a distribution is disabled, as one that is deleted is known."""
        return not any(one.enabled for one in self._named(distribution))

    def origins(self, distribution: str) -> Sequence[Origin]:
        """Return the buckets that a distribution leads to."""
        return _distinct(origin for one in self._named(distribution) for origin in one.origins)

    def foreign(self, distribution: str, prefix: str) -> bool:
        return any(one.foreign(prefix) for one in self._named(distribution))

    def variants_of(self, distribution: str) -> Variants:
        return self.variants.get(distribution) or self.variants.get(ALL_OTHERS) or Variants()

    def _named(self, distribution: str) -> Iterator[Distribution]:
        return (one for one in self.known if one.id == distribution)


def everywhere(distributions: Iterable[str], buckets: Iterable[str] = ()) -> Routes:
    """Return routes by which each distribution serves every object of the buckets; all if empty."""
    origins = tuple(map(Origin, buckets)) or (Origin(ANY_BUCKET),)
    behaviours = (Behaviour(origins=origins),)
    return Routes([Distribution(identity, behaviours, root=INDEX) for identity in distributions])


def _distinct(values: Iterable[T]) -> Sequence[T]:
    return list(dict.fromkeys(values))


def _serves_folders(behaviour: Behaviour, origin: Origin, variants: Variants) -> bool:
    if variants.folders is not None:
        return variants.folders
    return behaviour.rewritten or origin.website
