"""Looks up, through boto3, what a doctor has to know of a stack and of what is around it."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice, takewhile
from typing import Any, TypeVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.errors import EdgesweepError
from edgesweep.flush.budget import month_bounds
from edgesweep.flush.journal import REFERENCE
from edgesweep.flush.notifications import Notifications
from edgesweep.operate.doctor import Facts, Place, Told
from edgesweep.operate.doctor.checks_around import DISTRIBUTIONS
from edgesweep.operate.doctor.describe import LOOKUPS
from edgesweep.operate.doctor.facts import Found
from edgesweep.operate.doctor.template import Account, Resource, given, resolve
from edgesweep.routes import Distribution

T = TypeVar("T")

# Invalidations of others that are looked at, each for its paths.
_MOST_FOREIGN = 300

_GONE = (
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchEntity",
    "NotFound",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How to look at what is around a stack.

    Attributes:
        leading: returns the distributions that lead to the swept buckets.
        named: returns those that were named and exist.
        ours: returns ids of invalidations of a distribution that are known to be ours.
        notifications: returns the notification configuration of a bucket.
        region: returns the region of a bucket, None if it cannot be had.
    """

    leading: Callable[[], Sequence[Distribution]]
    named: Callable[[], Sequence[Distribution]]
    ours: Callable[[str], Collection[str]]
    notifications: Callable[[str], Notifications]
    region: Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Looking:
    """Gathers facts; what cannot be seen is noted, and the rest is looked at all the same.

    Attributes:
        session: of the account and the region of the stack.
        place: how commands reach the stack.
        told: what the deployment was told.
        around: how to look at what is around it.
    """

    session: boto3.Session
    place: Place
    told: Told
    around: Surroundings
    _unseen: dict[str, str] = field(default_factory=dict, init=False)

    def facts(self, now: datetime) -> Facts:
        """Return all facts."""
        distributions = self._seen(DISTRIBUTIONS, self._distributions) or ()
        foreign = {
            one.id: self._seen(f"Invalidations of {one.id}", partial(self._foreign, one.id, now))
            for one in distributions
        }
        template = self._seen("The stack's template", self._template) or {}
        return Facts(
            place=replace(self.place, parameters=given(template)),
            told=self.told,
            status=self._seen("The stack's status", self._status) or "",
            resources=list(self._resources(template)),
            regions=self._of_buckets("The region", self.around.region),
            notifications=self._of_buckets("Notifications", self.around.notifications),
            distributions=distributions,
            foreign={identity: paths for identity, paths in foreign.items() if paths},
            unreserved=self._seen("The account's concurrency", self._unreserved),
            unseen=self._unseen,
        )

    def _seen(self, what: str, look: Callable[[], T]) -> T | None:
        try:
            return look()
        except (BotoCoreError, ClientError, EdgesweepError) as error:
            self._unseen[what] = " ".join(str(error).split())
            return None

    def _of_buckets(self, what: str, look: Callable[[str], T | None]) -> Mapping[str, T]:
        seen = {
            bucket: self._seen(f"{what} of the bucket {bucket}", partial(look, bucket))
            for bucket in self.told.buckets
        }
        return {bucket: found for bucket, found in seen.items() if found is not None}

    def _status(self) -> str:
        cloudformation = self.session.client("cloudformation")
        return cloudformation.describe_stacks(StackName=self.place.stack)["Stacks"][0][
            "StackStatus"
        ]

    def _template(self) -> Mapping[str, Any]:
        template: Any = self.session.client("cloudformation").get_template(
            StackName=self.place.stack
        )["TemplateBody"]
        # boto3 parses JSON, and hands out the text of what is none.
        parsed: Mapping[str, Any] = json.loads(template) if isinstance(template, str) else template
        return parsed

    def _resources(self, template: Mapping[str, Any]) -> Iterator[tuple[Resource, Found | None]]:
        for wanted in self._seen("The stack's resources", partial(self._wanted, template)) or ():
            found = self._seen(f"{wanted.kind} {wanted.id}", partial(self._found, wanted))
            if found is not None:
                yield wanted, found or None

    def _wanted(self, template: Mapping[str, Any]) -> Sequence[Resource]:
        cloudformation = self.session.client("cloudformation")
        pages = cloudformation.get_paginator("list_stack_resources").paginate(
            StackName=self.place.stack
        )
        ids = {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for page in pages
            for one in page["StackResourceSummaries"]
            if "PhysicalResourceId" in one
        }
        caller = self.session.client("sts").get_caller_identity()
        account = Account(caller["Account"], caller["Arn"].split(":")[1], self.place.region)
        return [one for one in resolve(template, ids, account) if one.kind in LOOKUPS]

    def _found(self, wanted: Resource) -> Found:
        """Return what there is of a resource, empty if it is gone."""
        try:
            return LOOKUPS[wanted.kind](self.session, wanted)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return {}
            raise

    def _distributions(self) -> Sequence[Distribution]:
        found = (*self.around.named(), *self.around.leading())
        return list({one.id: one for one in found}.values())

    def _unreserved(self) -> int:
        limits = self.session.client("lambda").get_account_settings()["AccountLimit"]
        return limits["UnreservedConcurrentExecutions"]

    def _foreign(self, distribution: str, now: datetime) -> int:
        """Return how many paths others have invalidated in this month."""
        client, ours = self.session.client("cloudfront"), self.around.ours(distribution)
        begin, _ = month_bounds(now)
        pages = client.get_paginator("list_invalidations").paginate(DistributionId=distribution)
        listed = (one for page in pages for one in page["InvalidationList"].get("Items", []))
        recent = takewhile(lambda one: one["CreateTime"] >= begin, listed)
        unknown = (one["Id"] for one in recent if one["Id"] not in ours)
        paths = 0
        for identity in islice(unknown, _MOST_FOREIGN):
            told = client.get_invalidation(DistributionId=distribution, Id=identity)
            batch = told["Invalidation"]["InvalidationBatch"]
            if not batch["CallerReference"].startswith(f"{REFERENCE} "):
                paths += batch["Paths"]["Quantity"]
        return paths
