"""What is kept beside a flush to say why it has its paths."""

from decimal import Decimal

from edgesweep.cover import Limits, Prices, choose, find_candidates
from edgesweep.cover.candidates import Candidates
from edgesweep.dirty import Change, DirtyRow, Kind, RequestedPath
from edgesweep.flush.explain import MOST, explain
from edgesweep.paths import REST
from tests.messages import NOON

REFETCH = Decimal("0.001")


def explained(keys: list[str], live: list[str], *requested: str, why: str = "It was free") -> str:
    """Return the lines about a flush of changed objects and requested paths."""
    subjects: list[Change | RequestedPath] = [
        *(Change("site", key, Kind.CREATED, NOON) for key in keys),
        *(RequestedPath(path, "me") for path in requested),
    ]
    rows = [DirtyRow("E1", subject, NOON, str(n)) for n, subject in enumerate(subjects)]
    found: Candidates = find_candidates(
        [f"/{key}" for key in keys] + [*requested], [f"/{key}" for key in live]
    )
    chosen = choose(found, Prices(Decimal("0.005"), REFETCH), Limits())
    return explain(why, rows, chosen, found.dirty, REFETCH)


def test_wildcard() -> None:
    """It counts what changed by folder, and says what a wildcard hits instead of which paths."""
    keys = ["press/é.html", "press/b", "press/c", "index.html", "press/b"]

    live = ["press/x", "press/y", *(f"other{n}" for n in range(20))]
    _, changed, wildcard = explained(keys, live).splitlines()

    assert changed == (
        "4 objects changed, 0 paths requested: 3 in /press/, 1 in /; "
        "first /press/%C3%A9.html, /press/b, /press/c"
    )
    assert wildcard == (
        "/press/* stands for 3 changed paths, first /press/b, /press/c, /press/%C3%A9.html; "
        "it hits 2 unchanged objects for $0.002, where 2 more paths are exact"
    )


def test_inexact() -> None:
    """A key that no path says exactly has a wildcard for that reason."""
    assert explained(["a~b"], []).endswith("for $0.000, where no path is exact")


def test_rest() -> None:
    """A path with any query string after it is shown with a star."""
    assert "1 changed paths, first /docs/?*;" in explained([f"docs/?{REST}"], [])


def test_requested() -> None:
    """Requested paths are counted apart, and nothing is said of objects where none changed."""
    assert explained([], [], "/a").splitlines() == [
        "It was free",
        "0 objects changed, 1 paths requested, 1 by me",
    ]


def test_bounded() -> None:
    """However much changed, and however long the keys are, it stays small."""
    keys = [f"{n:x}{'x' * 300}~{m}" for n in range(13) for m in range(3)]

    text = explained(keys, [f"z{n}" for n in range(200)])

    assert len(text) <= MOST
    assert text.endswith("\nThe other wildcards are left out")
    assert len(explained(["a"], [], why="x" * MOST)) == MOST
