"""What a deployment may be told, and what is said about a wrong value."""

from datetime import timedelta
from decimal import Decimal

import pytest

from edgesweep.errors import BadInput
from edgesweep.routes import Selection
from edgesweep.settings import Settings

LEAST = {"DIRTY_TABLE": "dirty", "FLUSHES_TABLE": "flushes"}


def test_least() -> None:
    """Two tables are enough; what is not said costs nothing."""
    settings = Settings.from_mapping(LEAST)

    assert settings.dirty_table == "dirty"
    assert settings.flushes_table == "flushes"
    assert settings.buckets == settings.distributions == ()
    assert settings.selection == Selection((), (), ())
    assert settings.variants == {}
    assert settings.budget.usd == 0
    assert settings.budget.free_paths == 1_000
    assert settings.budget.guarantee is None


def test_budget() -> None:
    """The budget is read to the cent, the guarantee in minutes."""
    values = {"BUDGET_USD": "39.64", "FREE_PATHS": "1000", "GUARANTEE_MINUTES": "5"}

    budget = Settings.from_mapping(LEAST | values).budget

    assert budget.usd == Decimal("39.64")
    assert budget.guarantee == timedelta(minutes=5)


def test_empty_values() -> None:
    """A variable that is set to nothing is as good as absent."""
    names = (
        "BUDGET_USD", "FREE_PATHS", "GUARANTEE_MINUTES", "BUCKET", "DISTRIBUTION", "INCLUDE",
        "EXCLUDE", "IMMUTABLE", "VIEWER_PATHS",
    )  # fmt: skip
    values = dict.fromkeys(names, "")

    assert Settings.from_mapping(LEAST | values) == Settings.from_mapping(LEAST)


def test_foreign_values() -> None:
    """Variables of others do not matter."""
    assert Settings.from_mapping(LEAST | {"PATH": "/bin"}) == Settings.from_mapping(LEAST)


def test_lists() -> None:
    """Lists are separated by commas, with or without spaces."""
    values = {
        "BUCKET": "one, two",
        "DISTRIBUTION": "E1,E2",
        "INCLUDE": "site/*",
        "EXCLUDE": "*/.git/*, *.map",
        "IMMUTABLE": "assets/*,",
    }

    settings = Settings.from_mapping(LEAST | values)

    assert settings.buckets == ("one", "two")
    assert settings.distributions == ("E1", "E2")
    assert settings.selection == Selection(("site/*",), ("*/.git/*", "*.map"), ("assets/*",))


def test_viewer_paths() -> None:
    """Which viewer paths count is said for all distributions, or for one."""
    settings = Settings.from_mapping(LEAST | {"VIEWER_PATHS": "folders,E1=none"})

    assert settings.variants[""].folders is True
    assert settings.variants["E1"].folders is False


def test_wrong_viewer_paths() -> None:
    """A word that names no viewer path is named with its variable."""
    with pytest.raises(BadInput, match=r"^VIEWER_PATHS is 'folder'; 'folder' names no viewer path"):
        Settings.from_mapping(LEAST | {"VIEWER_PATHS": "folder"})


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("empty", [True, False])
def test_missing(name: str, empty: bool) -> None:  # noqa: FBT001  # a parameter
    """A missing or empty variable is named."""
    values = {key: value for key, value in LEAST.items() if key != name}

    with pytest.raises(BadInput, match=f"^The environment variable {name} is missing$"):
        Settings.from_mapping(values | ({name: ""} if empty else {}))


@pytest.mark.parametrize("name", ["BUDGET_USD", "FREE_PATHS", "GUARANTEE_MINUTES"])
@pytest.mark.parametrize("value", ["five", "-1", "NaN", "Infinity", "1,000", "$5"])
def test_wrong_number(name: str, value: str) -> None:
    """A value that is no number of at least 0 is named with its variable."""
    with pytest.raises(BadInput) as refusal:
        Settings.from_mapping(LEAST | {name: value})

    assert name in str(refusal.value)
    assert value in str(refusal.value)
    assert "\n" not in str(refusal.value)
