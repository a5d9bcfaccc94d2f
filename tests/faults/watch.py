"""The laws that hold at every instant: money, the reserve, and what is in progress."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from edgesweep.flush.budget import Budget, month_bounds, month_of
from edgesweep.flush.journal import Flush
from edgesweep.flush.policy import Policy
from edgesweep.paths import matcher
from tests.fakes.cloudfront import Made
from tests.faults.process import MOST_SKEW
from tests.faults.tables import Charged, Tables
from tests.faults.world import World


class Watch:
    """Looks after each call that can change what is charged or billed.

    Args:
        world: where it all happens.
        tables: the journal and its ledger.
        made: every invalidation of ours.
        policy: what is kept to.
        sharing: tells how many distributions share the budget at least.

    Attributes:
        broken: the laws that were seen broken.
        billed: what CloudFront bills for us, by month.
    """

    def __init__(
        self,
        world: World,
        tables: Tables,
        made: Sequence[Made],
        policy: Policy,
        sharing: Callable[[], int],
    ) -> None:
        self._world = world
        self._journal = tables.journal
        self._made = made
        self._policy = policy
        self._sharing = sharing
        self._seen = 0
        self._of: dict[str, list[Made]] = defaultdict(list)
        self.broken: list[str] = []
        self.billed: Counter[str] = Counter(self._ledger)

    def __call__(self, charged: Charged | None) -> None:
        """Note it at once if more is billed than charged, charged than allowed, or in progress."""
        new = self._made[self._seen :]
        self._seen += len(new)
        for made in new:
            self.billed[month_of(made.created_at)] += len(made.paths)
            self._of[made.distribution].append(made)
            self._check_quota(made.distribution)
        self._check_money()
        if charged is not None and charged.replaces:
            self._check_unpaid(charged)
        elif charged is not None and len(charged.flush.paths) > 1:
            self._check_reserve(charged.flush)

    @property
    def _ledger(self) -> Mapping[str, int]:
        """What is charged for us, without what others spent."""
        journal = self._journal
        charged = journal.charged.items()
        return {month: paths - journal.ledger(month).others.paths for month, paths in charged}

    def note(self, law: str) -> None:
        """Note a law that is broken."""
        self._world.tell("LAW", law)
        self.broken.append(law)

    def _check_money(self) -> None:
        allowance = self._policy.budget.allowance
        ledger = self._ledger
        for month, paths in self.billed.items():
            if paths > ledger.get(month, 0):
                self.note(f"{month}: {paths} paths are billed and {ledger.get(month, 0)} charged")
        for month, paths in ledger.items():
            if allowance is not None and paths > allowance:
                self.note(f"{month}: {paths} paths are charged, {allowance} allowed")

    def _check_reserve(self, charged: Flush) -> None:
        """More than one path is taken from what is left beside the reserve alone."""
        budget: Budget = replace(self._policy.budget, distributions=max(1, self._sharing()))
        now = self._world.now + 2 * timedelta(seconds=MOST_SKEW)
        for month in charged.months if budget.allowance is not None else ():
            start, end = month_bounds(datetime.fromisoformat(f"{month}-01T00:00:00.000000Z"))
            moment = min(max(now, start), end - timedelta(seconds=1))
            left = (budget.allowance or 0) - self._ledger[month]
            if left < budget.reserve(moment):
                self.note(f"{month}: {left} paths are left, {charged.id} took the reserve")

    def _check_unpaid(self, charged: Charged) -> None:
        """A flush that replaces another pays for nothing that the other has paid."""
        for path in charged.flush.paths:
            if not any(map(matcher([path]), charged.unpaid)):
                self.note(f"{charged.flush.id} pays for {path} again")

    def _check_quota(self, distribution: str) -> None:
        """Of ours no more is in progress than the policy has, so the rest is left to people."""
        now, quota = self._world.now, self._policy.quota
        busy = [one for one in self._of[distribution] if one.completed_at > now]
        self._of[distribution] = busy
        for kind, count, most in (
            ("wildcards", sum(one.wildcards for one in busy), quota.wildcards),
            ("exact paths", sum(one.exact for one in busy), quota.paths),
        ):
            if count > most:
                self.note(f"{count} {kind} of ours are in progress at {distribution}, {most} may")
