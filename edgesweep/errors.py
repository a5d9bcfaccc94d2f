"""One base error and its few kinds; the type says who has to act."""

from typing import ClassVar


class EdgesweepError(Exception):
    """A failure that a user or operator should read in one line."""

    exit_code: ClassVar[int] = 1


class BadInput(EdgesweepError):
    """A value given by a user or a sender is wrong; the text names the value and the bound."""

    exit_code: ClassVar[int] = 2


class Infeasible(BadInput):
    """No cover exists under the given caps."""


class NoStack(EdgesweepError):
    """There is no stack of that name in a region."""

    def __init__(self, name: str, region: str | None) -> None:
        super().__init__(
            f"There is no stack {name} in {region}; say --stage or --stack, and --region"
        )
        self.name, self.region = name, region
