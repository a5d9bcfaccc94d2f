"""A simulated month: what every traffic costs, and how stale the edge gets, at every budget.

    python -m bench.months

The policy and the pace are the deployed ones (see `edgesweep.lab.paced`). Staleness is the
time from when a change was recorded to the tick or the wake that sent it. Two claims are checked in
every row:

(a) no month's ledger passes the allowance, so that its bill is within the budget;
(b) no change waits for longer than the guarantee: the interval that the allowance pays for, or
    the longest wait for an upload to come to rest, and two minutes.
"""

import heapq
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from operator import itemgetter

from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from edgesweep.lab.history import Step
from edgesweep.lab.paced import Paced
from edgesweep.prices import invalidation_bill

SEED = 20_261_124
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 31
BUDGETS = (Decimal(0), Decimal(5), Decimal(50), None)
DISTRIBUTIONS = (1, 3)

_DAY = 86_400
_AREAS, _PAGES = 25, 20
FRONT = "/index.html"
AREAS = tuple(
    tuple(f"/{area:02}/{page:02}.html" for page in range(_PAGES)) for area in range(_AREAS)
)
LIVE = tuple(sorted([FRONT, *(page for area in AREAS for page in area)]))

# When something changed, in seconds after the month began, and what.
Event = tuple[float, Sequence[str]]
Traffic = Callable[[random.Random, int], Iterator[Event]]


