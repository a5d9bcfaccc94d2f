"""A distribution: under which viewer paths it may have cached an object.

`docs/distributions.md` has the rules. A function may make any path of its behaviour from any key.
While an object has a path that leads to it by the configuration, the function is assumed to add
index documents and nothing else. Where no path leads to the object but a function is in between,
everything that the behaviour's pattern matches counts, unless words of `viewerPaths` say how paths
lead to objects. `edgesweep.routes.probing` learns more of a CloudFront Function.

Behind a viewer-request function the cache may go by the path that the function made, so the
object's own path counts too: "we recommend that you invalidate both URIs".
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from edgesweep.paths import ANY_BUCKET, REST, Mount, Origin
from edgesweep.routes.patterns import matches, matches_slash, may_match, must_match, readings
from edgesweep.routes.variants import ALL, ERROR_SECONDS, EVERY_PATH, Variants, query_copies


@dataclass(frozen=True, slots=True)
class Function:
    """A function that may change paths, and what was learnt of it."""

    name: str = ""  # empty for a function of Lambda@Edge, which is never asked
    folder: str = "/"  # the folder below which it is asked: the paths of its behaviour begin there
    version: str = ""  # the version of its code that was asked; empty if it never was
    words: tuple[str, ...] = ()  # the words of `viewerPaths` that say what it does
    doubt: str = ""  # why it is not understood; empty if it is
    refusal: str = ""  # why CloudFront did not let us ask it last time

    @property
    def unclear(self) -> str:
        """Why we do not know what it does; empty if we do."""
        return self.refusal or self.doubt or ("" if self.name else "Lambda@Edge is never asked")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A cache behaviour; it has no known origin, one, or several of an origin group."""

    pattern: str = "*"
    origins: tuple[Origin, ...] = ()
    query_strings: bool = False  # whether query strings are part of the cache key
    rewritten: bool = False  # whether a function sees requests or the origin's answers
    rekeyed: bool = False  # whether a function may change the path before the cache sees it
    caches: bool = True  # whether objects stay in the cache
    keeps_errors: bool = True  # whether errors stay in the cache
    unknown: bool = False  # whether we only assume that its origins lead there, at any path
    functions: tuple[Function, ...] = ()  # the functions that rewrite, where it leads to a bucket

    @property
    def stem(self) -> str:
        """The text with which all paths begin that its pattern matches."""
        return "/" + unquote(re.split("[*?]", self.pattern.removeprefix("/"), maxsplit=1)[0])

    @property
    def folder(self) -> str:
        return self.stem[: self.stem.rindex("/") + 1]

    @property
    def learnt(self) -> tuple[str, ...]:
        return tuple([word for one in self.functions for word in one.words])


@dataclass(frozen=True, slots=True)
class Served:
    """A behaviour that may answer a path from an object of an origin."""

    path: str
    behaviour: Behaviour
    origin: Origin
    own: bool = True  # whether the path is the object's own


