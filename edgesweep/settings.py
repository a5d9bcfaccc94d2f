"""Settings: one frozen object, read from a mapping that is passed in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Self

from edgesweep.errors import BadInput
from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import MAX_IN_PROGRESS, RESERVED_WILDCARDS, Headroom, Policy
from edgesweep.prices import FREE_PATHS, REFETCH_COST
from edgesweep.record.selection import Selection
from edgesweep.routes import Variants, variants

_WILDCARDS = MAX_IN_PROGRESS.wildcards


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment was told.

    Attributes:
        dirty_table: name of the table of dirty rows.
        flushes_table: name of the table of flushes.
        catalogue_table: name of the table of what viewers see; empty: every upload is a change.
        buckets: the buckets that are watched.
        distributions: ids of the distributions that serve them; discovered unless given.
        policy: when to flush, and for what a month may cost.
        shards: partitions over which the dirty rows of a distribution are spread.
        selection: which keys are swept.
        variants: distribution id -> which viewer paths of an object count.
        notified_queue: ARN of the queue that the buckets tell themselves; None if EventBridge does.
        queue: URL of the queue of changes; empty for a function that does not send to it.
        dead_letter_queue: URL of the queue of messages that could not be recorded; empty likewise.
    """

    dirty_table: str
    flushes_table: str
    catalogue_table: str
    buckets: tuple[str, ...]
    distributions: tuple[str, ...]
    policy: Policy
    shards: int
    selection: Selection
    variants: Mapping[str, Variants]
    notified_queue: str | None
    queue: str = ""
    dead_letter_queue: str = ""

    @property
    def budget(self) -> Budget:
        """What a month may cost, and what it guarantees."""
        return self.policy.budget

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> Self:
        """Read the settings from environment variables.

        Raises:
            BadInput: a variable is missing or out of its bounds; the text names it.
        """
        return cls(
            dirty_table=_required(values, "DIRTY_TABLE"),
            flushes_table=_required(values, "FLUSHES_TABLE"),
            catalogue_table=values.get("CATALOGUE_TABLE", ""),
            buckets=_list(values, "BUCKET"),
            distributions=_list(values, "DISTRIBUTION"),
            policy=_policy(values),
            shards=int(_number(values, "SHARDS", "1", 1, 100, whole=True)),
            selection=Selection(
                include=_list(values, "INCLUDE"),
                exclude=_list(values, "EXCLUDE"),
                immutable=_list(values, "IMMUTABLE"),
            ),
            variants=_variants(values),
            notified_queue=values.get("NOTIFIED_QUEUE") or None,
            queue=values.get("QUEUE", ""),
            dead_letter_queue=values.get("DEAD_LETTER_QUEUE", ""),
        )


def _policy(values: Mapping[str, str]) -> Policy:
    max_wait = _number(values, "MAX_WAIT_SECONDS", "300", 1, 3_600)
    quiet = _number(values, "QUIET_SECONDS", "10", 0, max_wait)
    refetch = _number(values, "REFETCH_USD", str(REFETCH_COST), 0, 1)
    miss = _number(values, "MISS_USD", "0", 0, 1)
    kept_free = str(RESERVED_WILDCARDS)
    headroom = int(_number(values, "HEADROOM", kept_free, 0, _WILDCARDS - 1, whole=True))
    return Policy(
        budget=_budget(values),
        quiet=timedelta(seconds=float(quiet)),
        max_wait=timedelta(seconds=float(max_wait)),
        refetch=refetch + miss,
        quota=Headroom(MAX_IN_PROGRESS.paths, _WILDCARDS - headroom),
    )


def _budget(values: Mapping[str, str]) -> Budget:
    free_paths = _number(values, "FREE_PATHS", str(FREE_PATHS), 0, FREE_PATHS, whole=True)
    unlimited = values.get("BUDGET_USD") == "none"
    guarantee = None
    if values.get("GUARANTEE_MINUTES"):
        minutes = _number(values, "GUARANTEE_MINUTES", "", 1, 9_999)
        guarantee = timedelta(minutes=float(minutes))
    budget = Budget(
        usd=None if unlimited else _number(values, "BUDGET_USD", "0", 0, 1_000_000),
        free_paths=int(free_paths),
    )
    try:
        return replace(budget, guarantee=guarantee)
    except BadInput as error:
        msg = f"GUARANTEE_MINUTES is {values['GUARANTEE_MINUTES']!r}: {error}"
        raise BadInput(msg) from error


def _variants(values: Mapping[str, str]) -> Mapping[str, Variants]:
    try:
        return variants.parse(values.get("VIEWER_PATHS", ""))
    except BadInput as error:
        msg = f"VIEWER_PATHS is {values['VIEWER_PATHS']!r}; {error}"
        raise BadInput(msg) from error


def _list(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, values.get(name, "").split(","))))


def _number(  # noqa: PLR0913  # a name, its default and its bounds
    values: Mapping[str, str],
    name: str,
    default: str,
    least: int,
    most: int | Decimal,
    *,
    whole: bool = False,
) -> Decimal:
    text = values.get(name) or default
    kind = "a whole number" if whole else "a number"
    msg = f"{name} is {text!r}; it must be {kind} from {least} to {most}"
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise BadInput(msg) from error
    if not (number.is_finite() and least <= number <= most) or (whole and number % 1):
        raise BadInput(msg)
    return number


def _required(values: Mapping[str, str], name: str) -> str:
    if not values.get(name):
        msg = f"The environment variable {name} is missing"
        raise BadInput(msg)
    return values[name]
