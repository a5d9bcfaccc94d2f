"""Settings: one frozen object, read from a mapping that is passed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Self

from edgesweep.budget import Budget
from edgesweep.errors import BadInput
from edgesweep.pricing import FREE_PATHS
from edgesweep.routes import Selection, Variants, variants


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment was told.

    Attributes:
        dirty_table: name of the table of dirty rows.
        flushes_table: name of the table of flushes.
        buckets: the buckets that are watched.
        distributions: ids of the distributions that serve them; discovered unless given.
        budget: what a month may cost, and what it guarantees.
        selection: which keys are swept.
        variants: distribution id -> which viewer paths of an object count.
    """

    dirty_table: str
    flushes_table: str
    buckets: tuple[str, ...]
    distributions: tuple[str, ...]
    budget: Budget
    selection: Selection
    variants: Mapping[str, Variants]

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> Self:
        """Read the settings from environment variables.

        Raises:
            BadInput: a variable is missing or out of its bounds; the text names it.
        """
        return cls(
            dirty_table=_required(values, "DIRTY_TABLE"),
            flushes_table=_required(values, "FLUSHES_TABLE"),
            buckets=_list(values, "BUCKET"),
            distributions=_list(values, "DISTRIBUTION"),
            budget=_budget(values),
            selection=Selection(
                include=_list(values, "INCLUDE"),
                exclude=_list(values, "EXCLUDE"),
                immutable=_list(values, "IMMUTABLE"),
            ),
            variants=_variants(values),
        )


def _budget(values: Mapping[str, str]) -> Budget:
    minutes = values.get("GUARANTEE_MINUTES")
    usd = values.get("BUDGET_USD") or "0"
    return Budget(
        usd=None if usd == "none" else _number("BUDGET_USD", usd),
        free_paths=int(_number("FREE_PATHS", values.get("FREE_PATHS") or str(FREE_PATHS))),
        guarantee=timedelta(minutes=float(_number("GUARANTEE_MINUTES", minutes)))
        if minutes
        else None,
    )


def _variants(values: Mapping[str, str]) -> Mapping[str, Variants]:
    try:
        return variants.parse(values.get("VIEWER_PATHS", ""))
    except BadInput as error:
        msg = f"VIEWER_PATHS is {values['VIEWER_PATHS']!r}; {error}"
        raise BadInput(msg) from error


def _list(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, values.get(name, "").split(","))))


def _number(name: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        msg = f"{name} is {text!r}; a number is needed"
        raise BadInput(msg) from error
    if not number.is_finite() or number < 0:
        msg = f"{name} is {text}; it has to be 0 or more"
        raise BadInput(msg)
    return number


def _required(values: Mapping[str, str], name: str) -> str:
    if not values.get(name):
        msg = f"The environment variable {name} is missing"
        raise BadInput(msg)
    return values[name]
