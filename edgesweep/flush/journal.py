"""What a flush remembers: its paths, its requests, what it was charged and how far it came.

A flush is journaled before CloudFront hears of it, so that whoever finds it unfinished sends the
same paths under the same references again. CloudFront then answers with the invalidation it has
already made and bills nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Protocol

from edgesweep.dirty import instant
from edgesweep.errors import EdgesweepError
from edgesweep.flush.pace import Demand

# Month -> the most paths that its ledger may hold, None for no limit.
Limits = Mapping[str, int | None]

LEASE_TERM = timedelta(seconds=45)

# What every caller reference of ours begins with.
REFERENCE = "edgesweep"

# "150 paths per second; 1 wildcard invalidation per second"
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
PATHS_PER_SECOND = 150
WILDCARDS_PER_SECOND = 1


class State(StrEnum):
    """How far a flush came: open, then sent and settled, or rejected."""

    OPEN = "open"
    SENT = "sent"
    SETTLED = "settled"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Invalidation:
    """One request of a flush that CloudFront accepted.

    Attributes:
        id: CloudFront's id.
        month: the month that pays, as `YYYY-MM`.
        exact: exact paths in it.
        wildcards: wildcard paths in it.
    """

    id: str
    month: str
    exact: int
    wildcards: int

    @property
    def paths(self) -> int:
        """How many paths it was billed for."""
        return self.exact + self.wildcards


@dataclass(frozen=True, slots=True)
class Flush:
    """One journaled flush of one distribution.

    Attributes:
        distribution: its id.
        opened_at: the flusher's clock just before the flush was opened.
        token: random text that makes the flush distinct from every other of the same instant.
        paths: quoted invalidation paths, in the order in which they are sent.
        months: the months charged with all of `paths`, as `YYYY-MM`.
        rows: dirty rows that were planned into it.
        collateral: unchanged objects that its wildcards hit.
        split: whether the paths go out in several requests, none above the rates of one second.
        replaces: id of the refused flush of which this one sends what was not accepted, if any.
        state: how far it came.
        attempts: requests counted before they were made.
        refusals: attempts that CloudFront answered with no.
        accepted: the requests that CloudFront accepted, in order.
        sent_at: the flusher's clock once CloudFront had accepted the last request.
        settled_at: the flusher's clock once the rows were deleted.
        swept: position of the last older row that was looked at to be deleted; empty before.
    """

    distribution: str
    opened_at: datetime
    token: str
    paths: tuple[str, ...]
    months: tuple[str, ...]
    rows: int
    collateral: int = 0
    split: bool = False
    replaces: str | None = None
    state: State = State.OPEN
    attempts: int = 0
    refusals: int = 0
    accepted: tuple[Invalidation, ...] = ()
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    swept: str = ""

    @property
    def id(self) -> str:
        """The flush's id: ids of one distribution sort by the time they were opened."""
        return f"{instant(self.opened_at)}#{self.token}"

    @property
    def wildcards(self) -> int:
        """How many of its paths are wildcards."""
        return sum(path.endswith("*") for path in self.paths)

    def requests(self) -> Sequence[tuple[str, ...]]:
        """Return the paths of each request, in order."""
        return split(self.paths) if self.split else (self.paths,)

    @property
    def done(self) -> tuple[str, ...]:
        """The paths that CloudFront accepted."""
        return tuple(chain.from_iterable(self.requests()[: len(self.accepted)]))

    @property
    def left(self) -> tuple[str, ...]:
        """The paths that CloudFront has not accepted yet."""
        return tuple(chain.from_iterable(self.requests()[len(self.accepted) :]))

    def reference(self, request: int) -> str:
        """Return the caller reference of a request: one for each list of paths, for ever."""
        return f"{REFERENCE} {self.id} {request}"

    @property
    def answered(self) -> bool:
        """Whether CloudFront answered every attempt that was counted, so that its bill is known."""
        return self.attempts == self.refusals + len(self.accepted)

    def refunds(self) -> Mapping[str, int]:
        """Return what each charged month holds beyond what CloudFront bills for `accepted`."""
        billed = {
            month: sum(request.paths for request in self.accepted if request.month == month)
            for month in self.months
        }
        return {month: len(self.paths) - paths for month, paths in billed.items()}


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to flush one distribution, and what the last holder left behind.

    Attributes:
        token: the owner's; ownership is the token, never the time.
        expires_at: when another flusher may take it.
        unfinished: id of the flush that is neither settled nor rejected.
        in_progress: accepted requests that were not yet seen completed.
        flushed_at: when the last flush was opened.
    """

    token: str | None = None
    expires_at: datetime | None = None
    unfinished: str | None = None
    in_progress: tuple[Invalidation, ...] = ()
    flushed_at: datetime | None = None


class Overtaken(EdgesweepError):
    """Somebody else took the lease or went on with the flush: let go of both."""


class OverLimit(EdgesweepError):
    """The ledger of a month does not take so many more paths."""


def split(paths: Sequence[str]) -> Sequence[tuple[str, ...]]:
    """Cut paths into requests none of which is above the rates of one second.

    Every request holds at most `WILDCARDS_PER_SECOND` wildcards and `PATHS_PER_SECOND` paths.
    """
    wildcards = [path for path in paths if path.endswith("*")]
    exact = [path for path in paths if not path.endswith("*")]
    requests: list[tuple[str, ...]] = []
    while wildcards or exact:
        taken, wildcards = wildcards[:WILDCARDS_PER_SECOND], wildcards[WILDCARDS_PER_SECOND:]
        room = PATHS_PER_SECOND - len(taken)
        requests.append((*taken, *exact[:room]))
        exact = exact[room:]
    return requests


class Journal(Protocol):
    """Keeps flushes, the ledger and the leases; every read is strongly consistent.

    Every change is conditional on what the caller believes: `Overtaken` is raised when that is no
    longer so. Methods that change a flush return it as it stands then.
    """

    def lease(self, distribution: str) -> Lease:
        """Read a distribution's lease."""
        ...

    def take(self, distribution: str, token: str, now: datetime) -> Lease:
        """Take the lease if it is free or expired, for `LEASE_TERM` from `now`."""
        ...

    def renew(self, distribution: str, token: str, now: datetime) -> None:
        """Push the expiry to `LEASE_TERM` from `now` while the lease is ours."""
        ...

    def release(self, distribution: str, token: str) -> None:
        """Give the lease back if it is still ours, else do nothing."""
        ...

    def spent(self, month: str) -> int:
        """Return how many paths the ledger holds for `month`."""
        ...

    def demand(self) -> Demand:
        """Return what flushes have taken so far, all distributions together."""
        ...

    def remember(self, demand: Demand) -> None:
        """Keep the demand. Of two kept at once one is lost, and with it some precision only."""
        ...

    def load(self, distribution: str, flush_id: str) -> Flush:
        """Read a flush."""
        ...

    def fits(self, flush: Flush) -> bool:
        """Tell whether a flush is small enough to be journaled."""
        ...

    def open(
        self, flush: Flush, lease: Lease, limits: Limits, replaced: Flush | None = None
    ) -> None:
        """Journal a flush, charge its months and make it the unfinished one, all or nothing.

        Args:
            flush: what to open.
            lease: ours; its `in_progress` replaces the recorded one.
            limits: what the ledger of each month may hold afterwards.
            replaced: the unfinished flush that is rejected, and refunded if all its attempts were
                answered, in the same transaction; without it there must be no unfinished flush.

        Raises:
            OverLimit: nothing was written.
        """
        ...

    def charge(self, flush: Flush, month: str, limit: int | None) -> Flush:
        """Charge one more month with all paths of an open flush.

        Raises:
            OverLimit: nothing was written.
        """
        ...

    def attempted(self, flush: Flush) -> Flush:
        """Count an attempt of an open flush, before it is made."""
        ...

    def refused(self, flush: Flush) -> Flush:
        """Count that the last attempt was answered by a refusal."""
        ...

    def accepted(self, flush: Flush, invalidation: Invalidation, now: datetime) -> Flush:
        """Note an accepted request; the last one makes the flush sent and refunds its months."""
        ...

    def swept(self, flush: Flush, place: str) -> Flush:
        """Note how far the sweep of a flush came; the next accepted request begins it again."""
        ...

    def rejected(self, flush: Flush) -> Flush:
        """Give an open flush up, refunded if all its attempts were answered."""
        ...

    def settled(self, flush: Flush, now: datetime) -> Flush:
        """Finish a sent flush: nothing is unfinished any more."""
        ...
