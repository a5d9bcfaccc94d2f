"""A strict CloudFront: a boto3 client that refuses whatever the service may refuse.

Where AWS's documentation leaves two readings open, `Rules` chooses one: a program that shall work
with the real service has to work under all of them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from edgesweep.paths import REST

# RFC 1738 2.2, and what is not ASCII: these have to be encoded.
_RAW_UNSAFE = re.compile(r"[^!$-;=?-Z_a-z]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LONGEST_PATH = 4_000

CONFLICT = (
    "Your request contains a caller reference that was used for a previous invalidation batch "
    "for the same distribution."
)
FULL = "Processing your request will cause you to exceed the maximum."
INVALID = "Your request contains one or more invalid invalidation paths."


@dataclass(frozen=True, slots=True)
class Rules:
    """What AWS documents, and one reading of what it leaves open.

    Attributes:
        wildcards: wildcard paths that may be in progress for a distribution.
        paths: other paths that may be in progress for a distribution.
        wildcards_per_second: the newer quota; None: it does not exist.
        paths_per_second: the newer quota, likewise.
        per_path: whether `wildcards_per_second` counts paths or requests.
        rate_code: the error that says that a quota per second is passed.
        rates_first: whether the quotas are looked at before the caller reference is.
        paths_last: whether paths are understood only once the quotas allow for them.
        conflict_code: the error that says that a reference was used with other paths.
        refused: characters, decoded, that no path may hold though no rule says so.
        batch: paths that one request may hold.
        duration: how long an invalidation is in progress.
        remembers: how long a caller reference is known.
    """

    wildcards: int = 15
    paths: int = 3_000
    wildcards_per_second: int | None = 1
    paths_per_second: int | None = 150
    per_path: bool = False
    rate_code: str = "TooManyInvalidationsInProgress"
    rates_first: bool = True
    paths_last: bool = False
    conflict_code: str = "InvalidArgument"
    refused: frozenset[str] = frozenset()
    batch: int = 3_000
    duration: timedelta = timedelta(seconds=20)
    remembers: timedelta = timedelta.max


@dataclass(frozen=True, slots=True)
class Made:
    """An invalidation that was made, and is billed."""

    distribution: str
    id: str
    reference: str
    paths: tuple[str, ...]
    created_at: datetime
    completed_at: datetime

    @property
    def wildcards(self) -> int:
        """How many of its paths are wildcards."""
        return sum(path.endswith("*") for path in self.paths)

    @property
    def exact(self) -> int:
        """How many of its paths are none."""
        return len(self.paths) - self.wildcards

    def matches(self, viewer_path: str) -> bool:
        """Tell whether the edge forgot what it had under a decoded viewer path."""
        return any(_matches(path, viewer_path) for path in self.paths)


@dataclass(frozen=True, slots=True)
class Pages:
    """A paginator over lists of invalidations."""

    fetch: Callable[..., Mapping[str, Any]]

    def paginate(self, *, DistributionId: str) -> Iterator[Mapping[str, Any]]:
        """Yield one page after the other."""
        marker = ""
        while True:
            page = self.fetch(DistributionId=DistributionId, Marker=marker)
            yield page
            if not page["InvalidationList"]["IsTruncated"]:
                return
            marker = page["InvalidationList"]["NextMarker"]


@dataclass(slots=True)
class StrictCloudFront:
    """The calls of a boto3 client, answered by the book.

    Attributes:
        now: the service's own, true clock.
        distributions: ids that exist.
        rules: the book.
        made: every invalidation, in the order of creation.
        clashes: references that came with two lists of paths.
    """

    now: Callable[[], datetime]
    distributions: set[str]
    rules: Rules = field(default_factory=Rules)
    made: list[Made] = field(default_factory=list)
    clashes: list[str] = field(default_factory=list)

    def create_invalidation(
        self, *, DistributionId: str, InvalidationBatch: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Make an invalidation, or answer with the one that the reference has made before."""
        paths = _items(InvalidationBatch["Paths"])
        reference = InvalidationBatch["CallerReference"]
        self._check_distribution(DistributionId)
        if not self.rules.paths_last:
            self._check_paths(paths)
        if self.rules.rates_first:
            self._check_quotas(DistributionId, paths)
        earlier = self._earlier(DistributionId, reference, paths)
        if earlier is not None:
            return _answer(earlier, self.now())
        self._check_quotas(DistributionId, paths)
        self._check_paths(paths)
        now = self.now()
        made = Made(
            distribution=DistributionId,
            id=f"I{len(self.made) + 1}",
            reference=reference,
            paths=paths,
            created_at=now,
            completed_at=now + self.rules.duration,
        )
        self.made.append(made)
        return _answer(made, now)

    def get_invalidation(self, *, DistributionId: str, Id: str) -> Mapping[str, Any]:
        """Tell about an invalidation."""
        self._check_distribution(DistributionId)
        for made in self.made:
            if (made.distribution, made.id) == (DistributionId, Id):
                return _answer(made, self.now())
        code = "NoSuchInvalidation"
        raise refusal(code, "The specified invalidation does not exist.", 404)

    def list_invalidations(
        self, *, DistributionId: str, Marker: str = "", MaxItems: int = 100
    ) -> Mapping[str, Any]:
        """List invalidations, the youngest first, without their paths and references."""
        self._check_distribution(DistributionId)
        ours = [made for made in self.made[::-1] if made.distribution == DistributionId]
        start = next((n for n, made in enumerate(ours) if made.id == Marker), -1) + 1
        page = ours[start : start + MaxItems]
        more = len(ours) > start + MaxItems
        names = ("Id", "CreateTime", "Status")
        told = [_answer(made, self.now())["Invalidation"] for made in page]
        items = [{name: one[name] for name in names} for one in told]
        listed: dict[str, Any] = {"Marker": Marker, "MaxItems": MaxItems, "IsTruncated": more}
        listed |= {"Quantity": len(items)} | ({"Items": items} if items else {})
        return {"InvalidationList": listed | ({"NextMarker": page[-1].id} if more else {})}

    def get_paginator(self, operation: str) -> "Pages":
        """Return a paginator, as boto3 does, for the one operation that has one."""
        assert operation == "list_invalidations"
        return Pages(self.list_invalidations)

    def in_progress(self, distribution: str) -> Sequence[Made]:
        """Return what counts against the quotas of a distribution."""
        now = self.now()
        return [
            made
            for made in self.made
            if made.distribution == distribution and made.completed_at > now
        ]

    def billed(self, *, ours: str = "") -> Mapping[str, int]:
        """Return the billed paths by month, of references that start with `ours`."""
        months: Counter[str] = Counter()
        for made in self.made:
            if made.reference.startswith(ours):
                months[made.created_at.astimezone(UTC).strftime("%Y-%m")] += len(made.paths)
        return months

    def _check_distribution(self, distribution: str) -> None:
        if distribution not in self.distributions:
            code = "NoSuchDistribution"
            raise refusal(code, "The specified distribution does not exist.", 404)

    def _check_paths(self, paths: Sequence[str]) -> None:
        if not paths or len(set(paths)) < len(paths):
            raise refusal("InvalidArgument", INVALID)
        if len(paths) > self.rules.batch:
            raise refusal("BatchTooLarge", f"{len(paths)} paths are too many.", 413)
        for path in paths:
            if not self._well_formed(path):
                raise refusal("InvalidArgument", INVALID)

    def _well_formed(self, path: str) -> bool:
        if path.startswith("#"):
            return "*" not in path
        return (
            path.startswith("/")
            and len(path) <= _LONGEST_PATH
            and "*" not in path[:-1]
            and not _RAW_UNSAFE.search(path)
            and not _BAD_ESCAPE.search(path)
            and self.rules.refused.isdisjoint(unquote(path.removesuffix("*")))
        )

    def _check_quotas(self, distribution: str, paths: Sequence[str]) -> None:
        """Refuse what passes a quota in progress or one of this second."""
        code = "TooManyInvalidationsInProgress"
        busy = self.in_progress(distribution)
        wildcards = sum(path.endswith("*") for path in paths)
        exact = len(paths) - wildcards
        if (
            wildcards + sum(made.wildcards for made in busy) > self.rules.wildcards
            or exact + sum(made.exact for made in busy) > self.rules.paths
        ):
            raise refusal(code, FULL)
        since = self.now() - timedelta(seconds=1)
        recent = [made for made in self.made if made.created_at > since]
        asked = _Load.of([paths], per_path=self.rules.per_path)
        done = _Load.of([made.paths for made in recent], per_path=self.rules.per_path)
        if asked.passes(done, self.rules):
            raise refusal(self.rules.rate_code, "Rate exceeded")

    def _earlier(self, distribution: str, reference: str, paths: Sequence[str]) -> Made | None:
        for made in self.made:
            if self.now() - made.created_at > self.rules.remembers:
                continue
            if (made.distribution, made.reference) == (distribution, reference):
                if made.paths != paths:
                    self.clashes.append(reference)
                    raise refusal(self.rules.conflict_code, CONFLICT)
                return made
        return None


