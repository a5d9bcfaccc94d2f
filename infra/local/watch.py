"""Waits until changes are swept, and checks the sweep without the code that did it."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from infra.local.aws import EmbeddedAws, LocalError

_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Invalidation:
    """An invalidation as CloudFront describes it.

    Attributes:
        identity: its id.
        created_at: when CloudFront took it.
        paths: its paths, quoted.
    """

    identity: str
    created_at: datetime
    paths: Sequence[str]

    def matches(self, viewer_path: str) -> bool:
        """Tell whether one of the paths is, or begins, a decoded viewer path."""
        return any(_matches(path, viewer_path) for path in self.paths)


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at a deployed stack from outside, with the permissions of the account's root user.

    Args:
        aws: where the stack is deployed.
        outputs: the stack's outputs.
    """

    aws: EmbeddedAws
    outputs: Mapping[str, str]

    def invalidations(self) -> Sequence[Invalidation]:
        """Return every invalidation of the distribution, the oldest first."""
        return sorted(self._invalidations(), key=lambda invalidation: invalidation.created_at)

    def waiting(self) -> int:
        """Return how many messages and dirty rows are not swept yet."""
        rows = self.aws.client("dynamodb").scan(
            TableName=self.outputs["DirtyTable"], Select="COUNT", ConsistentRead=True
        )
        return int(rows["Count"]) + self.messages()

    def messages(self) -> int:
        """Return how many messages are not recorded yet."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        waiting = self.aws.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs["QueueUrl"], AttributeNames=names
        )["Attributes"]
        return sum(int(waiting[name]) for name in names)

    def await_sweep(self, changes: Mapping[str, datetime], seconds: float) -> None:
        """Return once every change was invalidated and nothing waits any more.

        Args:
            changes: when each decoded viewer path changed last.
            seconds: how long to wait at most.

        Raises:
            LocalError: it did not happen; the text names a change that was missed.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.waiting() and not uncovered(changes, self.invalidations()):
                return
            time.sleep(_POLL_SECONDS)
        missed = uncovered(changes, self.invalidations())
        msg = (
            f"After {seconds:.0f} s {len(missed)} of {len(changes)} changes are not invalidated "
            f"(such as {missed[:1]}) and {self.waiting()} messages and rows wait, "
            f"see {self.aws.log}"
        )
        raise LocalError(msg)

    def _invalidations(self) -> Iterator[Invalidation]:
        cloudfront = self.aws.client("cloudfront")
        distribution = self.outputs["Distribution"]
        pages = cloudfront.get_paginator("list_invalidations").paginate(DistributionId=distribution)
        for summary in (item for page in pages for item in _items(page["InvalidationList"])):
            told = cloudfront.get_invalidation(DistributionId=distribution, Id=summary["Id"])
            batch = told["Invalidation"]["InvalidationBatch"]
            created_at = told["Invalidation"]["CreateTime"]
            yield Invalidation(summary["Id"], created_at, tuple(batch["Paths"]["Items"]))


def uncovered(
    changes: Mapping[str, datetime], invalidations: Iterable[Invalidation]
) -> Sequence[str]:
    """Return the changed viewer paths that no invalidation created after the change matches."""
    invalidations = tuple(invalidations)
    return [
        path
        for path, changed_at in changes.items()
        if not any(sent.created_at >= changed_at and sent.matches(path) for sent in invalidations)
    ]


def _items(listing: Mapping[str, Sequence[Mapping[str, str]]]) -> Sequence[Mapping[str, str]]:
    return listing.get("Items", [])


def _matches(path: str, viewer_path: str) -> bool:
    if path.endswith("*"):
        return viewer_path.startswith(unquote(path[:-1]))
    return viewer_path == unquote(path)
