"""A history replayed under a budget: flushes at their ticks, paths within the allowance."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from edgesweep.lab.generators import SHAPES
from edgesweep.lab.history import Deploy, History, Step
from edgesweep.lab.paced import Paced, PacedFlush, sweep

START = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def step(seconds: float, *dirty: str) -> Step:
    """Return a deploy so many seconds after the month began."""
    return Step(START + timedelta(seconds=seconds), dirty, ("/a", "/b", "/c"))


def run(*steps: Step, budget: Budget | None = None) -> list[PacedFlush]:
    """Return the flushes of deploys to one site."""
    policy = Policy(budget or Budget())
    return list(Paced(policy).run(("site", one) for one in steps))


def minutes(flushes: list[PacedFlush]) -> list[float]:
    """Return when flushes were sent, in minutes after the month began."""
    return [(sent.step.at - START) / MINUTE for sent in flushes]


def test_ticks() -> None:
    """A deploy goes out with the first minute that begins when it has been quiet for a while."""
    flushes = run(step(0, "/a"), step(105, "/b"), step(175, "/c"), step(600, "/a"))

    assert minutes(flushes) == [1, 2, 4, 11]
    assert [sent.due_at for sent in flushes] == [sent.step.at for sent in flushes]


def test_merged() -> None:
    """Deploys of one minute are one flush, over what is live after the last of them."""
    (sent,) = run(step(5, "/c"), step(20, "/a"), step(30, "/c"))

    assert sent.step == Step(START + MINUTE, ["/a", "/c"], ("/a", "/b", "/c"))
    assert [member.pattern.text for member in sent.members] == ["/a", "/c"]


def test_uploading() -> None:
    """A deploy that continues is flushed after five minutes at the latest."""
    flushes = run(*(step(seconds, "/a") for seconds in range(55, 3_600, 5)))

    assert minutes(flushes)[:3] == [6, 12, 18]


def woken(*steps: Step, budget: Budget | None = None) -> list[float]:
    """Return when the deploys of a site with wakes are sent, in seconds after the month began."""
    paced = Paced(Policy(budget or Budget()), wake=True)
    sent = paced.run(("site", one) for one in steps)
    return [(flush.step.at - START) / timedelta(seconds=1) for flush in sent]


def test_wakes() -> None:
    """With wakes a lone change goes after two seconds, and several after five."""
    assert woken(step(0, "/a"), step(105, "/b", "/c"), step(600, "/a")) == [2, 110, 602]


def test_woken_together() -> None:
    """A deploy in parts goes once it rests, even if a tick comes between."""
    assert woken(step(50, "/a"), step(51.5, "/b"), step(58, "/c")) == [56.5, 60]
    assert woken(step(50, "/a"), step(51.5, "/b"), step(55, "/c")) == [65]


def test_woken_long() -> None:
    """A deploy that continues for more than a minute is left to the ticks."""
    assert woken(*(step(seconds, "/a") for seconds in range(100))) == [120]


def test_woken_without_money() -> None:
    """Once only the reserve is left, wakes send nothing."""
    steps = [step(3_600 * hour, "/a", "/c") for hour in range(0, 700, 5)]

    assert len(woken(*steps, budget=Budget(free_paths=2))) <= 2


def test_nothing_changed() -> None:
    """A deploy that changed nothing wants no flush."""
    assert run(step(0)) == []


def test_held() -> None:
    """Once only the reserve is left, flushes are the interval apart, and nothing is lost."""
    budget = Budget(free_paths=2)

    flushes = run(*(step(3_600 * hour, "/a", "/c") for hour in range(0, 700, 5)), budget=budget)

    assert len(flushes) <= 2
    assert sum(len(sent.steps) for sent in flushes) == 140
    assert flushes[1].due_at < flushes[1].step.at <= START + budget.interval(START) + 2 * MINUTE


PAGES = tuple(f"/{folder}/{page}" for folder in "abcdefgh" for page in range(1_000))


def dear(minutes: float) -> Step:
    """Return a deploy of a page in each folder, for which there are too few paths."""
    return Step(START + minutes * MINUTE, PAGES[int(minutes) :: 1_000], PAGES)


@pytest.mark.parametrize(
    ("patience", "sent"), [(0, [1, 4, 11]), (2, [1, 5, 13]), (5, [1, 8, 16]), (60, [1, 63])]
)
def test_patience(patience: int, sent: list[float]) -> None:
    """A flush that is dear waits for the next one, and no longer than its patience."""
    policy = Policy(Budget(free_paths=8), patience=patience * MINUTE)
    deploys = [Step(START, ["/a/0"], PAGES), dear(3), dear(10.5)]

    flushes = list(Paced(policy).run(("site", one) for one in deploys))

    assert minutes(flushes) == sent


def test_two_sites() -> None:
    """Distributions share the ledger, and the one that waits longest goes first."""
    paced = Paced(Policy(Budget(distributions=2)))

    flushes = list(paced.run([("b", step(0, "/a")), ("a", step(1, "/a")), ("b", step(90, "/b"))]))

    assert [sent.distribution for sent in flushes] == ["b", "a", "b"]
    assert paced.charged == {"2026-11": 3}


def test_replay() -> None:
    """The row counts all deploys, and each flush in the month of its tick."""
    last = datetime(2026, 11, 30, 23, 59, 55, tzinfo=UTC)
    deploys = [
        Deploy(START, ["a"]),
        Deploy(START, []),
        Deploy(last, ["b", "c"], ["a"]),
    ]

    row = sweep(History("site", ["b", "c", "d"], deploys), Policy(Budget())).row

    assert (row.history, row.strategy, row.deploys) == ("site", "edgesweep", 3)
    assert (row.paths, row.collateral, row.most_paths_in_a_month, row.missed) == (4, 0, 3, 0)
    assert row.usd == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_made_up_sites(shape: str) -> None:
    """On every made-up site no month passes the free paths, and no change is missed."""
    history = SHAPES[shape](7, 40)

    row = sweep(history, Policy(Budget())).row

    assert row.deploys == len(history.deploys)
    assert (row.missed, row.usd) == (0, Decimal(0))
    assert 0 < row.most_paths_in_a_month <= 1_000


@pytest.mark.parametrize("shape", SHAPES)
def test_same_seed(shape: str) -> None:
    """The same seed makes the same history, another one another."""
    make = SHAPES[shape]

    assert make(1, 9) == make(1, 9) != make(2, 9)
