"""Laws of the other tools' strategies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.lab import BASELINES, exact_folders, level_collapse
from edgesweep.paths import Pattern, exact_stop

# "/a/b//~": short and dense, so that folders meet
paths = st.text("ab/~", max_size=6).map(lambda key: "/" + key)
sites = st.sets(paths, max_size=12)


def closed_form(dirty: set[str], threshold: int) -> list[str]:
    """Collapse every path at once for each level, without the intermediate steps."""
    for level in range(max(path.count("/") for path in dirty) + 1, 0, -1):
        entries = {}
        for path in sorted(dirty):
            folders = path.split("/")[1:-1]
            kept = "/".join(folders[: max(1, level - 1)])
            entries[f"/{kept}/*" if path.count("/") > level else path] = True
        if len(entries) <= threshold:
            return list(entries)
    return ["/*"]


@pytest.mark.parametrize("name", BASELINES)
@given(dirty=sites, live=sites)
def test_sound(name: str, dirty: set[str], live: set[str]) -> None:
    """Every change is matched by what is sent."""
    sent = BASELINES[name](sorted(dirty), sorted(live | dirty))

    assert all(any(pattern.matches(path) for pattern in sent) for path in dirty)


@pytest.mark.parametrize("name", BASELINES)
@given(dirty=sites, live=sites)
def test_sayable(name: str, dirty: set[str], live: set[str]) -> None:
    """No path is sent that CloudFront cannot act on, and none twice."""
    sent = BASELINES[name](sorted(dirty), sorted(live | dirty))

    assert len(set(sent)) == len(sent)
    assert all(pattern.wildcard or exact_stop(pattern.text) is None for pattern in sent)


@given(
    st.sets(st.text("ab/", max_size=8).map(lambda key: "/" + key), min_size=1), st.integers(1, 6)
)
def test_level_collapse(dirty: set[str], threshold: int) -> None:
    """Collapsing step by step ends where collapsing from the start does."""
    sent = level_collapse(sorted(dirty), (), threshold)

    assert [pattern.quoted() for pattern in sent] == closed_form(dirty, threshold)


@given(
    dirty=st.sets(st.text("ab/", max_size=6).map(lambda key: "/" + key), max_size=12), live=sites
)
def test_exact_folders(dirty: set[str], live: set[str]) -> None:
    """Nothing unchanged is hit, and a wildcard is a whole folder whose parent holds a bystander."""
    unchanged = live - dirty

    for pattern in exact_folders(sorted(dirty), sorted(live)):
        assert not any(pattern.matches(path) for path in unchanged)
        if pattern.wildcard and pattern.text != "/":
            parent = Pattern(pattern.text[: pattern.text[:-1].rindex("/") + 1], wildcard=True)
            assert pattern.text.endswith("/")
            assert any(parent.matches(path) for path in unchanged)
