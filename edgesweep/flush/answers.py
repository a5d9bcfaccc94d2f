"""CloudFront's answers to a request for an invalidation, as data."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Refusal(StrEnum):
    """Why CloudFront refused; nothing was invalidated and nothing is billed."""

    THROTTLED = "throttled"  # too many calls: the same request may pass later
    QUOTA = "quota"  # too much in progress: the same request may pass later
    DENIED = "denied"  # not allowed, or anything else that an operator has to mend
    TOO_LARGE = "too large"  # more paths than one request takes
    INVALID = "invalid"  # a path is not understood
    CONFLICT = "conflict"  # the caller reference was used with other paths
    GONE = "gone"  # there is no such distribution


@dataclass(frozen=True, slots=True)
class Accepted:
    """CloudFront invalidates, or did so at `created_at`, when it first saw this reference."""

    invalidation: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """CloudFront refused."""

    refusal: Refusal
    text: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A timeout, a broken connection or a server error: CloudFront may have accepted."""

    text: str


Answer = Accepted | Refused | Unanswered