@dataclass(frozen=True, slots=True)
class Distribution:
    """The relevant part of a present or past configuration, also of a staging distribution."""

    id: str
    behaviours: tuple[Behaviour, ...]  # in CloudFront's order, the default one last
    root: str = ""  # the default root object, such as `index.html`; empty without one
    # Viewer path of an error page, and the most seconds that it stays under paths that failed.
    error_pages: tuple[tuple[str, int], ...] = ()
    error_seconds: int = ERROR_SECONDS  # how long the edge may say that an object is missing
    enabled: bool = True  # whether it serves anybody, and accepts invalidations
    for_tenants: bool = False  # whether it accepts invalidations by tenant only
    # Equal where an edge may hold the same objects; empty if we may not read the configuration.
    fingerprint: str = ""

    @property
    def origins(self) -> Sequence[Origin]:
        return list(dict.fromkeys(origin for one in self.behaviours for origin in one.origins))

    @property
    def functions(self) -> Sequence[Function]:
        return [one for behaviour in self.behaviours for one in behaviour.functions]

    def leads_to(self, bucket: str) -> bool:
        return any(origin.bucket in (bucket, ANY_BUCKET) for origin in self.origins)

    def viewer_paths(self, bucket: str, key: str, variants: Variants) -> Iterator[str]:
        """Yield the viewer paths under which an object may be cached; some may come twice."""
        for path in self._paths(bucket, key, variants):
            yield from variants.spelled(path)

    def answers(self, bucket: str, key: str, variants: Variants) -> bool:
        return any(self._answers(bucket, key, variants))

    def may_hold_error(self, bucket: str, key: str, variants: Variants) -> bool:
        """Tell whether the edge may say for longer than accepted that an object is missing."""
        answers = [*self._answers(bucket, key, variants)]
        hidden = self._hidden(bucket, key, variants, answers)
        every = (*answers, *hidden, *self._learnt(bucket, key, variants))
        return any(self._keeps_error(one, variants) for one in every)

    def mounts(self, variants: Variants) -> Iterator[Mount]:
        """Yield where viewers see the keys of its origins; some may come twice."""
        for behaviour in self.behaviours:
            for origin in behaviour.origins:
                yield from variants.mounts(origin)
                yield from Variants(behaviour.learnt).mounts(origin)

    def foreign(self, prefix: str) -> bool:
        """Tell whether a viewer path that starts with `prefix` may be served by no known bucket."""
        for behaviour in self.behaviours:
            if not behaviour.origins and may_match(behaviour.pattern, prefix):
                return True
            if must_match(behaviour.pattern, prefix):
                break
        return False

    def _paths(self, bucket: str, key: str, variants: Variants) -> Iterator[str]:
        answers, pages = list(self._answers(bucket, key, variants)), self._error_pages(variants)
        for one in (*answers, *self._learnt(bucket, key, variants)):
            if one.behaviour.caches or self._keeps_error(one, variants):
                yield one.path
                if one.behaviour.query_strings and variants.queries:
                    yield query_copies(one.path, own=one.own)
            if one.path in pages:
                yield EVERY_PATH
        for one in self._hidden(bucket, key, variants, answers):
            yield from variants.below(one.behaviour.stem)
            if one.behaviour.rekeyed:
                yield one.path
        if "/" + key in variants.error_documents and self.leads_to(bucket):
            yield EVERY_PATH
        for path in variants.said(key):
            yield path
            whole = variants.queries and not path.endswith(REST)
            if whole and any(one.query_strings for one in self._leading(path)):
                yield query_copies(path, own=False)

    def _answers(self, bucket: str, key: str, variants: Variants) -> Iterator[Served]:
        """Yield the answers from an object, by the configuration and the user's words."""
        for path in dict.fromkeys(origin.path(bucket, key) for origin in self.origins):
            if path is None:
                continue
            root = self._root(path)
            for asked, assumed in variants.forms(path, root):
                # The guide does not say whether the pattern must match `/` or the object: try both.
                leading = [*self._leading(asked), *(self._leading(path) if asked in root else ())]
                for behaviour in leading:
                    if behaviour.unknown and not variants.given:
                        continue
                    # The cache may go by what the root or a function makes of a path.
                    made = (*root[:1], path) if root or behaviour.rekeyed else ()
                    for origin in behaviour.origins:
                        sure = not assumed or behaviour.rewritten or origin.website
                        if sure and origin.path(bucket, key) == path:
                            for kept in dict.fromkeys((asked, *made)):
                                yield Served(kept, behaviour, origin, own=kept == path)

    def _learnt(self, bucket: str, key: str, variants: Variants) -> Iterator[Served]:
        """Yield the answers from an object by the words that were learnt of functions."""
        for behaviour in () if variants.given else self.behaviours:
            words = behaviour.learnt
            for origin in behaviour.origins if words else ():
                path = origin.path(bucket, key) or ""
                for form, _ in Variants(words).forms(path) if path else ():
                    if form != path and behaviour in self._leading(form):
                        yield Served(form, behaviour, origin, own=False)
                        yield Served(path, behaviour, origin)

    def _hidden(
        self, bucket: str, key: str, variants: Variants, answers: Iterable[Served]
    ) -> Iterator[Served]:
        """Yield the behaviours that may answer any path from an object."""
        # An answer that no cache keeps, or that is doubtful, does not show what a function makes.
        answered = any(
            one.behaviour.caches and one.behaviour in self._leading(one.path, doubtful=False)
            for one in answers
        )
        for behaviour in () if variants.given else self.behaviours:
            words = behaviour.learnt
            wide = not answered and (behaviour.rewritten or behaviour.unknown)
            for origin in behaviour.origins if behaviour.caches and (wide or words) else ():
                path = origin.path(bucket, key)
                if path and (wide or ALL in words or f"errors={path[1:]}" in words):
                    yield Served(path, behaviour, origin)

    def _root(self, path: str) -> Sequence[str]:
        """Return where viewers get an object that is the default root object."""
        # "If you specified a path to your default root object (install/index.html), CloudFront will
        # return the default root object for end-user requests for the install directory".
        return ("/", path[: path.rindex("/") + 1]) if path == "/" + self.root else ()

    def _leading(self, path: str, *, doubtful: bool = True) -> Iterator[Behaviour]:
        """Yield the behaviours that are, or may be, the first to match, for each way to read it."""
        for reading in readings(path) if len(self.behaviours) > 1 else (path,):
            fitting = (n for n, one in enumerate(self.behaviours) if matches(one.pattern, reading))
            *before, sure = self.behaviours[: next(fitting) + 1]
            if doubtful:
                yield from (one for one in before if matches_slash(one.pattern, reading))
            yield sure

    def _error_pages(self, variants: Variants) -> Collection[str]:
        """Return the error pages that stay cached for longer than accepted."""
        if not variants.errors:
            return ()
        lasting = {page for page, stays in self.error_pages if stays > variants.error_seconds}
        return lasting.union(variants.error_documents)

    def _keeps_error(self, answer: Served, variants: Variants) -> bool:
        """Tell whether an error may stay for longer than accepted where an object answers."""
        # A website's error document may carry a `Cache-Control` header that we do not know.
        lasting = answer.origin.website or self.error_seconds > variants.error_seconds
        return lasting and variants.errors and answer.behaviour.keeps_errors


def somewhere(buckets: Collection[str], prefix: str = "") -> tuple[Origin, ...]:
    """Return the origins of all objects of the buckets; of any bucket if empty."""
    return tuple(Origin(bucket, prefix) for bucket in buckets or (ANY_BUCKET,))


def unread(identity: str, buckets: Collection[str]) -> Distribution:
    """Return a distribution that may serve every object of the buckets, at any path."""
    return Distribution(identity, (Behaviour(origins=somewhere(buckets), unknown=True),))
