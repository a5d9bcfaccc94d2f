"""Which values a deployment accepts, and what is said about a wrong one."""

from datetime import timedelta
from decimal import Decimal

import pytest

from edgesweep.errors import BadInput
from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy, Quota
from edgesweep.record.recorder import Selection
from edgesweep.routes import Variants
from edgesweep.settings import Settings

LEAST = {"DIRTY_TABLE": "dirty", "FLUSHES_TABLE": "flushes"}
NUMBERS = (
    "BUDGET_USD", "FREE_PATHS", "GUARANTEE_MINUTES", "QUIET_SECONDS", "MAX_WAIT_SECONDS",
    "PATIENCE_MINUTES", "HEADROOM", "REFETCH_USD", "MISS_USD", "SHARDS",
)  # fmt: skip


def test_least() -> None:
    """Two tables are enough; what is not said costs nothing."""
    settings = Settings.from_mapping(LEAST)

    assert settings.dirty_table == "dirty"
    assert settings.flushes_table == "flushes"
    assert settings.catalogue_table == ""
    assert settings.buckets == settings.distributions == ()
    assert settings.selection == Selection((), (), ())
    assert settings.variants == {}
    assert settings.policy == Policy()
    assert settings.policy.budget == Budget(Decimal(0), 1_000, None)
    assert settings.shards == 1


def test_budget() -> None:
    """The budget is read to the cent, the guarantee in minutes."""
    values = {"BUDGET_USD": "39.64", "FREE_PATHS": "1000", "GUARANTEE_MINUTES": "5"}

    budget = Settings.from_mapping(LEAST | values).policy.budget

    assert budget.usd == Decimal("39.64")
    assert budget.guarantee == timedelta(minutes=5)


def test_empty_values() -> None:
    """A variable that is set to nothing is as good as absent."""
    names = (
        *NUMBERS, "BUCKET", "CATALOGUE_TABLE", "DISTRIBUTION", "INCLUDE", "EXCLUDE", "IMMUTABLE",
        "IGNORE_METADATA", "URGENT", "VIEWER_PATHS",
    )  # fmt: skip
    values = dict.fromkeys(names, "")

    assert Settings.from_mapping(LEAST | values) == Settings.from_mapping(LEAST)


def test_foreign_values() -> None:
    """Variables of others do not matter."""
    assert Settings.from_mapping(LEAST | {"PATH": "/bin"}) == Settings.from_mapping(LEAST)


def test_long_values() -> None:
    """A function takes any values that Lambda has accepted; a deployment bounds them together."""
    patterns = tuple(f"{number}{'a' * 98}" for number in range(9))
    values = dict.fromkeys(("INCLUDE", "EXCLUDE", "IMMUTABLE"), ",".join(patterns))

    assert Settings.from_mapping(LEAST | values).selection == Selection(*[patterns] * 3)


def test_lists() -> None:
    """Lists are separated by commas, with or without spaces."""
    values = {
        "BUCKET": "one, two",
        "DISTRIBUTION": "E2QWRUHEXAMPLE,E3QWRUHEXAMPLE",
        "INCLUDE": "site/*",
        "EXCLUDE": "*/.git/*, *.map",
        "IMMUTABLE": "assets/*,",
        "IGNORE_METADATA": "Build,x-amz-meta-CI-*",
    }

    settings = Settings.from_mapping(LEAST | values)

    assert settings.buckets == ("one", "two")
    assert settings.distributions == ("E2QWRUHEXAMPLE", "E3QWRUHEXAMPLE")
    assert settings.ignored_metadata == ("build", "ci-*")
    assert settings.selection == Selection(("site/*",), ("*/.git/*", "*.map"), ("assets/*",))


def test_viewer_paths() -> None:
    """Which viewer paths count is said for all distributions, or for one."""
    settings = Settings.from_mapping(LEAST | {"VIEWER_PATHS": "folders,E2QWRUHEXAMPLE=none"})

    assert settings.variants[""].words == ("folders",)
    assert settings.variants["E2QWRUHEXAMPLE"].words == ("none",)


