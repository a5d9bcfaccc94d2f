"""Stories about one thing that rarely comes by itself.

A month that ends under unanswered flushes, flushers that start together, flushes that are refused
in part, flushes that wait since paths are dear, distributions that take all the time there is, that
are configured otherwise, that have millions of rows or kill whoever plans for them, and messages
that cannot be recorded for a while.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy, Quota
from tests.fakes.cloudfront import Rules
from tests.faults.scenario import (
    BUCKETS,
    EVERYWHERE,
    KEYS,
    MINUTE,
    MONTH_END,
    Scenario,
    guaranteed,
)
from tests.faults.tables import Pace
from tests.faults.world import Weather

Kind = Callable[[Random, Scenario], Scenario]

_MINUTE = timedelta(minutes=1)
# Nothing is dear, and nothing waits for longer than a minute.
_UNLIMITED = Policy(Budget(usd=None), max_wait=_MINUTE, patience=_MINUTE)


def month_turns(random: Random, scenario: Scenario) -> Scenario:
    """A month that had much left ends, and the next has nothing beside its reserve."""
    start = MONTH_END - timedelta(seconds=random.uniform(60, 200))
    budget = guaranteed(random.choice((3, 5, 15)), len(scenario.distributions), spare=0)
    policy = replace(scenario.policy, budget=budget, max_wait=_MINUTE, patience=3 * _MINUTE)
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
        surveyed=EVERYWHERE,
        max_rows=10_000,
        page=6,
    )


def asked(random: Random, scenario: Scenario) -> Scenario:
    """People ask for paths by messages, beside all else."""
    return replace(scenario, requests=random.randint(3, 12), gone=None)


def crowd(random: Random, scenario: Scenario) -> Scenario:
    """Flushers of several distributions decide at the same time upon the same little money."""
    budget = guaranteed(15, 3, spare=0)
    spent = (budget.allowance or 0) - budget.reserve(scenario.start) - random.choice((4, 7, 12))
    return replace(
        scenario,
        serves=BUCKETS[3],
        policy=replace(scenario.policy, budget=budget, max_wait=_MINUTE),
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


def patient(random: Random, scenario: Scenario) -> Scenario:
    """A month has a few paths beside its reserve, so flushes wait for the next change."""
    minutes, serves = random.choice((5, 10)), random.choice((BUCKETS[1], BUCKETS[2]))
    budget = guaranteed(minutes, len(serves), spare=0)
    patience = random.uniform(2, minutes) * _MINUTE
    left = budget.reserve(scenario.start) + random.choice((4, 8, 12))
    return replace(
        _whole(scenario),
        serves=serves,
        policy=Policy(budget, max_wait=_MINUTE, patience=patience),
        spent=max(0, (budget.allowance or 0) - left),
        weather=random.choice((Weather(), replace(scenario.weather, latency=0.3))),
        calm=Weather(),
        rules=Rules(duration=timedelta(seconds=20)),
        changing=30 * MINUTE,
        changes=random.randint(20, 60),
        keys=KEYS,
        surveyed=EVERYWHERE,
    )


def parts(random: Random, scenario: Scenario) -> Scenario:
    """Flushes go out in parts, and a part is refused for good only after others were accepted."""
    return replace(
        scenario,
        policy=replace(_UNLIMITED, quiet=_MINUTE, max_wait=3 * _MINUTE),
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
        surveyed=EVERYWHERE,
        max_rows=10_000,
        page=6,
    )


def hog(_: Random, scenario: Scenario) -> Scenario:
    """One distribution changes all the time, and to look at its bucket takes almost all of a tick.

    That leaves time to send its flush, and none to begin with another.
    """
    busy = {f"bucket-{number}": ("E1",) for number in range(9)}
    calm = Weather(latency=1.0)
    return replace(
        scenario,
        serves=busy | {"bucket-calm": ("E2",)},
        policy=_UNLIMITED,
        spent=0,
        weather=calm,
        calm=calm,
        changing=60 * MINUTE,
        changes=250,
        keys=KEYS,
        flushers=1,
        surveying=dict.fromkeys(busy, 270.0),
        surveyed=EVERYWHERE,
        fresh=False,
        max_rows=10_000,
        page=30,
        gone=None,
    )


def switched(random: Random, scenario: Scenario) -> Scenario:
    """Distributions are switched to other origins and back, disabled, and missing from a list."""
    serves = random.choice(({"bucket-a": ("E1",)}, {"bucket-a": ("E1", "E2")}, BUCKETS[3]))
    weather = random.choice((Weather(), replace(scenario.weather, latency=0.3)))
    faulty = random.choice((15, 35)) * MINUTE
    return replace(
        _whole(scenario),
        serves=serves,
        policy=_UNLIMITED,
        spent=0,
        weather=replace(weather, unlisted=random.choice((0.0, 0.05, 0.3))),
        calm=Weather(),
        faulty=faulty,
        changing=faulty + 5 * MINUTE,
        changes=random.choice((10, 40, 80)),
        keys=random.sample(KEYS, random.choice((1, 3))),
        catalogue=random.random() < 0.7,
        folders=("blue/", "green/"),
        switches=random.randint(0, 6),
        newcomer=random.uniform(0, faulty) if random.random() < 0.2 else None,
    )


def returned(random: Random, scenario: Scenario) -> Scenario:
    """One distribution is switched away and back, and few objects change meanwhile."""
    away = random.uniform(5, 8) * MINUTE, random.uniform(16, 20) * MINUTE
    return replace(
        switched(random, scenario),
        weather=Weather(),
        faulty=away[1],
        changing=32 * MINUTE,
        changes=random.randint(6, 12),
        keys=random.sample(KEYS, 1),
        catalogue=random.random() < 0.9,
        switches=0,
        away=away,
        newcomer=None,
    )


def closed(random: Random, scenario: Scenario) -> Scenario:
    """No row can be written for a while, so that messages die and are sent back."""
    shut = random.uniform(20, 60) * MINUTE
    return replace(
        _in_trouble(scenario),
        faulty=shut + 15 * MINUTE,
        changing=shut + 20 * MINUTE,
        changes=random.randint(10, 40),
        closed=shut,
        poison=random.choice((0, 1, 30)),
        letters=random.choice((20, None)),
    )


def gapped(random: Random, scenario: Scenario) -> Scenario:
    """Events are missed for good: a day is as short as 20 minutes here.

    A bucket publishes none for two days, dead letters are given up, or the flush function does not
    run until the messages are past the retention.
    """
    common = _missing(random, scenario)
    two_days = random.uniform(0, 5) * MINUTE, random.uniform(45, 60) * MINUTE
    return random.choice(
        (
            replace(common, unwired=two_days, changing=100 * MINUTE),
            replace(common, closed=80 * MINUTE, attempts=1, changing=120 * MINUTE),
            replace(
                common,
                closed=70 * MINUTE,
                silent=(MINUTE, 380 * MINUTE),
                changing=400 * MINUTE,
            ),
        )
    )


def dropped(random: Random, scenario: Scenario) -> Scenario:
    """The stack sweeps a bucket no longer, and later again: a day is as short as here above."""
    again = random.uniform(9, 60) * MINUTE
    return replace(
        _missing(random, scenario),
        serves=random.choice((BUCKETS[2], {"bucket-a": ("E1",), "bucket-b": ("E2",)})),
        dropped=(random.uniform(0, 5) * MINUTE, again),
        changing=again + 5 * MINUTE,
        busy=frozenset({"E1"}),
    )


def crammed(random: Random, scenario: Scenario) -> Scenario:
    """As much is in progress as may be, for long, and not by us alone."""
    wildcards, paths = random.choice(((13, 40), (5, 12), (1, 6)))
    return replace(
        _whole(scenario),
        policy=Policy(Budget(usd=None), quota=Quota(paths=paths, wildcards=wildcards)),
        spent=0,
        calm=Weather(),
        rules=replace(
            scenario.rules,
            wildcards=wildcards + 2,
            paths=paths,
            duration=timedelta(seconds=random.choice((200, 400))),
            refused=frozenset(random.choice(("", "%", "'"))),
        ),
        changing=scenario.faulty + 5 * MINUTE,
        changes=60,
        keys=KEYS,
        surveyed=EVERYWHERE,
        neighbour=random.random() < 0.3,
    )


def piled(random: Random, scenario: Scenario) -> Scenario:
    """One distribution has millions of rows: each row here stands for 5,000 of them.

    Or they wait for a distribution, which comes at last.
    """
    rows, lost = random.choice((30, 100, 300, 600)), random.random() < 0.5
    return replace(
        _beside(scenario),
        rules=Rules(paths_per_second=None),
        policy=replace(_UNLIMITED, quota=Quota(paths=3, wildcards=13)),
        weather=replace(scenario.weather, latency=0.3, crash=0.0, late=0.0),
        backlog=0 if lost else rows,
        unrouted=rows if lost else 0,
        pace=Pace(read=1.0, plan=0.7, delete=1.5),
        max_rows=40,
        page=2,
        newcomer=20 * MINUTE if random.random() < 0.5 else None,
        surveyed=EVERYWHERE,
    )


def deadly(random: Random, scenario: Scenario) -> Scenario:
    """To plan for more than a few rows of one distribution kills the process, each time."""
    return replace(
        _beside(scenario),
        weather=replace(scenario.weather, latency=0.3),
        backlog=random.choice((20, 100)),
        pace=Pace(most={"bucket-a": random.choice((3, 30))}),
    )


def woken(random: Random, scenario: Scenario) -> Scenario:
    """A few changes come in fair weather, and each wakes a flush, since no path is dear."""
    return replace(
        _whole(scenario),
        serves=random.choice((BUCKETS[1], BUCKETS[2])),
        policy=Policy(Budget(usd=None, free_paths=1_000_000)),
        spent=0,
        weather=Weather(),
        calm=Weather(),
        rules=Rules(),
        changing=random.uniform(15, 25) * MINUTE,
        changes=8,
        keys=KEYS,
        flushers=5,
        fresh=False,
        neighbour=False,
        resharded=None,
        prompt=True,
    )


def pressing(random: Random, scenario: Scenario) -> Scenario:
    """An upload goes on and on, and a few of its changes are urgent."""
    scenario = woken(random, scenario)
    policy = replace(scenario.policy, urgent=random.sample(("a.html", "b/c.css", "s/w"), 1))
    return replace(scenario, policy=policy, changing=8 * MINUTE, changes=240)


def hurried(random: Random, scenario: Scenario) -> Scenario:
    """People ask for a flush now: while an upload goes on and on, or while little is left."""
    scenario = random.choice((pressing, pressing, patient, crowd, month_turns))(random, scenario)
    policy = replace(scenario.policy, urgent=())
    return replace(scenario, policy=policy, waits=random.randint(3, 8))


def _missing(random: Random, scenario: Scenario) -> Scenario:
    """Few objects change, so that each event counts; a day is as short as 20 minutes."""
    return replace(
        closed(random, scenario),
        closed=0.0,
        poison=0,
        letters=None,
        faulty=9 * MINUTE,
        changes=random.randint(6, 12),
        keys=random.sample(KEYS, 1),
        day=timedelta(minutes=20),
        catalogue=random.random() < 0.8,
        fresh=False,
    )


def _beside(scenario: Scenario) -> Scenario:
    """One distribution is in trouble, and another has a few changes."""
    return replace(
        _whole(scenario),
        serves={"bucket-a": ("E1",), "bucket-b": ("E2",)},
        policy=_UNLIMITED,
        spent=0,
        calm=Weather(),
        faulty=4 * MINUTE,
        changing=30 * MINUTE,
        changes=20,
        keys=KEYS,
        flushers=10,
        at_once=1,
        shards=1,
        neighbour=False,
        busy=frozenset({"E1"}),
    )


def _in_trouble(scenario: Scenario) -> Scenario:
    """Calls are quick, and the trouble passes; money is no object."""
    weather = replace(scenario.weather, latency=0.3)
    return replace(_whole(scenario), policy=_UNLIMITED, spent=0, weather=weather, calm=Weather())


def _whole(scenario: Scenario) -> Scenario:
    """A tick reads all rows, and no distribution is deleted."""
    return replace(scenario, max_rows=10_000, page=6, gone=None)


def shared(random: Random, scenario: Scenario) -> Scenario:
    """Others invalidate as well, and are counted: an hour is as short as three minutes here."""
    return replace(
        _in_trouble(scenario),
        faulty=8 * MINUTE,
        changing=12 * MINUTE,
        changes=random.randint(5, 30),
        surveying={},
        fresh=False,
        neighbour=random.random() < 0.5,
        audited=True,
    )