def weekly_deploy(rng: random.Random, days: int) -> Iterator[Event]:
    """Yield a deploy of a third of the site every week."""
    for day in range(0, days, 7):
        changed = rng.sample(LIVE, len(LIVE) // 3)
        yield from _upload(day * _DAY + rng.randrange(_DAY), changed)


def ten_deploys_a_day(rng: random.Random, days: int) -> Iterator[Event]:
    """Yield ten deploys a day, each of the front page and some pages of one area."""
    for day in range(days):
        for second in sorted(rng.sample(range(_DAY), 10)):
            pages = rng.sample(rng.choice(AREAS), rng.randint(1, _PAGES))
            yield from _upload(day * _DAY + second, [FRONT, *pages])


def editing(rng: random.Random, days: int) -> Iterator[Event]:
    """Yield the saves of a CMS every two minutes: a page and the front page."""
    for second in range(0, days * _DAY, 120):
        yield second + 60 * rng.random(), (FRONT, rng.choice(rng.choice(AREAS)))


def nightly_rebuild(_rng: random.Random, days: int) -> Iterator[Event]:
    """Yield a rebuild every night, which uploads all of the site."""
    for day in range(days):
        yield from _upload(day * _DAY + 3 * 3_600, LIVE)


def stream(rng: random.Random, days: int) -> Iterator[Event]:
    """Yield a page every eight seconds, day and night: it never comes to rest."""
    for second in range(0, days * _DAY, 8):
        yield float(second), (rng.choice(rng.choice(AREAS)),)


def _upload(second: float, changed: Sequence[str]) -> Iterator[Event]:
    """Yield an upload of twenty objects a second."""
    for done in range(0, len(changed), 20):
        yield second + done / 20, changed[done : done + 20]


TRAFFIC: Mapping[str, Traffic] = {
    "weekly deploy": weekly_deploy,
    "ten deploys a day": ten_deploys_a_day,
    "edits every 2 minutes": editing,
    "nightly rebuild": nightly_rebuild,
    "continuous stream": stream,
}


@dataclass(frozen=True, slots=True)
class Month:
    """The result of a month of some traffic.

    Attributes:
        traffic: its name.
        distributions: how many have such traffic, and share the budget.
        usd: the budget, None for no limit.
        flushes: how many were sent.
        paths: what was sent.
        dollars: what that is billed.
        allowance: the most paths that a month may hold, None for no limit.
        fullest: the most paths that any month holds.
        staleness: seconds -> how many changes were sent after them.
        guaranteed: the longest that a change may wait.
    """

    traffic: str
    distributions: int
    usd: Decimal | None
    flushes: int
    paths: int
    dollars: Decimal
    allowance: int | None
    fullest: int
    staleness: Counter[float]
    guaranteed: timedelta

    def quantile(self, part: float) -> timedelta:
        """Return the time within which so large a part of the changes was sent."""
        wanted = part * self.staleness.total()
        for seconds, changes in sorted(self.staleness.items()):
            wanted -= changes
            if wanted <= 0:
                return timedelta(seconds=seconds)
        return timedelta(0)

    @property
    def affordable(self) -> bool:
        """Whether no month passed the allowance."""
        return self.allowance is None or self.fullest <= self.allowance

    @property
    def fresh(self) -> bool:
        """Whether no change waited for longer than is guaranteed."""
        return self.quantile(1) <= self.guaranteed


def simulate(traffic: str, distributions: int, usd: Decimal | None, days: int = DAYS) -> Month:
    """Run a month, from its first day."""
    policy = Policy(Budget(usd, distributions=distributions))
    paced = Paced(policy, wake=True)
    staleness: Counter[float] = Counter()
    flushes = 0
    for sent in paced.run(_deploys(TRAFFIC[traffic], distributions, days)):
        flushes += 1
        for step in sent.steps:
            staleness[(sent.step.at - step.at).total_seconds()] += len(step.dirty)
    return Month(
        traffic,
        distributions,
        usd,
        flushes,
        paths=paced.charged.total(),
        dollars=sum(map(invalidation_bill, paced.charged.values()), Decimal(0)),
        allowance=policy.budget.allowance,
        fullest=max(paced.charged.values()),
        staleness=staleness,
        guaranteed=policy.guaranteed(START),
    )


def _deploys(traffic: Traffic, distributions: int, days: int) -> Iterable[tuple[str, Step]]:
    """Merge the traffic of every distribution, each with its own randomness, by time."""
    sites = [
        [(second, number, dirty) for second, dirty in traffic(random.Random(SEED + number), days)]
        for number in range(distributions)
    ]
    for second, number, dirty in heapq.merge(*sites, key=itemgetter(0, 1)):
        moment = START + timedelta(seconds=round(second, 3))
        yield f"E{number}", Step(moment, sorted(dirty), LIVE)


def table(months: Iterable[Month]) -> Iterator[str]:
    """Yield the lines of the table; times are in minutes."""
    yield (
        f"{'traffic':<22} {'sites':>5} {'budget':>7} {'flushes':>8} {'paths':>8} {'dollars':>9} "
        f"{'p50':>7} {'p99':>7} {'max':>7} {'guaranteed':>11}"
    )
    for month in months:
        budget = "none" if month.usd is None else f"${month.usd}"
        times = (*map(month.quantile, (0.5, 0.99, 1)), month.guaranteed)
        p50, p99, longest, guaranteed = (time / timedelta(minutes=1) for time in times)
        yield (
            f"{month.traffic:<22} {month.distributions:>5} {budget:>7} {month.flushes:>8,} "
            f"{month.paths:>8,} {month.dollars:>9,.2f} "
            f"{p50:>7.1f} {p99:>7.1f} {longest:>7.1f} {guaranteed:>11.1f}"
        )


def main() -> int:
    """Run every month; return 1 if a claim does not hold."""
    cases = list(product(TRAFFIC, DISTRIBUTIONS, BUDGETS))
    with ProcessPoolExecutor(max_workers=2) as workers:
        months = list(workers.map(simulate, *zip(*cases, strict=True)))
    print(*table(months), sep="\n")
    for claim, broken in (
        ("(a) above the allowance", [month for month in months if not month.affordable]),
        ("(b) staler than guaranteed", [month for month in months if not month.fresh]),
    ):
        print(f"{claim}: {len(broken)} of {len(months)}: {'DOES NOT HOLD' if broken else 'holds'}")
    return 0 if all(month.affordable and month.fresh for month in months) else 1


if __name__ == "__main__":
    sys.exit(main())