@dataclass(frozen=True, slots=True)
class _Load:
    """What counts against the quotas of one second."""

    paths: int
    wildcards: int

    @classmethod
    def of(cls, requests: Iterable[Sequence[str]], *, per_path: bool) -> "_Load":
        """Count: wildcards are paths, or requests that hold any."""
        paths = wildcards = 0
        for request in requests:
            stars = sum(path.endswith("*") for path in request)
            paths += len(request) if per_path else 0
            wildcards += stars if per_path else min(stars, 1)
        return cls(paths, wildcards)

    def passes(self, done: "_Load", rules: Rules) -> bool:
        """Tell whether this on top of what was done passes a quota."""
        return any(
            most is not None and asked and asked + before > most
            for asked, before, most in (
                (self.wildcards, done.wildcards, rules.wildcards_per_second),
                (self.paths, done.paths, rules.paths_per_second),
            )
        )


def refusal(code: str, text: str, status: int = 400) -> ClientError:
    """Return the error that a boto3 client raises."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": text},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "",
                "HTTPHeaders": {},
                "HostId": "",
                "RetryAttempts": 0,
            },
        },
        "CreateInvalidation",
    )


def _items(paths: Mapping[str, Any]) -> tuple[str, ...]:
    if paths["Quantity"] != len(paths["Items"]):
        code = "InconsistentQuantities"
        raise refusal(code, "The value of Quantity and the size of Items don't match.")
    return tuple(paths["Items"])


def _matches(path: str, viewer_path: str) -> bool:
    if path == "/*":
        return True
    said, viewer_path = _decoded(path), viewer_path.replace("?" + REST, "?")
    return viewer_path.startswith(said[:-1]) if path.endswith("*") else viewer_path == said


_decoded = lru_cache(maxsize=10_000)(unquote)


def _answer(made: Made, now: datetime) -> Mapping[str, Any]:
    return {
        "Invalidation": {
            "Id": made.id,
            "Status": "InProgress" if made.completed_at > now else "Completed",
            "CreateTime": made.created_at,
            "InvalidationBatch": {
                "Paths": {"Quantity": len(made.paths), "Items": list(made.paths)},
                "CallerReference": made.reference,
            },
        }
    }
