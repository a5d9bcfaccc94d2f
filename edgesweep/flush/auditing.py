"""Look at the invalidations of others, a few calls at a time; `others.py` says which and when."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from edgesweep.dirty import LONG_AGO
from edgesweep.errors import Busy, Unreadable
from edgesweep.flush.budget import month_bounds, month_of
from edgesweep.flush.journal import Journal, flush_of
from edgesweep.flush.others import EVERY, MOST_DISTRIBUTIONS, NOBODY, Look, Looks, Mark, Others

MOST_CALLS = 20  # calls to CloudFront in one tick
# If CloudFront does not answer we wait for this long, then for twice as long, up to an hour.
PAUSE = timedelta(minutes=1)


class Account(Protocol):
    """The distributions of the account and their invalidations.

    Each method may raise `Unreadable` if we have no permission, and `Busy` if CloudFront does not
    answer now. A distribution that is gone has no invalidations.
    """

    def distributions(self) -> Iterator[Mapping[str, bool]]:
        """Yield pages of distribution ids, each with whether it is for tenants only."""

    def invalidations(self, distribution: str, after: str) -> tuple[Sequence[Mark], bool]:
        """Return the newest marks, or the next after the id `after`, and whether more follow."""

    def invalidation(self, distribution: str, identity: str) -> tuple[str, int]:
        """Return the caller reference of an invalidation, and how many paths it has."""


@dataclass(frozen=True, slots=True)
class Audited:
    others: int | None = None  # paths that others were seen to spend this month, if that was saved
    # Distribution that we tried to read, or empty for their list -> why it cannot be read.
    refusals: Mapping[str, str] = field(default_factory=dict)


class _OutOfCalls(Exception):  # not an error
    """This tick has made all its calls."""


@dataclass(slots=True)
class Auditor:
    """Counts what others spend. A look that found nothing is remembered here, and saved rarely."""

    account: Account
    journal: Journal
    clock: Callable[[], datetime]
    _looks: Looks = field(default_factory=Looks, init=False)
    _spent_at: datetime = field(default=LONG_AGO, init=False)
    _paused_until: datetime = field(default=LONG_AGO, init=False)
    _pause: timedelta = field(default=PAUSE, init=False)

    def look(self, swept: Collection[str], spending: bool) -> Audited:  # noqa: FBT001  # a fact
        """Look at the distributions whose turn it is; `spending` tells whether we spend paths."""
        now = self.clock()
        self._spent_at = now if spending else self._spent_at
        often = swept if now - self._spent_at < EVERY else ()
        due = self._looks.listed_at + EVERY <= now or self._looks.due(often, now)
        if now < self._paused_until or not due:
            return Audited()
        known = self.journal.looks()
        if known.revision == self._looks.revision:
            known = self._looks
        turn = _Turn(self.account, self.journal, now, known)
        try:
            turn.run(swept, often)
            self._pause = PAUSE
        except _OutOfCalls:
            pass
        except Busy:
            self._paused_until, self._pause = now + self._pause, min(2 * self._pause, EVERY)
        # If two flushers counted the same invalidations, the second to save forgets its count.
        self._looks = turn.saved(known) or Looks()
        return Audited(turn.others, turn.refusals)


@dataclass(slots=True)
class _Turn:
    account: Account
    journal: Journal
    now: datetime
    looks: Looks  # as they are so far
    calls: int = 0
    found: dict[str, Others] = field(default_factory=dict)  # by month, where any was read
    refusals: dict[str, str] = field(default_factory=dict)
    others: int | None = None

    def run(self, swept: Collection[str], often: Collection[str]) -> None:
        """Make the looks that are due; `_OutOfCalls` and `Busy` leave some for a later tick."""
        if self.looks.listed_at + EVERY <= self.now:
            self._list(swept)
        for look in self.looks.due(often, self.now):
            refused = ""
            try:
                self._look(look)
            except Unreadable as error:
                self.refusals[look.distribution] = refused = str(error)
            self.looks = self.looks.looked(look.distribution, self.now, refused)

    def saved(self, known: Looks) -> Looks | None:
        """Return the looks, saved if they have news or if it is time; None if somebody else did."""
        if self.looks.news == known.news and self.now - self.looks.saved_at < EVERY:
            return self.looks
        looks = replace(self.looks, saved_at=self.now)
        others = {
            month: self.journal.ledger(month).others.plus(found.spent).as_of(looks)
            for month, found in {month_of(self.now): NOBODY, **self.found}.items()
        }
        gains = {month: found.paths for month, found in self.found.items()}
        saved = self.journal.audit(looks, others, gains)
        self.others = others[month_of(self.now)].paths
        return replace(looks, revision=looks.revision + 1) if saved else None

    def _list(self, swept: Collection[str]) -> None:
        """List the distributions; if we cannot, we look at the ones that we sweep."""
        listed: dict[str, bool] = {}
        reason = ""
        try:
            for page in self.account.distributions():
                self._call()
                listed |= page
                if len(listed) > MOST_DISTRIBUTIONS:
                    reason = f"more than {MOST_DISTRIBUTIONS} distributions are too many"
                    break
        except Unreadable as error:
            reason = str(error)
        if reason:
            self.refusals[""] = reason
            listed = dict.fromkeys(swept, False)
        self.looks = self.looks.listed(listed, self.now, month_bounds(self.now)[0], reason)

    def _look(self, look: Look) -> None:
        if look.gap:
            look = self._read(look, *look.gap)
        since, _ = month_bounds(self.now)
        self._read(look, Mark(since), look.newest or Mark(since))

    def _read(self, look: Look, above: Mark, below: Mark) -> Look:
        """Count the invalidations between two marks, the newest first; note each that is read."""
        more = True
        while more:
            self._call()
            page, more = self.account.invalidations(look.distribution, above.id)
            for one in page:
                if one.id == below.id or one.created_at < below.created_at:
                    more = False
                    break
                self._count(look.distribution, one)
                above, look = one, look.read(one, below)
                self.looks = self.looks.after(look)
        look = look.whole(below)
        self.looks = self.looks.after(look)
        return look

    def _count(self, distribution: str, one: Mark) -> None:
        self._call()
        reference, paths = self.account.invalidation(distribution, one.id)
        flush_id, month = flush_of(reference), month_of(one.created_at)
        ours = flush_id and self.journal.load(distribution, flush_id)
        spent = {} if ours else {distribution: (paths, 0) if flush_id else (0, paths)}
        self.found[month] = self.found.get(month, NOBODY).plus(spent)

    def _call(self) -> None:
        if self.calls >= MOST_CALLS:
            raise _OutOfCalls
        self.calls += 1
