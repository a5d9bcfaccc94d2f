"""Reads the facts about a stack and its surroundings from AWS."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice, takewhile
from typing import Any, TypeVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from edgesweep.aws.cloudfront import DISCOVERY_CONFIG, Distributions
from edgesweep.aws.s3 import Bucket, region_of
from edgesweep.errors import EdgesweepError
from edgesweep.flush.budget import month_bounds
from edgesweep.flush.journal import REFERENCE
from edgesweep.operate.doctor.checks_around import DISTRIBUTIONS
from edgesweep.operate.doctor.facts import Facts, Found, Place
from edgesweep.operate.doctor.kinds import KINDS
from edgesweep.operate.doctor.template import Account, Resource, given, resolve
from edgesweep.operate.history import History
from edgesweep.routes import Distribution
from edgesweep.settings import Settings

T = TypeVar("T")

# Flushes of each distribution that are read; older or unknown ones are read one by one.
_FLUSHES_KNOWN = 1_000
# Invalidations by other tools whose paths are counted.
_MOST_FOREIGN = 300

_GONE = (
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
    "NoSuchEntity",
    "NotFound",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
)


@dataclass(frozen=True, slots=True)
class Gatherer:
    """Gathers facts; it notes those that it cannot read and goes on.

    Attributes:
        session: of the account and the region of the stack.
        place: how commands reach the stack.
        configured: its deployed settings.
    """

    session: boto3.Session
    place: Place
    configured: Settings
    _unseen: dict[str, str] = field(default_factory=dict, init=False)

    def facts(self, now: datetime) -> Facts:
        """Return all facts."""
        template = self._seen("The stack's template", self._template) or {}
        distributions = self._seen(DISTRIBUTIONS, self._distributions) or ()
        named = [one.id for one in distributions]
        buckets, s3 = self.configured.buckets, self.session.client("s3")
        bucket = "of the bucket"
        return Facts(
            place=replace(self.place, parameters=given(template)),
            configured=self.configured,
            status=self._seen("The stack's status", self._status) or "",
            resources=list(self._resources(template)),
            regions=self._each(f"The region {bucket}", buckets, partial(region_of, s3)),
            notifications=self._each(
                f"Notifications {bucket}", buckets, lambda name: Bucket(s3, name).notifications()
            ),
            distributions=distributions,
            foreign=self._each("Invalidations of", named, partial(self._foreign, now)),
            unreserved=self._seen("The account's concurrency", self._unreserved),
            unseen=self._unseen,
        )

    def _seen(self, what: str, look: Callable[[], T]) -> T | None:
        try:
            return look()
        except (BotoCoreError, ClientError, EdgesweepError) as error:
            self._unseen[what] = " ".join(str(error).split())
            return None

    def _each(
        self, what: str, names: Sequence[str], look: Callable[[str], T | None]
    ) -> Mapping[str, T]:
        seen = {name: self._seen(f"{what} {name}", partial(look, name)) for name in names}
        return {name: found for name, found in seen.items() if found is not None}

    def _status(self) -> str:
        stacks = self.session.client("cloudformation").describe_stacks(StackName=self.place.stack)
        return stacks["Stacks"][0]["StackStatus"]

    def _template(self) -> Mapping[str, Any]:
        cloudformation = self.session.client("cloudformation")
        body: Any = cloudformation.get_template(StackName=self.place.stack)["TemplateBody"]
        # boto3 parses a JSON template, and returns any other as text.
        parsed: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
        return parsed

    def _resources(self, template: Mapping[str, Any]) -> Iterator[tuple[Resource, Found | None]]:
        for wanted in self._seen("The stack's resources", partial(self._wanted, template)) or ():
            found = self._seen(f"{wanted.kind} {wanted.id}", partial(self._found, wanted))
            if found is not None:
                yield wanted, found or None

    def _wanted(self, template: Mapping[str, Any]) -> Sequence[Resource]:
        pages = self.session.client("cloudformation").get_paginator("list_stack_resources")
        ids = {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for page in pages.paginate(StackName=self.place.stack)
            for one in page["StackResourceSummaries"]
            if "PhysicalResourceId" in one
        }
        caller = self.session.client("sts").get_caller_identity()
        account = Account(caller["Account"], caller["Arn"].split(":")[1], self.place.region)
        return [one for one in resolve(template, ids, account) if one.kind in KINDS]

    def _found(self, wanted: Resource) -> Found:
        """Return the description of a resource, empty if it is gone."""
        try:
            return KINDS[wanted.kind].describe(self.session, wanted)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return {}
            raise

    def _distributions(self) -> Sequence[Distribution]:
        client = self.session.client("cloudfront", config=DISCOVERY_CONFIG)
        buckets, only = self.configured.buckets, self.configured.distributions
        named = Distributions(client, buckets, only).find() if only else ()
        found = (*named, *Distributions(client, buckets).find())
        return list({one.distribution.id: one.distribution for one in found}.values())

    def _unreserved(self) -> int:
        limits = self.session.client("lambda").get_account_settings()["AccountLimit"]
        return limits["UnreservedConcurrentExecutions"]

    def _foreign(self, now: datetime, distribution: str) -> int:
        """Return how many paths other tools have invalidated this month."""
        client, ours = self.session.client("cloudfront"), self._ours(distribution)
        begin, _ = month_bounds(now)
        pages = client.get_paginator("list_invalidations").paginate(DistributionId=distribution)
        listed = (one for page in pages for one in page["InvalidationList"].get("Items", []))
        recent = takewhile(lambda one: one["CreateTime"] >= begin, listed)
        unknown = (one["Id"] for one in recent if one["Id"] not in ours)
        paths = 0
        for identity in islice(unknown, _MOST_FOREIGN):
            got = client.get_invalidation(DistributionId=distribution, Id=identity)
            batch = got["Invalidation"]["InvalidationBatch"]
            if not batch["CallerReference"].startswith(f"{REFERENCE} "):
                paths += batch["Paths"]["Quantity"]
        return paths

    def _ours(self, distribution: str) -> Collection[str]:
        """Return ids of our invalidations, none if the journal cannot be read."""
        history = History(self.configured.flushes_table)
        try:
            flushes = list(history.newest(distribution, _FLUSHES_KNOWN))
        except PynamoDBException:
            return ()
        return {request.id for flush in flushes for request in flush.accepted}
