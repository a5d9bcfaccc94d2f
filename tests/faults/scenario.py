"""What a seed stands for: the site, its budget, the weather, a reading of CloudFront's rules.

Most stories are drawn from everything at once. Some are drawn again to be about one thing that
rarely comes by itself: see `tests.faults.kinds`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from edgesweep.flush.budget import Budget, month_bounds
from edgesweep.flush.policy import Policy
from edgesweep.flush.redrive import ATTEMPTS
from tests.fakes.cloudfront import Rules
from tests.faults.tables import Pace
from tests.faults.world import Weather

MINUTE = 60.0
# Plain keys, keys that have to be encoded, and keys that no exact path can say.
KEYS = (
    "index.html", "a.html", "b/c.css", "b/d e.js", "b/d'f.js", "ü/g.png", "ü/h", "x%y",
    "k~1", "k~2", "m/k~3", "n*", "q?r", "s/t/u", "s/t/v", "s/w",
)  # fmt: skip
BUCKETS: Mapping[int, Mapping[str, Sequence[str]]] = {
    1: {"bucket-a": ("E1",)},
    2: {"bucket-a": ("E1",), "bucket-b": ("E2", "E1")},
    3: {"bucket-a": ("E1", "E3"), "bucket-b": ("E2",), "bucket-c": ("E3",)},
}
MONTH_END = datetime(2026, 12, 1, tzinfo=UTC)
# What a survey shows: unchanged objects everywhere, so that wildcards are dear; nothing, so that
# they cost nothing; or what is in the buckets.
EVERYWHERE, NOTHING, LISTED = "everywhere", "nothing", "listed"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything about a world that its random events do not decide.

    Attributes:
        start: the true time at which it begins.
        serves: bucket -> the distributions in front of it.
        policy: when to flush, with its budget.
        spent: paths charged and billed before it begins.
        weather: how bad it is while faults last.
        calm: how it is afterwards.
        rules: how CloudFront reads its own documentation.
        faulty: seconds during which faults happen.
        changing: seconds during which objects change.
        changes: how many do.
        keys: what may change.
        flushers: how many may run at once.
        at_once: how many start together.
        page: rows that a query returns at once.
        max_rows: what one tick reads.
        surveying: bucket -> seconds that it takes to look what wildcards would hit in it.
        surveyed: what a survey shows.
        gone: when a distribution is deleted, if one is.
        catalogue: whether the stack skips uploads that change nothing.
        versioned: whether buckets keep versions.
        fresh: whether the stack has never looked for distributions before.
        shards: partitions of each distribution.
        neighbour: whether a second stack sends invalidations as well.
        audited: whether what others spend is counted.
        folders: what keys begin with, and origin paths lead to.
        switches: how often a distribution is configured otherwise.
        away: from when to when the first distribution has other origins, if ever.
        newcomer: when another distribution is created in front of the first bucket, if one is.
        closed: seconds during which no row can be written.
        poison: messages that nobody can record.
        attempts: how often a dead letter is sent back.
        unwired: from when to when the first bucket publishes no events, if ever.
        dropped: from when to when the stack does not sweep the first bucket, if ever.
        silent: from when to when the flush function does not run, if ever.
        day: how long a day is: it counts for what is looked at daily, and for the retention.
        letters: how many dead letters are looked at in one go, all unless given.
        backlog: rows of the first distribution that wait from the first minute on.
        unrouted: likewise, of a bucket that no distribution leads to.
        resharded: when the record function, and the flush function, begin to use three shards.
        pace: what rows cost.
        requests: how many messages ask for paths.
        waits: how often somebody waits for the edge, and asks for a flush now.
        busy: distributions whose own changes may take long.
        wake: whether rows wake a flush.
        prompt: whether a lone change has to be sent within seconds.
    """

    start: datetime
    serves: Mapping[str, Sequence[str]]
    policy: Policy
    spent: int
    weather: Weather
    calm: Weather
    rules: Rules
    faulty: float
    changing: float
    changes: int
    keys: Sequence[str]
    flushers: int
    at_once: int
    page: int
    max_rows: int
    surveying: Mapping[str, float]
    surveyed: str
    gone: float | None
    catalogue: bool = False
    versioned: bool = False
    fresh: bool = False
    shards: int = 1
    neighbour: bool = False
    audited: bool = False
    folders: Sequence[str] = ("",)
    switches: int = 0
    away: tuple[float, float] | None = None
    newcomer: float | None = None
    closed: float = 0.0
    poison: int = 0
    attempts: int = ATTEMPTS
    unwired: tuple[float, float] | None = None
    dropped: tuple[float, float] | None = None
    silent: tuple[float, float] | None = None
    day: timedelta = timedelta(days=1)
    letters: int | None = None
    backlog: int = 0
    unrouted: int = 0
    resharded: tuple[float, float] | None = None
    pace: Pace = field(default_factory=Pace)
    busy: frozenset[str] = frozenset()
    requests: int = 0
    waits: int = 0
    wake: bool = False
    prompt: bool = False

    @property
    def distributions(self) -> Sequence[str]:
        """Every distribution that is there in the beginning, in a fixed order."""
        return sorted({one for several in self.serves.values() for one in several})

    @property
    def slow(self) -> bool:
        """Whether a tick may be cut off, for ever."""
        return self.calm.latency > 1 or bool(self.surveying)


