"""The record of a flush: its paths, requests, charges and progress; `flusher.py` says why."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from types import MappingProxyType
from typing import Protocol

from edgesweep.dirty import instant
from edgesweep.flush.budget import Ledger, Ledgers, months_near
from edgesweep.flush.others import Looks, Others
from edgesweep.flush.pace import Demand

LedgerLimits = Mapping[str, int | None]  # month -> the most paths in its ledger, None for no limit
NO_LIMITS: LedgerLimits = MappingProxyType({})

LEASE_TERM = timedelta(seconds=45)

REFERENCE = "edgesweep"  # how every caller reference of ours begins

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
    """A request of a flush that CloudFront accepted, and the `YYYY-MM` that pays for it."""

    id: str
    month: str
    exact: int
    wildcards: int

    @property
    def paths(self) -> int:
        return self.exact + self.wildcards


@dataclass(frozen=True, slots=True)
class Flush:
    """One journaled flush of one distribution; each step returns the next state of the flush."""

    distribution: str
    opened_at: datetime  # the flusher's clock just before the flush was opened
    token: str  # random text that tells flushes of the same instant apart
    paths: tuple[str, ...]  # quoted invalidation paths, in the order in which they are sent
    months: tuple[str, ...]  # the months charged with all of `paths`, as `YYYY-MM`
    rows: int  # how many dirty rows were planned into it
    collateral: int = 0  # unchanged objects that its wildcards hit
    split: bool = False  # whether the paths go in several requests, each within a second's rates
    replaces: str | None = None  # id of the refused flush whose remaining paths it sends
    state: State = State.OPEN
    attempts: int = 0  # requests, counted before they were made
    refusals: int = 0  # attempts that CloudFront refused
    accepted: tuple[Invalidation, ...] = ()  # the requests that CloudFront accepted, in order
    sent_at: datetime | None = None  # the flusher's clock once the last request was accepted
    settled_at: datetime | None = None  # the flusher's clock once the rows were deleted
    changed_at: datetime | None = None  # when S3 finished its first change; none in 0.1.0
    by: tuple[tuple[str, int], ...] = ()  # who requested how many paths, if anybody did
    swept: str = ""  # position of the last older row that the sweep has looked at; empty before
    why: str = ""  # what changed, and why these paths, in a few lines; flushes of 0.1.0 have none

    @property
    def id(self) -> str:
        """The flush's id: ids of one distribution sort by the time they were opened."""
        return f"{instant(self.opened_at)}#{self.token}"

    @property
    def wildcards(self) -> int:
        return sum(path.endswith("*") for path in self.paths)

    def requests(self) -> Sequence[tuple[str, ...]]:
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
        """Return the caller reference of a request: unique for each list of paths, for ever."""
        return f"{REFERENCE} {self.id} {request}"

    @property
    def answered(self) -> bool:
        """Whether CloudFront answered every counted attempt, so that its bill is known."""
        return self.attempts == self.refusals + len(self.accepted)

    @property
    def billed_at(self) -> datetime | None:
        """When it was opened, if CloudFront billed it or may have; None if it cost nothing."""
        return self.opened_at if self.accepted or not self.answered else None

    @property
    def waited(self) -> timedelta | None:
        """How long its first change waited, from the upload until CloudFront had accepted all."""
        return self.sent_at - self.changed_at if self.sent_at and self.changed_at else None

    @property
    def finished(self) -> bool:
        return self.state in (State.SETTLED, State.REJECTED)

    @property
    def charges(self) -> Mapping[str, int]:
        """The paths in the ledger of each charged month: all of them, until the bill is known."""
        if self.state is State.OPEN or (self.state is State.REJECTED and not self.answered):
            return dict.fromkeys(self.months, len(self.paths))
        return {
            month: sum(request.paths for request in self.accepted if request.month == month)
            for month in self.months
        }

    def charge(self, month: str) -> "Flush":
        return replace(self, months=(*self.months, month))

    def attempt(self) -> "Flush":
        return replace(self, attempts=self.attempts + 1)

    def refuse(self) -> "Flush":
        return replace(self, refusals=self.refusals + 1)

    def accept(self, invalidation: Invalidation, now: datetime) -> "Flush":
        """Note that CloudFront accepted the next request; with the last one the flush is sent."""
        noted = replace(self, accepted=(*self.accepted, invalidation), swept="")
        return noted if noted.left else replace(noted, state=State.SENT, sent_at=now)

    def sweep(self, place: str) -> "Flush":
        """Note how far the sweep came; the next accepted request begins it again."""
        return replace(self, swept=place)

    def settle(self, now: datetime) -> "Flush":
        return replace(self, state=State.SETTLED, settled_at=now)

    def reject(self) -> "Flush":
        return replace(self, state=State.REJECTED)

    def successor(self, now: datetime, token: str, paths: Sequence[str], *, split: bool) -> "Flush":
        return replace(
            self,
            opened_at=now,
            token=token,
            paths=tuple(paths),
            months=tuple(months_near(now)),
            split=split,
            replaces=self.id,
            attempts=0,
            refusals=0,
            accepted=(),
            swept="",
        )


