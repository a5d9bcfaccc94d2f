"""Which distributions serve an object, and under which viewer paths.

A viewer path is served from an object if the first cache behaviour whose path pattern matches the
path leads to the object's bucket, and the object's key is the origin path and the viewer path. The
same object may be cached under other viewer paths too; `Variants` says which of them count, and
`edgesweep.routes.distribution` what counts behind functions.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from edgesweep.dirty import DirtyRow, RequestedPath
from edgesweep.paths import Mount, Origin, unquoted, viewer_path
from edgesweep.routes.distribution import Behaviour, Distribution, somewhere
from edgesweep.routes.variants import INDEX, Variants, variants_of

__all__ = ["Behaviour", "Distribution", "Origin", "Routes", "Variants"]


@dataclass(frozen=True, slots=True)
class Routes:
    """The known distributions, and the variants of viewer paths that count."""

    # A disabled distribution serves nothing, but its paths are still known. A distribution whose
    # edges may use several configurations is there once for each.
    known: Sequence[Distribution] = ()
    # Distribution id -> variants; `ALL_OTHERS` stands for the rest.
    variants: Mapping[str, Variants] = field(default_factory=dict)

    @property
    def ids(self) -> Sequence[str]:
        return list(dict.fromkeys(one.id for one in self.known))

    @property
    def leading(self) -> Sequence[str]:
        """The ids of the distributions that lead to a swept bucket."""
        return list(dict.fromkeys(one.id for one in self.known if one.origins))

    @property
    def enabled_count(self) -> int:
        """How many distributions serve objects of the swept buckets."""
        return len(self._where(lambda one: bool(one.origins)))

    def serving(self, bucket: str) -> Sequence[str]:
        """Return the ids of the distributions that lead to a bucket."""
        return self._where(lambda one: one.leads_to(bucket))

    def distributions(self, bucket: str, key: str) -> Collection[str]:
        """Return the ids of the distributions that can serve an object."""
        return self._where(lambda one: any(one.viewer_paths(bucket, key, self.variants_of(one.id))))

    def answers(self, bucket: str, key: str) -> bool:
        """Tell whether any distribution answers from an object, cached or not."""
        return bool(self._where(lambda one: one.answers(bucket, key, self.variants_of(one.id))))

    def may_hold_error(self, bucket: str, key: str) -> Collection[str]:
        """Return the ids of those whose edges may hold its error for longer than accepted."""
        return self._where(lambda one: one.may_hold_error(bucket, key, self.variants_of(one.id)))

    def viewer_paths(self, distribution: str, bucket: str, key: str) -> Collection[str]:
        """Return an object's viewer paths; a path ending in `REST` stands for all that begin so."""
        variants = self.variants_of(distribution)
        paths = (one.viewer_paths(bucket, key, variants) for one in self._named(distribution))
        return list(dict.fromkeys(chain.from_iterable(paths)))

    def paths_of(self, row: DirtyRow) -> Collection[str]:
        """Return the viewer paths that must be matched before a row may be deleted."""
        if isinstance(row.subject, RequestedPath):
            # A requested wildcard ends in a literal star: a wildcard has to stop there or before.
            return (unquoted(row.subject.path),)
        # A reconfigured distribution may no longer serve an object; then its plain path counts.
        paths = self.viewer_paths(row.distribution, *row.subject.name)
        return paths or (viewer_path(row.subject.key),)

    def strict(self, distribution: str) -> bool:
        """Tell whether only `/*` is trusted to match its own text."""
        return self.variants_of(distribution).stems

    def gone(self, distribution: str) -> bool:
        """Tell whether a distribution is disabled or deleted; we keep a deleted one as disabled."""
        return not any(one.enabled for one in self._named(distribution))

    def origins(self, distribution: str) -> Sequence[Origin]:
        named = self._named(distribution)
        return list(dict.fromkeys(origin for one in named for origin in one.origins))

    def foreign(self, distribution: str, prefix: str) -> bool:
        unlisted = self.variants_of(distribution).unlisted(prefix)
        return unlisted or any(one.foreign(prefix) for one in self._named(distribution))

    def mounts(self, distribution: str) -> Sequence[Mount]:
        """Return where viewers see the keys of buckets, as a survey lists them."""
        variants, named = self.variants_of(distribution), self._named(distribution)
        return list(dict.fromkeys(chain.from_iterable(one.mounts(variants) for one in named)))

    def variants_of(self, distribution: str) -> Variants:
        return variants_of(self.variants, distribution)

    def _where(self, serves: Callable[[Distribution], bool]) -> Sequence[str]:
        return list(dict.fromkeys(one.id for one in self.known if one.enabled and serves(one)))

    def _named(self, distribution: str) -> Iterator[Distribution]:
        return (one for one in self.known if one.id == distribution)


def everywhere(distributions: Iterable[str], buckets: Iterable[str] = ()) -> Routes:
    """Return routes by which each distribution serves every object of the buckets; all if empty."""
    behaviours = (Behaviour(origins=somewhere(list(buckets))),)
    return Routes([Distribution(identity, behaviours, root=INDEX) for identity in distributions])
