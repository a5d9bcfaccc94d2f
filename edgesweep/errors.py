"""Every kind of error: the type says who has to act, and the message is built from its data."""

from dataclasses import dataclass
from typing import ClassVar

# The exceptions that reading malformed text raises.
MALFORMED = (AttributeError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError)


class EdgesweepError(Exception):
    """A failure that a user or operator should read in one line."""

    exit_code: ClassVar[int] = 1
    text: ClassVar[str] = ""  # of kinds that carry data: it has the fields' names in braces

    def __str__(self) -> str:
        return self.text.format(**vars(self)) or super().__str__()


class BadInput(EdgesweepError):
    """A value given by a user or a sender is wrong; the text names the value and the bound."""

    exit_code: ClassVar[int] = 2


class TimedOut(EdgesweepError):
    """A wait took longer than the user allows."""

    exit_code: ClassVar[int] = 3


class Unsettled(EdgesweepError):
    """Events of a bucket may be missed now, so what is learnt of it could not be trusted."""


class Infeasible(BadInput):
    """No cover exists under the given caps."""


class OutOfPatience(EdgesweepError):
    """The search for a cover took more steps than it was given."""


class Overtaken(EdgesweepError):
    """Somebody else took the lease or continued the flush: let go of both."""


class OverLimit(EdgesweepError):
    """The ledger of a month has no room for the paths of a flush."""


@dataclass(eq=False)
class NoStack(EdgesweepError):
    """There is no stack of that name in a region."""

    text = "There is no stack {name} in {region}; say --stage or --stack, and --region"
    name: str
    region: str | None


@dataclass(eq=False)
class Unlistable(EdgesweepError):
    """A bucket may not be listed, or does not answer."""

    text = "The bucket {bucket} cannot be listed: {reason}"
    bucket: str
    reason: str


@dataclass(eq=False)
class Undiscovered(EdgesweepError):
    """CloudFront did not answer, or refused to describe the distributions."""

    text = "The distributions cannot be read: {reason}"
    reason: str


class Unreadable(EdgesweepError):
    """We may not read invalidations, or the list of distributions."""


class Busy(EdgesweepError):
    """A service throttles us, or does not answer now."""


@dataclass(eq=False)
class Unwritten(EdgesweepError):
    """DynamoDB did not accept every deletion of rows."""

    text = "{left} of {rows} rows were not deleted: {reason}"
    left: int
    rows: int
    reason: str


@dataclass(eq=False)
class Unswept(EdgesweepError):
    """A distribution could not be asked to forget everything."""

    text = "{distribution} could not be asked to forget everything: {reason}"
    distribution: str
    reason: str