def gained(*steps: tuple[Flush | None, Flush]) -> Mapping[str, int]:
    """Return the growth of each month's ledger as flushes, None if new, reach their next states."""
    gains = Counter[str]()
    for before, after in steps:
        gains.update(after.charges)
        gains.subtract(before.charges if before else {})
    return gains


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to flush one distribution, and what the last holder left behind."""

    token: str | None = None  # the owner's; ownership is the token, never the time
    expires_at: datetime | None = None
    unfinished: str | None = None  # id of the flush that is neither settled nor rejected
    in_progress: tuple[Invalidation, ...] = ()  # accepted requests that were not yet seen completed
    flushed_at: datetime | None = None  # when the last flush that may be billed was opened
    # How often it was taken since a release, or since a flush was opened or finished.
    tries: int = 0

    @property
    def free(self) -> bool:
        """Whether nobody has taken it, and nobody left an unfinished flush behind."""
        return self.token is None and self.unfinished is None

    def held(self, now: datetime) -> bool:
        return self.token is not None and self.expires_at is not None and self.expires_at >= now

    def renewed(self, now: datetime) -> "Lease":
        return replace(self, expires_at=now + LEASE_TERM)

    def abandoned(self, now: datetime) -> bool:
        """Tell whether its owner let it expire without a release: most likely it died."""
        return self.token is not None and self.expires_at is not None and self.expires_at < now

    def deaths(self, now: datetime) -> int:
        """Return how many owners in a row died without any progress."""
        return self.tries if self.abandoned(now) else max(0, self.tries - 1)


def flush_of(reference: str) -> str | None:
    """Return the id of the flush, of any stack, that a caller reference names; None without one."""
    match reference.split(" "):
        case [name, flush_id, _] if name == REFERENCE:
            return flush_id
    return None


def split(paths: Sequence[str]) -> Sequence[tuple[str, ...]]:
    """Cut paths into requests that each keep within the rates of one second."""
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

    Every change raises `Overtaken` if the caller's knowledge is outdated.
    """

    def lease(self, distribution: str) -> Lease: ...

    def take(self, distribution: str, token: str, now: datetime) -> Lease:
        """Take the lease if it is free or expired, for `LEASE_TERM` from `now`."""

    def renew(self, distribution: str, token: str, now: datetime) -> None:
        """Push the expiry to `LEASE_TERM` from `now` while the lease is ours."""

    def release(self, distribution: str, token: str) -> None:
        """Give the lease back if it is still ours, else do nothing."""

    def ledger(self, month: str) -> Ledger: ...

    def looks(self) -> Looks:
        """Return how far the invalidations of others are read."""

    def audit(self, looks: Looks, others: Mapping[str, Others], gains: Mapping[str, int]) -> bool:
        """Save all unless other looks were saved since these were read; return whether we did."""

    def demand(self) -> Demand:
        """Return the paths that flushes have taken so far, all distributions together."""

    def remember(self, demand: Demand) -> None:
        """Save the demand. Of two saved at once one is lost, which costs some precision only."""

    def load(self, distribution: str, flush_id: str) -> Flush | None:
        """Read a flush, None if there is none of that id."""

    def fits(self, flush: Flush) -> bool:
        """Tell whether a flush is small enough to be journaled."""

    def open(
        self, flush: Flush, lease: Lease, limits: LedgerLimits, replaced: Flush | None = None
    ) -> None:
        """Journal a new flush, charge its months and note it as unfinished, all or nothing.

        The lease is ours, and its `in_progress` replaces the recorded one. Beyond the `limits` it
        raises `OverLimit`. The flush `replaced` is rejected; without it none may be unfinished.
        """

    def advance(self, flush: Flush, to: Flush, limits: LedgerLimits = NO_LIMITS) -> Flush:
        """Replace an unfinished flush by `to`, which one of its methods made, and return that.

        In the same transaction the ledger follows its charges, and the lease gains accepted
        requests, notes a flush that may be billed, and lets go of a finished one. Beyond `limits`
        it raises `OverLimit`.
        """

    def forget(self, distribution: str, flush_id: str) -> None:
        """Clear an unfinished flush whose journal item is gone; its charges stay."""


def ledgers_near(journal: Journal, now: datetime) -> Ledgers:
    """Return the ledgers of the months that may be billed now."""
    return {month: journal.ledger(month) for month in months_near(now)}


@dataclass(slots=True)
class HeldLease:
    """The lease of one distribution as we know it, renewed while work goes on."""

    distribution: str
    lease: Lease
    journal: Journal
    clock: Callable[[], datetime]

    @property
    def deaths(self) -> int:
        """How many owners before us died in a row without any progress."""
        return max(0, self.lease.tries - 1)

    def keep(self) -> None:
        """Renew the lease once a third of its term has passed, or raise `Overtaken`."""
        expires_at = self.lease.expires_at
        if expires_at is None or expires_at - self.clock() <= LEASE_TERM * 2 / 3:
            self.renew()

    def reread(self) -> None:
        """Read the lease again but keep our token, so that a write fails if it was taken."""
        self.lease = replace(self.journal.lease(self.distribution), token=self.lease.token)

    def renew(self) -> None:
        now = self.clock()
        self.journal.renew(self.distribution, str(self.lease.token), now)
        self.lease = self.lease.renewed(now)