def anything(random: Random) -> Scenario:
    """Return a scenario that is drawn from everything at once."""
    serves = BUCKETS[random.choice((1, 1, 2, 3))]
    distributions = len({one for several in serves.values() for one in several})
    faulty = random.uniform(4, 9) * MINUTE
    slow = random.random() < 0.08
    changing = faulty + (random.uniform(30, 40) if slow else random.uniform(4, 8)) * MINUTE
    start = MONTH_END + timedelta(days=11, seconds=random.uniform(0, 3600))
    if random.random() < 0.5:
        start = MONTH_END - timedelta(seconds=random.uniform(0, changing))
    # A slow world is about time alone.
    budget = Budget(usd=None) if slow else _budget(random, distributions)
    policy, spent = _policy(random, budget, start)
    weather = _weather(random, slow=slow)
    shards = random.choice((1, 1, 3))
    resharded = random.uniform(0, faulty), random.uniform(0, faulty)
    return Scenario(
        start=start,
        serves=serves,
        policy=policy,
        spent=spent,
        weather=weather,
        calm=Weather(latency=weather.latency if slow else 0.3),
        rules=_rules(random),
        faulty=faulty,
        changing=changing,
        changes=random.randint(5, 45) * (3 if slow else 1),
        keys=random.sample(KEYS, random.choice((3, 6, len(KEYS)))),
        flushers=random.choice((1, 2, 2, 5)),
        at_once=1,
        page=30 if slow else 6,
        max_rows=10_000 if slow else random.choice((9, 10_000, 10_000, 10_000)),
        surveying={},
        surveyed=random.choice((EVERYWHERE, EVERYWHERE, NOTHING, LISTED)),
        gone=random.uniform(0, faulty) if random.random() < 0.05 else None,
        # With calls this slow no recorder comes to its end if it makes twice as many.
        catalogue=random.random() < 0.5 and not slow,
        versioned=random.random() < 0.5,
        fresh=random.random() < 0.1,
        shards=shards,
        resharded=resharded if shards == 1 and random.random() < 0.1 else None,
        neighbour=random.random() < 0.1,
    )


def _weather(random: Random, *, slow: bool) -> Weather:
    rough = random.choice((0.0, 0.3, 1.0, 1.0, 2.0))
    return Weather(
        crash=0.02 * rough * random.random(),
        lost=0.06 * rough * random.random(),
        deaf=random.choice((0.0, 0.3)) * (rough > 0),
        refused=0.06 * rough * random.random(),
        late=0.04 * rough * random.random(),
        latency=random.choice((6.0, 9.0)) if slow else random.choice((0.3, 1.5, 4.0)),
    )


def _rules(random: Random) -> Rules:
    rated = random.random() < 0.8
    return Rules(
        wildcards_per_second=1 if rated else None,
        paths_per_second=random.choice((150, 150, 6)) if rated else None,
        per_path=random.random() < 0.5,
        rate_code=random.choice(("TooManyInvalidationsInProgress", "Throttling")),
        rates_first=random.random() < 0.5,
        paths_last=random.random() < 0.3,
        conflict_code=random.choice(("InvalidArgument", "InvalidationBatchAlreadyExists")),
        refused=frozenset(random.choice(("", "", "'", "' ", "kü"))),
        duration=timedelta(seconds=random.choice((5, 20, 60, 200))),
    )


def _policy(random: Random, budget: Budget, start: datetime) -> tuple[Policy, int]:
    waits = timedelta(seconds=random.choice((60, 300)))
    spent = 0
    if budget.allowance is not None:
        left = budget.reserve(start) + random.choice((0, 0, 1, 5, 12, 40))
        spent = max(0, budget.allowance - left)
    # As a deployment demands it.
    patience = min(Policy().patience, max(waits, budget.interval(start)))
    return Policy(budget, max_wait=waits, patience=patience), spent


def _budget(random: Random, distributions: int) -> Budget:
    kind = random.choice(("none", "free", "dollars", "guarantee", "tiny"))
    if kind == "none":
        return Budget(usd=None, distributions=distributions)
    if kind == "free":
        return Budget(distributions=distributions)
    if kind == "dollars":
        return Budget(Decimal(random.choice((5, 50))), distributions=distributions)
    if kind == "tiny":
        free = random.randint(2 * distributions, 8 * distributions)
        return Budget(free_paths=free, distributions=distributions)
    return guaranteed(random.choice((3, 5, 15)), distributions, random.choice((0, 20, 4_000)))


def guaranteed(minutes: int, distributions: int, spare: int) -> Budget:
    """Return a budget that guarantees a flush so often, with some paths to spare."""
    guarantee = timedelta(minutes=minutes)
    start, end = month_bounds(MONTH_END)
    needed = -(-(end - start) // guarantee) * distributions
    return Budget(free_paths=needed + spare, guarantee=guarantee, distributions=distributions)
