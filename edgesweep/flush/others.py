"""Others: what everybody else spends of the account's invalidation paths; see `docs/budget.md`.

Goal: the budget bounds the bill of the whole account, without a number that nobody knows.

A look reads the list of a distribution from the newest invalidation down to the newest that was
read before. If it is cut, it keeps both ends of the unread stretch, and the next look reads that
first. Until then the number is a lower bound, and flushes keep to the reserve.

Ours is an invalidation whose caller reference names a flush of our journal, however far that flush
came. Everything else is foreign, even from other stacks of ours. It counts in the month in which it
was created. A look and its counts are saved in one transaction, so nothing is counted twice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from edgesweep.dirty import LONG_AGO

EVERY = timedelta(hours=1)
OFTEN = timedelta(minutes=5)  # distributions of the swept buckets, while paths are being spent
MOST_DISTRIBUTIONS = 500  # with more distributions the account is not looked at

_TENANTS = "invalidations of its tenants are not counted"

Tally = tuple[int, int]  # paths of other stacks of ours, and of anybody else


@dataclass(frozen=True, slots=True)
class Mark:
    """An invalidation, as a place in the list of its distribution."""

    created_at: datetime
    id: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """How far the invalidations of a distribution are read."""

    distribution: str
    looked_at: datetime = LONG_AGO
    newest: Mark | None = None  # the newest read, or where reading began; None before a look
    gap: tuple[Mark, Mark] | None = None  # the ends of the unread stretch, the newer one first
    hidden: str = ""  # why they cannot be read or are not counted; empty if they are counted
    tenants: bool = False  # whether `hidden` is for tenants, whose invalidations no list has

    @property
    def unread(self) -> bool:
        """Whether there may be more than what is counted."""
        return not self.hidden and (self.gap is not None or self.looked_at == LONG_AGO)

    def read(self, one: Mark, until: Mark) -> Self:
        """Note that `one` was read on the way down to `until`."""
        return replace(self, newest=self.newest if self.gap else one, gap=(one, until))

    def whole(self, until: Mark) -> Self:
        """Note that the stretch was read to its end; if it was empty, the next look stops there."""
        return replace(self, newest=self.newest or until, gap=None)

    def due_at(self, swept: Collection[str]) -> datetime:
        """Return when to look again, where `swept` distributions are looked at often."""
        if self.unread:
            return LONG_AGO
        return self.looked_at + (OFTEN if self.distribution in swept else EVERY)


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks at all distributions of the account."""

    each: tuple[Look, ...] = ()
    listed_at: datetime = LONG_AGO  # when the distributions were listed
    hidden: str = ""  # why they could not be listed; empty if they were
    saved_at: datetime = LONG_AGO  # when this was saved
    revision: int = 0  # how often it was saved

    def listed(
        self, tenants: Mapping[str, bool], now: datetime, since: datetime, hidden: str = ""
    ) -> Self:
        """Return the looks at these distributions, each with whether it is for tenants only."""
        # An unlisted distribution stays known while an invalidation of it since `since` was read:
        # lists lag behind, and nothing may be counted twice.
        known = {one.distribution: one for one in self.each}
        stay = (one for one in self.each if one.newest and one.newest.created_at >= since)
        tenants = {one.distribution: False for one in stay} | {**tenants}
        each = [
            Look(name, hidden=_TENANTS, tenants=True) if alone else known.get(name, Look(name))
            for name, alone in tenants.items()
        ]
        return replace(self, each=tuple(each), listed_at=now, hidden=hidden)

    def after(self, look: Look) -> Self:
        """Return the looks with one of them replaced."""
        each = (look if one.distribution == look.distribution else one for one in self.each)
        return replace(self, each=tuple(each))

    def looked(self, distribution: str, now: datetime, hidden: str) -> Self:
        """Note that a look ended, and why it could read no further; empty if it could."""
        look = next(one for one in self.each if one.distribution == distribution)
        return self.after(replace(look, looked_at=now, hidden=hidden))

    def due(self, swept: Collection[str], now: datetime) -> Sequence[Look]:
        """Return the distributions to look at, an unread stretch first, then the longest due."""
        due = [one for one in self.each if not one.tenants and one.due_at(swept) <= now]
        return sorted(due, key=lambda one: (one.gap is None, one.due_at(swept), one.looked_at))

    @property
    def news(self) -> object:
        """Everything but the times of the looks."""
        return [(replace(one, looked_at=LONG_AGO), one.unread) for one in self.each], self.hidden

    @property
    def since(self) -> datetime:
        """The time of the oldest look, among the distributions that can be read."""
        return min((one.looked_at for one in self.each if not one.hidden), default=self.listed_at)

    @property
    def unread(self) -> bool:
        return any(one.unread for one in self.each)

    @property
    def uncounted(self) -> Mapping[str, str]:
        """Where others are not counted -> why; empty names the list of distributions."""
        listing = {"": self.hidden} if self.hidden else {}
        return listing | {one.distribution: one.hidden for one in self.each if one.hidden}

    @property
    def refusals(self) -> Mapping[str, str]:
        """The distributions that we may not read; those for tenants have no list to read."""
        tenants = {one.distribution for one in self.each if one.tenants}
        return {name: why for name, why in self.uncounted.items() if name not in tenants}


@dataclass(frozen=True, slots=True)
class Others:
    """The paths that others were seen to spend in a month."""

    spent: Mapping[str, Tally] = field(default_factory=dict)  # distribution -> paths
    unread: bool = False  # whether there may be more
    since: datetime | None = None  # when the oldest look was made; None if nobody looks

    @property
    def paths(self) -> int:
        return sum(map(sum, self.spent.values()))

    def plus(self, found: Mapping[str, Tally]) -> Self:
        spent = dict(self.spent)
        for name, (stacks, people) in found.items():
            before = spent.get(name, (0, 0))
            spent[name] = before[0] + stacks, before[1] + people
        return replace(self, spent=spent)

    def as_of(self, looks: Looks) -> Self:
        return replace(self, unread=looks.unread, since=looks.since)


NOBODY = Others()
