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
        "; it also hits 0 unchanged objects; no exact path can name that one"
    )


def test_rest() -> None:
    """A path with any query string after it is shown with a star."""
    assert "1 changed path, first /docs/?*;" in explained([f"docs/?{REST}"], [])


def test_requested() -> None:
    """Requested paths have a line of their own, and objects one where some changed."""
    assert explained([], [], "/a").splitlines() == ["It was free", "People asked for 1 path"]
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
    assert len(explained(["a"], [], why="x" * MOST)) == MOST
