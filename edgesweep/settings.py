"""Settings: one frozen object, read from a mapping that is passed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from edgesweep.errors import BadInput


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment was told.

    Attributes:
        dirty_table: name of the table of dirty rows.
        distribution: id of the distribution that serves the buckets.
    """

    dirty_table: str
    distribution: str

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> Self:
        """Read the settings from environment variables.

        Raises:
            BadInput: a variable is missing or out of its bounds; the text names it.
        """
        return cls(
            dirty_table=_required(values, "DIRTY_TABLE"),
            distribution=_required(values, "DISTRIBUTION"),
        )


def _required(values: Mapping[str, str], name: str) -> str:
    if not values.get(name):
        msg = f"The environment variable {name} is missing"
        raise BadInput(msg)
    return values[name]
