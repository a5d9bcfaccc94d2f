"""Reads the facts about a stack and its surroundings, or says why the stack is not reached."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from pynamodb.exceptions import PynamoDBException

from edgesweep.aws.cloudfront import READING_CONFIG, Distributions
from edgesweep.aws.dynamodb import FlushTable, RoutesTable
from edgesweep.aws.s3 import Bucket, S3Listing, region_of
from edgesweep.errors import BadInput, EdgesweepError, NoStack
from edgesweep.flush.budget import month_of
from edgesweep.flush.others import NOBODY, Looks
from edgesweep.operate.doctor import diagnose
from edgesweep.operate.doctor.checks import DISTRIBUTIONS
from edgesweep.operate.doctor.facts import DOCTOR, Facts, Finding, Found, Harm, Place
from edgesweep.operate.doctor.kinds import KINDS
from edgesweep.operate.doctor.template import Resource, resolve
from edgesweep.operate.failures import failure
from edgesweep.operate.parameters import changed
from edgesweep.operate.stack import described, find_stack, is_released, parameters_of
from edgesweep.routes import Distribution
from edgesweep.routes.kept import Kept
from edgesweep.settings import Settings

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef

T = TypeVar("T")
Key = TypeVar("Key")

# In the codes of errors: each service has its own.
_GONE = re.compile("NonExistent|NoSuch|NotFound|DoesNotExist")

# The names of resources in the template, and their physical ids.
_IDS = "StackResourceSummaries[?PhysicalResourceId].[LogicalResourceId, PhysicalResourceId]"


def examine(session: boto3.Session, place: Place, now: datetime) -> Sequence[Finding]:
    """Return the faults of a stack, or why it is not reached; EdgesweepError if it is not ours."""
    try:
        session.client("sts").get_caller_identity()  # fails without valid credentials
    except (BotoCoreError, ClientError) as error:
        return [unreached(place, error)]
    try:
        found = described(session, place.stack)
    except NoStack:
        return [missing(place, _regions(session, place.stack))]
    place = replace(place, released=is_released(found))
    try:
        return diagnose(_Gatherer(session, place).facts(found, now))
    except BadInput as error:
        return [Finding("settings", Harm.DELAYS, str(error), place.deploy())]


def unreached(place: Place, error: Exception) -> Finding:
    """Return the finding that AWS does not answer, or else that the credentials do not work."""
    reason = failure(error) or str(error)
    answered = error.response if isinstance(error, ClientError) else {}
    code = answered.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    broken = code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if broken or isinstance(error, NoConnection | HTTPClientError):
        text = f"{reason}; check the network, and AWS_ENDPOINT_URL if that is set"
        return Finding("no-connection", Harm.DELAYS, text, place.command(DOCTOR), manual=True)
    command = f"aws sso login --profile {place.profile}" if place.profile else "aws configure"
    return Finding("credentials", Harm.DELAYS, reason, command, manual=True)


def missing(place: Place, regions: Iterable[str]) -> Finding:
    """Return the finding that the region has no stack, and where to look or how to deploy."""
    text = f"There is no stack {place.stack} in {place.region}"
    for region in regions:
        there = replace(place, region=region).command(DOCTOR)
        text = f"{text}, but there is one in {region}"
        return Finding("stack-elsewhere", Harm.DELAYS, text, there, manual=True)
    return Finding("no-stack", Harm.DELAYS, text, place.deploy(bucket="NAME"), manual=True)


def _regions(session: boto3.Session, stack: str) -> Iterator[str]:
    for region in session.get_available_regions("cloudformation"):
        # An error means no stack, or a region that the account has not enabled.
        with suppress(BotoCoreError, ClientError):
            cloudformation = session.client("cloudformation", region_name=region)
            if region != session.region_name and cloudformation.describe_stacks(StackName=stack):
                yield region


@dataclass(frozen=True, slots=True)
class _Gatherer:
    """Gathers facts; it notes the facts that it cannot read, and continues."""

    session: boto3.Session
    place: Place
    unseen: dict[str, str] = field(default_factory=dict)

    def facts(self, stack: "StackTypeDef", now: datetime) -> Facts:
        """Return all facts; BadInput if another version deployed settings that we cannot read."""
        seen, client, values = self._seen, self.session.client, parameters_of(stack)
        read = partial(client("cloudformation").get_template, StackName=self.place.stack)
        template = seen("The stack's template", lambda: read()["TemplateBody"]) or {}
        wanted = seen("The stack's resources", partial(self._wanted, template, values)) or ()
        configured = Settings.from_mapping(self._environment(wanted))
        account = seen("The account's concurrency", client("lambda").get_account_settings)
        limit = account["AccountLimit"] if account else {}
        journal = FlushTable(configured.flushes_table, self.session)
        s3, month = client("s3"), month_of(now)

        def each(what: str, look: Callable[[str], T | None]) -> Mapping[str, T]:
            return dict(self._each(configured.buckets, f"{what} of the bucket {{}}".format, look))

        return Facts(
            place=replace(self.place, parameters=changed(template, values)),
            configured=configured,
            status=stack["StackStatus"],
            resources=list(self._each(wanted, lambda one: f"{one.kind} {one.id}", self._found)),
            regions=each("The region", partial(region_of, s3)),
            notifications=each("Notifications", lambda name: Bucket(s3, name).notifications()),
            distributions=seen(DISTRIBUTIONS, partial(self._distributions, configured)) or (),
            keys=each("The keys", lambda name: S3Listing(s3).page(name, "", "")[0]),
            others=seen("The spending of others", lambda: journal.ledger(month).others) or NOBODY,
            looks=seen("Looks at others", journal.looks) or Looks(),
            unreserved=limit.get("UnreservedConcurrentExecutions"),
            unseen=self.unseen,
        )

    def _seen(self, what: str, look: Callable[[], T]) -> T | None:
        try:
            return look()
        except (BotoCoreError, ClientError, EdgesweepError, PynamoDBException) as error:
            self.unseen[what] = " ".join(str(error).split())
            return None

    def _each(
        self, things: Iterable[Key], what: Callable[[Key], str], look: Callable[[Key], T | None]
    ) -> Iterator[tuple[Key, T]]:
        for one in things:
            found = self._seen(what(one), partial(look, one))
            if found is not None:
                yield one, found

    def _wanted(self, template: Mapping[str, Any], values: Mapping[str, str]) -> Sequence[Resource]:
        pages = self.session.client("cloudformation").get_paginator("list_stack_resources")
        ids = dict(pages.paginate(StackName=self.place.stack).search(_IDS))
        caller = self.session.client("sts").get_caller_identity()
        pseudo = {
            "AWS::AccountId": caller["Account"],
            "AWS::Partition": caller["Arn"].split(":")[1],
            "AWS::Region": self.place.region,
            "AWS::StackName": self.place.stack,
        }
        resources = resolve(template, ids, {**values, **pseudo, **self._stream(ids)})
        return [one for one in resources if one.kind in KINDS]

    def _stream(self, ids: Mapping[str, str]) -> Mapping[str, str]:
        """Return the ARN of the dirty table's stream, if it has one; it follows from no id."""
        with suppress(ClientError, KeyError):
            found = self.session.client("dynamodb").describe_table(TableName=ids["DirtyTable"])
            return {"DirtyTable.StreamArn": found["Table"]["LatestStreamArn"]}
        return {}

    def _environment(self, wanted: Sequence[Resource]) -> Mapping[str, str]:
        """Return the environment of the flush function: as deployed, or else as it is now."""
        for one in wanted:
            if one.name == "FlushLambdaFunction":
                return dict(one.properties["Environment"]["Variables"])
        return find_stack(self.session, self.place.stack).environment

    def _found(self, wanted: Resource) -> Found:
        """Return the description of a resource, empty if it is gone."""
        try:
            return KINDS[wanted.kind].describe(self.session, wanted)
        except ClientError as error:
            if _GONE.search(error.response["Error"]["Code"]):
                return {}
            raise

    def _distributions(self, configured: Settings) -> Sequence[Distribution]:
        client = self.session.client("cloudfront", config=READING_CONFIG)
        buckets, only = configured.buckets, configured.distributions
        routes = RoutesTable(configured.flushes_table, self.session)
        kept = self._seen("The record of the distributions", routes.load) or Kept()
        # Their functions are not asked again, of which one look would ask some alone.
        known = {one.newest.id: one.newest for one in kept.tracked}
        named = Distributions(client, buckets, only).find(known) if only else ()
        found = (*named, *Distributions(client, buckets).find(known))
        return list({one.id: one for one in found}.values())
