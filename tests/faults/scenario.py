"""What a seed stands for: the site, its budget, the weather, a reading of CloudFront's rules.

Most stories are drawn from everything at once. Some are drawn again to be about one thing that
rarely comes by itself: a month that ends under unanswered flushes, flushers that start together,
flushes that are refused in part, a distribution that takes all the time there is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from edgesweep.flush.budget import Budget, month_bounds
from edgesweep.flush.policy import Policy
from tests.fakes.cloudfront import Rules
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
_MONTH_END = datetime(2026, 12, 1, tzinfo=UTC)
_STORM = 0.25


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
        surveying: distribution -> seconds that it takes to look what its wildcards would hit.
        surveyed: whether unchanged objects are everywhere, so that wildcards are dear.
        gone: when a distribution is deleted, if one is.
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
    surveyed: bool
    gone: float | None

    @property
    def distributions(self) -> Sequence[str]:
        """Every distribution, in a fixed order."""
        return sorted({one for several in self.serves.values() for one in several})

    @property
    def slow(self) -> bool:
        """Whether a tick may be cut off, for ever."""
        return self.calm.latency > 1 or bool(self.surveying)


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    random = Random(seed)  # repeatable, not secret
    scenario = _anything(random)
    about = random.random()
    for share, kind in ((0.05, _month_turns), (0.03, _crowd), (0.02, _parts), (0.01, _hog)):
        if about < share:
            return kind(random, scenario)
        about -= share
    return scenario


def _month_turns(random: Random, scenario: Scenario) -> Scenario:
    """A month that had much left ends, and the next has nothing beside its reserve."""
    start = _MONTH_END - timedelta(seconds=random.uniform(60, 200))
    budget = _guaranteed(random.choice((3, 5, 15)), len(scenario.distributions), spare=0)
    policy = replace(scenario.policy, budget=budget, max_wait=timedelta(seconds=60))
    return replace(
        scenario,
        start=start,
        policy=policy,
        spent=max(0, (budget.allowance or 0) - budget.reserve(start) - random.choice((12, 40))),
        weather=replace(scenario.weather, deaf=0.8, refused=0.1, latency=0.3),
        calm=Weather(),
        rules=random.choice((scenario.rules, Rules(per_path=False, rates_first=True))),
        changing=scenario.faulty + 5 * MINUTE,
        changes=45,
        keys=KEYS,
        surveyed=True,
        max_rows=10_000,
        page=6,
    )


def _crowd(random: Random, scenario: Scenario) -> Scenario:
    """Flushers of several distributions decide at the same time upon the same little money."""
    budget = _guaranteed(15, 3, spare=0)
    spent = (budget.allowance or 0) - budget.reserve(scenario.start) - random.choice((4, 7, 12))
    return replace(
        scenario,
        serves=BUCKETS[3],
        policy=replace(scenario.policy, budget=budget, max_wait=timedelta(seconds=60)),
        spent=max(0, spent),
        weather=replace(scenario.weather, latency=4.0),
        calm=Weather(),
        changing=scenario.faulty + 5 * MINUTE,
        changes=60,
        keys=KEYS,
        flushers=5,
        at_once=3,
        max_rows=10_000,
        page=6,
    )


def _parts(random: Random, scenario: Scenario) -> Scenario:
    """Flushes go out in parts, and a part is refused for good only after others were accepted."""
    return replace(
        scenario,
        policy=Policy(Budget(usd=None), quiet=timedelta(minutes=1), max_wait=timedelta(minutes=3)),
        spent=0,
        weather=replace(scenario.weather, crash=0.02, latency=0.3),
        calm=Weather(),
        rules=Rules(
            paths_per_second=6,
            per_path=True,
            paths_last=True,
            refused=frozenset(random.choice(("%", "%'"))),
        ),
        changing=scenario.faulty + 5 * MINUTE,
        changes=60,
        # A path that is cut at its first letter would match everything.
        keys=[key for key in KEYS if key[0].isascii()],
        surveyed=True,
        max_rows=10_000,
        page=6,
    )


def _hog(_: Random, scenario: Scenario) -> Scenario:
    """One distribution changes all the time, and to look at its bucket takes almost all of a tick.

    That leaves time to send its flush, and none to begin with another.
    """
    busy = {f"bucket-{number}": ("E1",) for number in range(9)}
    calm = Weather(latency=1.0)
    return replace(
        scenario,
        serves=busy | {"bucket-calm": ("E2",)},
        policy=Policy(Budget(usd=None), max_wait=timedelta(minutes=1)),
        spent=0,
        weather=calm,
        calm=calm,
        changing=60 * MINUTE,
        changes=250,
        keys=KEYS,
        flushers=1,
        surveying={"E1": 278.0},
        max_rows=10_000,
        page=30,
        gone=None,
    )


def _anything(random: Random) -> Scenario:
    serves = BUCKETS[random.choice((1, 1, 2, 3))]
    distributions = len({one for several in serves.values() for one in several})
    faulty = random.uniform(4, 9) * MINUTE
    slow = random.random() < 0.08
    changing = faulty + (random.uniform(30, 40) if slow else random.uniform(4, 8)) * MINUTE
    start = _MONTH_END + timedelta(days=11, seconds=random.uniform(0, 3600))
    if random.random() < 0.5:
        start = _MONTH_END - timedelta(seconds=random.uniform(0, changing))
    # A slow world is about time alone.
    budget = Budget(usd=None) if slow else _budget(random, distributions)
    policy, spent = _policy(random, budget, start)
    weather = _weather(random, slow=slow)
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
        surveyed=random.random() < 0.7,
        gone=random.uniform(0, faulty) if random.random() < 0.05 else None,
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
    return Policy(budget, max_wait=waits), spent


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
    return _guaranteed(random.choice((3, 5, 15)), distributions, random.choice((0, 20, 4_000)))


def _guaranteed(minutes: int, distributions: int, spare: int) -> Budget:
    guarantee = timedelta(minutes=minutes)
    start, end = month_bounds(_MONTH_END)
    needed = -(-(end - start) // guarantee) * distributions
    return Budget(free_paths=needed + spare, guarantee=guarantee, distributions=distributions)