def test_terms_of_viewer_paths() -> None:
    """Spellings and the seconds of an error are said for all distributions."""
    settings = Settings.from_mapping(LEAST | {"SPELLINGS": "one", "ERROR_SECONDS": "60"})

    assert settings.variants == {"": Variants(spellings=False, error_seconds=60)}


def test_wrong_viewer_paths() -> None:
    """An unknown word is named with its parameter."""
    with pytest.raises(
        BadInput, match=r"^Parameter viewerPaths is \"folder\": 'folder' is no word"
    ):
        Settings.from_mapping(LEAST | {"VIEWER_PATHS": "folder"})


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("empty", [True, False])
def test_missing(name: str, empty: bool) -> None:  # noqa: FBT001  # a parameter
    """A missing or empty variable is named."""
    values = {key: value for key, value in LEAST.items() if key != name}

    with pytest.raises(BadInput, match=f"^The environment variable {name} is missing$"):
        Settings.from_mapping(values | ({name: ""} if empty else {}))


def test_policy() -> None:
    """When to flush is said in seconds, what a refetch costs in dollars, a cache miss on top."""
    values = {
        "QUIET_SECONDS": "0",
        "MAX_WAIT_SECONDS": "60",
        "HEADROOM": "5",
        "REFETCH_USD": "0.000001",
        "MISS_USD": "0.002",
        "SHARDS": "4",
    }

    settings = Settings.from_mapping(LEAST | values)

    assert settings.policy.quiet == timedelta(0)
    assert settings.policy.max_wait == timedelta(minutes=1)
    assert settings.policy.quota == Quota(3_000, 10)
    assert settings.policy.refetch == Decimal("0.002001")
    assert settings.shards == 4


@pytest.mark.parametrize(
    ("values", "minutes"),
    [
        ({}, 5),
        ({"PATIENCE_MINUTES": "30"}, 30),
        ({"PATIENCE_MINUTES": "0"}, 0),
        ({"GUARANTEE_MINUTES": "60"}, 5),
        ({"GUARANTEE_MINUTES": "3", "BUDGET_USD": "none"}, 3),
        ({"GUARANTEE_MINUTES": "60", "PATIENCE_MINUTES": "60"}, 60),
    ],
)
def test_patience(values: dict[str, str], minutes: int) -> None:
    """A flush waits for five minutes by default, or as long as a shorter guarantee."""
    policy = Settings.from_mapping(LEAST | values).policy

    assert policy.patience == timedelta(minutes=minutes)


def test_no_limit() -> None:
    """A budget of `none` sets no limit."""
    assert Settings.from_mapping(LEAST | {"BUDGET_USD": "none"}).policy.budget.allowance is None


def test_unpaid_guarantee() -> None:
    """A guarantee that the budget does not pay for is refused with the budget it would take."""
    with pytest.raises(BadInput) as refusal:
        Settings.from_mapping(LEAST | {"GUARANTEE_MINUTES": "5"})

    assert str(refusal.value) == (
        'Parameter guaranteeMinutes is "5": A flush every 5 minutes takes 8,928 paths a month, '
        "$39.64; your budget pays for one every 45 minutes at most"
    )


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["five", "-1", "NaN", "Infinity", "1,000", "$5", "1e9"])
def test_wrong_number(name: str, value: str) -> None:
    """A value that is not a number within its bounds is named with its parameter."""
    first, *rest = name.lower().split("_")
    parameter = first + "".join(map(str.title, rest))

    with pytest.raises(BadInput, match=rf"^Parameter {parameter} is ") as refusal:
        Settings.from_mapping(LEAST | {name: value})

    assert f'"{value}"; it must be ' in str(refusal.value)
    assert "\n" not in str(refusal.value)
