"""What is kept beside a flush to say why it has its paths."""

from decimal import Decimal

from edgesweep.cover import find_candidates
from edgesweep.cover.candidates import Candidates
from edgesweep.dirty import Change, DirtyRow, Kind, RequestedPath
from edgesweep.flush.budget import Budget, Ledger
from edgesweep.flush.choice import MOST, explain, pick
from edgesweep.flush.journal import Lease
from edgesweep.flush.pace import NOTHING_SEEN, Demand
from edgesweep.flush.policy import Go, Policy
from edgesweep.paths import REST
from tests.messages import NOON

REFETCH = Decimal("0.001")


def explained(
    keys: list[str],
    live: list[str],
    *requested: str,
    free: int = 0,
    demand: Demand = NOTHING_SEEN,
) -> str:
    """Return the lines about a flush of changed objects and requested paths."""
    subjects: list[Change | RequestedPath] = [
        *(Change("site", key, Kind.CREATED, NOON) for key in keys),
        *(RequestedPath(path, "me") for path in requested),
    ]
    rows = [DirtyRow("E1", subject, NOON, str(n)) for n, subject in enumerate(subjects)]
    found: Candidates = find_candidates(
        [f"/{key}" for key in keys] + [*requested], [f"/{key}" for key in live]
    )
    policy = Policy(Budget(Decimal(100), free), refetch=REFETCH)
    go = policy.decide({"2026-11": Ledger()}, demand, Lease(), NOON)
    assert isinstance(go, Go)
    return explain(go.purses[0], pick(found, go, policy), rows, found.dirty, REFETCH)


def test_wildcard() -> None:
    """It counts what changed by folder, and says what a wildcard hits instead of which paths."""
    keys = ["press/é.html", "press/b", "press/c", "index.html", "press/b"]

    live = ["press/x", "press/y", *(f"other{n}" for n in range(20))]
    _, changed, wildcard = explained(keys, live).splitlines()

    assert changed == (
        "4 objects changed: 3 in /press/, 1 in /; first /press/%C3%A9.html, /press/b, /press/c"
    )
    assert wildcard == (
        "/press/* covers 3 changed paths, first /press/b, /press/c, /press/%C3%A9.html; it also "
        "hits 2 unchanged objects, worth $0.002 to fetch again; naming each exactly takes 2 more "
        "paths"
    )


def test_inexact() -> None:
    """A key that no path says exactly has a wildcard for that reason."""
    assert explained(["a~b"], []).endswith(
        "; it also hits 0 unchanged objects; no exact path can name that path"
    )


def test_rest() -> None:
    """A path with any query string after it is shown with a star."""
    assert "1 changed path, first /docs/?*;" in explained([f"docs/?{REST}"], [])


def test_requested() -> None:
    """Requested paths have a line of their own, and objects one where some changed."""
    assert explained([], [], "/a").splitlines()[1:] == ["People asked for 1 path"]
    assert explained(["b"], [], "/a", "/c").splitlines()[1:3] == [
        "People asked for 2 paths",
        "1 object changed: 1 in /; first /b",
    ]


def test_bounded() -> None:
    """However much changed, and however long the keys are, it stays small."""
    keys = [f"{n:x}{'x' * 300}~{m}" for n in range(13) for m in range(3)]

    text = explained(keys, [f"z{n}" for n in range(200)])

    assert len(text) <= MOST
    assert text.endswith("\nThe other wildcards are left out")


def test_free() -> None:
    """It says how many free paths there were, and how many of them the flush could take."""
    worth = explained(["a"], [], free=1_000).splitlines()[0]

    assert worth == (
        "One path was worth $0.00000008 at that moment; the list price is $0.005. 1,000 free paths "
        "were left for the month's last 7.5 days, and this flush could take 437"
    )


def test_demand() -> None:
    """Once flushes were seen, it says what they took at the list price and at none."""
    seen = Demand(NOON, 30.0, 4.0, tuple(range(900, 0, -100)))

    worth = explained(["a"], [], free=1_000, demand=seen).splitlines()[0]

    assert worth.endswith(
        ". The 30.0 days seen took 100 paths that were worth the list price, and would have taken "
        "900 if paths were free"
    )


def test_bought() -> None:
    """It says how many paths were bought beyond the free ones."""
    changed = [f"{folder}/{page}" for folder in "abc" for page in range(10)]
    unchanged = [f"{folder}/x{page}" for folder in "abc" for page in range(100)]

    worth = explained(changed, unchanged, free=20).splitlines()[0]

    # With the free ones alone it would be `/*`.
    assert worth.endswith(
        "could take 8. It bought 29 paths beyond the free ones: each was asked for, or saved more "
        "than it cost"
    )
