"""A month of an account in which several stacks, and others, spend the same paths.

The real auditor, policy and flusher of each stack take a turn every half an hour. What they can see
of each other is late: looks are throttled, denied for a day, or made by a process that has just
begun. The laws are about the bill of the account, and about who waits how long for what is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

from edgesweep.aws.cloudfront import CloudFront
from edgesweep.cover.survey import Survey
from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.flush.auditing import Auditor
from edgesweep.flush.budget import MONTH_MARGIN, Budget, month_bounds, month_of
from edgesweep.flush.flusher import Flusher
from edgesweep.flush.others import EVERY
from edgesweep.flush.policy import Policy
from edgesweep.flush.sender import Sender
from edgesweep.operate.dry_run import JournalInMemory
from edgesweep.routes import everywhere
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.others import SharedAccount

TICK = timedelta(minutes=30)
FREE = 60
# A story continues for a day into the next month.
START, END = datetime(2026, 11, 20, 0, 5, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)
# A look is due once an hour, and made by the tick after that.
BLIND = EVERY + TICK


@dataclass
class Stack:
    """One stack: a distribution, its rows, its journal and its auditor.

    Attributes:
        waits: recorded row -> the longest interval that was stated since.
        spent_out: rows for which nothing was left of the month at some time.
        broken: the laws that were seen broken.
        longest: how long a row waited at most.
        unseen: paths of others that it did not know of when it opened a flush, at most.
    """

    name: str
    account: SharedAccount
    random: Random
    budget: Budget
    journal: JournalInMemory = field(default_factory=JournalInMemory)
    dirty: DirtyRowsInMemory = field(default_factory=DirtyRowsInMemory)
    waits: dict[DirtyRow, timedelta] = field(default_factory=dict)
    spent_out: set[DirtyRow] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    longest: timedelta = timedelta()
    unseen: int = 0

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin a process that remembers nothing."""
        self.auditor: Auditor = self.account.audited_by(self.journal)

    def change(self) -> None:
        """Record a change."""
        now = self.account.now
        change = Change("site", f"{self.random.randrange(40)}.html", Kind.CREATED, now)
        row = DirtyRow(self.name, change, now - timedelta(minutes=5), self._token())
        self.dirty.add([row])
        self.waits[row] = timedelta()

    def tick(self) -> None:
        """Flush, then look at the others."""
        now = self.account.now
        before = self._own(month_of(now))
        outcomes = self._flusher().tick([self.name])
        if self._own(month_of(now)) > before:
            self._check_money(month_of(now))
        self._check_waits()
        self.auditor.look([self.name], any(one.flush for one in outcomes))

    def _flusher(self) -> Flusher:
        edge, clock = CloudFront(cast("Any", self.account.strict)), lambda: self.account.now
        return Flusher(
            dirty=self.dirty,
            journal=self.journal,
            sender=Sender(edge, self.journal, self.budget, clock, self._token, lambda _: None),
            policy=Policy(self.budget),
            survey=lambda *_: Survey(("/zebra.html",), ()),
            routes=everywhere([self.name], ["site"]),
            clock=clock,
            token=self._token,
        )

    def _own(self, month: str) -> int:
        return self.journal.ledger(month).own

    def _check_money(self, month: str) -> None:
        """What is charged stays within the allowance less what was seen; the rest is too young."""
        seen, most = self.journal.ledger(month).paths, self.budget.allowance or 0
        if seen > most:
            self.broken.append(f"{month}: {self.name} spent with {seen} paths gone of {most}")
        billed = self.account.strict.billed().get(month, 0)
        self.unseen = max(self.unseen, billed - seen)

    def _check_waits(self) -> None:
        """Nobody waits longer than was stated while anything is left of the month."""
        now = self.account.now
        month, (begin, _) = month_of(now), month_bounds(now)
        budget = self.budget.after(self.journal.ledger(month))
        spent_out = self.journal.ledger(month).paths >= (self.budget.allowance or 0)
        waiting = set(self.dirty.rows)
        for row in [one for one in self.waits if one not in waiting]:
            wait = now - row.recorded_at
            self.longest = max(self.longest, wait)
            since = now - max(row.recorded_at, begin) if row in self.spent_out else wait
            if since > self.waits[row] + MONTH_MARGIN + 2 * TICK:
                self.broken.append(f"{self.name} waited {wait} at {now}, stated {self.waits[row]}")
            del self.waits[row]
            self.spent_out.discard(row)
        stated = budget.interval(now)
        for row in self.waits:
            self.waits[row] = max(self.waits[row], stated)
            if spent_out:
                self.spent_out.add(row)

    def _token(self) -> str:
        return f"{self.random.getrandbits(32):08x}"


@dataclass(frozen=True)
class Month:
    """What became of a month.

    Attributes:
        over: paths that the account was billed beyond its free ones.
        unseen: paths that a stack did not know of when it spent, at most.
        young: paths that anybody spent within any hour of blindness, at most.
    """

    stacks: Sequence[Stack]
    over: int
    unseen: int
    young: int
    broken: Sequence[str]


def tell(seed: int, *, stacks: int, people: bool, faults: bool) -> Month:
    """Tell the story of a seed: so many stacks, people who spend too, looks that fail."""
    random = Random(seed)  # repeatable, not secret
    names = [f"E{number}" for number in range(1, stacks + 1)]
    account = SharedAccount({*names, "E9"}, now=START)
    budget = Budget(free_paths=FREE)
    every = [Stack(name, account, random, budget) for name in names]
    busy = random.choice((0.02, 0.2, 0.7))
    while account.now < END:
        _meddle(account, random, faults=faults)
        for stack in random.sample(every, len(every)):
            for _ in range(random.randrange(8) if random.random() < busy else 0):
                stack.change()
            if faults and random.random() < 0.05:
                stack.forget()
            stack.tick()
        if people and random.random() < 0.004:
            account.spend(random.choice([*names, "E9"]), random.choice((1, 3, 25)))
        account.now += TICK
    return _judged(account, every)


def _meddle(account: SharedAccount, random: Random, *, faults: bool) -> None:
    """Let looks be denied for a day, or throttled for up to an hour."""
    if not faults or random.random() >= 0.01:
        return
    one = random.choice(["", *account.distributions])
    account.refused = {one: random.choice(("Throttling", "AccessDenied"))}
    long = random.choice((timedelta(hours=1), timedelta(days=1)))
    account.refused_until = account.now + long * random.random()


def _judged(account: SharedAccount, stacks: Sequence[Stack]) -> Month:
    broken = [law for stack in stacks for law in stack.broken]
    for stack in stacks:
        for month in ("2026-11", "2026-12"):
            broken += _miscounted(account, stack, month)
    made = account.strict.made
    young = max(
        (
            sum(len(other.paths) for other in made if one <= other.created_at <= one + BLIND)
            for one in {one.created_at for one in made}
        ),
        default=0,
    )
    over = account.strict.billed().get("2026-11", 0) - FREE
    return Month(stacks, max(0, over), max(one.unseen for one in stacks), young, broken)


def _miscounted(account: SharedAccount, stack: Stack, month: str) -> Sequence[str]:
    """What a stack has seen of the others, and charged, is what there was in the end."""
    account.refused = {}
    account.now = END
    for _ in range(60):
        account.now += TICK
        stack.auditor.look([stack.name], spending=False)
    seen, billed = stack.journal.ledger(month).paths, account.strict.billed().get(month, 0)
    return [] if seen == billed else [f"{month}: {stack.name} has {seen} of {billed} paths"]
