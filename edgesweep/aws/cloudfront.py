"""CloudFront through boto3: distributions, invalidations, and the answers to ours as data."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from edgesweep.errors import Busy, Undiscovered, Unreadable
from edgesweep.flush.others import Mark
from edgesweep.flush.sender import Accepted, Answer, Refusal, Refused, Unanswered
from edgesweep.routes.config import buckets_of, cache_policies_of, is_for_tenants, read
from edgesweep.routes.distribution import Distribution, unread
from edgesweep.routes.probing import probed

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient

# Reading changes nothing, so botocore may retry; all attempts end before a lease does.
READING_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=2, read_timeout=6
)

# "When the status is Deployed, the distribution's information is fully propagated to all CloudFront
# edge locations." https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Distribution.html
_DEPLOYED = "Deployed"
_NONE: Mapping[str, Distribution] = {}

# One HTTP attempt: botocore's own retries would hide an answer, and with it a charge.
CLIENT_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)

# The errors that CreateInvalidation documents, and those of every AWS API:
# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
_REFUSALS = {
    **dict.fromkeys(("Throttling", "ThrottlingException"), Refusal.THROTTLED),
    **dict.fromkeys(("TooManyRequestsException", "RequestLimitExceeded"), Refusal.THROTTLED),
    "TooManyInvalidationsInProgress": Refusal.QUOTA,
    "BatchTooLarge": Refusal.TOO_LARGE,
    "InvalidArgument": Refusal.INVALID,
    "InvalidationBatchAlreadyExists": Refusal.CONFLICT,
    "NoSuchDistribution": Refusal.GONE,
}
_FIRST_SERVER_ERROR = 500
_DENIED = ("AccessDenied", "AccessDeniedException")
_GONE = ("NoSuchDistribution", "NoSuchInvalidation")
_DONE = "Completed"


@contextmanager
def _discovering() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Undiscovered(str(error)) from error


class Distributions:
    """Finds the distributions that lead to the buckets, or to any if empty; or `only` some ids."""

    def __init__(
        self, client: "CloudFrontClient", buckets: Collection[str] = (), only: Sequence[str] = ()
    ) -> None:
        self._client = client
        self._buckets = buckets
        self._only = only

    def find(self, known: Mapping[str, Distribution] = _NONE) -> Mapping[Distribution, bool]:
        """Return the distributions as they are configured now, including disabled ones.

        A list may lag behind, so known ids are read directly. A distribution that the settings name
        but whose configuration we may not read counts as serving every object at any path. One that
        is for tenants only counts as disabled. Functions are asked unless `known` says already.
        """
        with _discovering():
            identities = self._only or dict.fromkeys((*self._leading(), *known))
            described = {name: self._described(name) for name in identities}
            found = self._read({name: one for name, one in described.items() if one is not None})
        return dict(zip(probed(found.keys(), known.values(), self), found.values(), strict=True))

    def live(self, name: str) -> tuple[str, bool]:
        with _discovering():
            found = self._client.describe_function(Name=name, Stage="LIVE")
        stores = found["FunctionSummary"]["FunctionConfig"].get("KeyValueStoreAssociations", {})
        return found["ETag"], stores.get("Quantity", 0) > 0

    def run(self, name: str, version: str, event: str) -> str:
        with _discovering():
            result = self._client.test_function(
                Name=name, IfMatch=version, Stage="LIVE", EventObject=event.encode()
            )["TestResult"]
        return "" if result.get("FunctionErrorMessage") else result.get("FunctionOutput", "")

    def _leading(self) -> Iterator[str]:
        for page in self._client.get_paginator("list_distributions").paginate():
            for summary in page["DistributionList"].get("Items", []):
                if is_for_tenants(summary):
                    continue
                leads_to = set(buckets_of(summary))
                if leads_to & set(self._buckets or leads_to):
                    yield summary["Id"]

    def _described(self, identity: str) -> Mapping[str, Any] | None:
        """Return a distribution, empty if we may not read it; None if there is none."""
        try:
            return self._client.get_distribution(Id=identity)["Distribution"]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _GONE:
                return None
            if code in _DENIED and self._only:
                return {}
            raise

    def _read(self, described: Mapping[str, Mapping[str, Any]]) -> Mapping[Distribution, bool]:
        configs = [one["DistributionConfig"] for one in described.values() if one]
        names = {policy for config in configs for policy in cache_policies_of(config)}
        asked = {name: self._client.get_cache_policy(Id=name) for name in sorted(names)}
        policies = {name: one["CachePolicy"]["CachePolicyConfig"] for name, one in asked.items()}
        understood = partial(read, buckets=self._buckets, policies=policies, named=bool(self._only))
        return {
            understood(name, one["DistributionConfig"]) if one else unread(name, self._buckets): (
                not one or one["Status"] == _DEPLOYED
            )
            for name, one in described.items()
        }


class Invalidations:
    """Reads the invalidations of distributions; a distribution that is gone has none."""

    def __init__(self, client: "CloudFrontClient") -> None:
        self._client = client

    def invalidations(self, distribution: str, after: str) -> tuple[Sequence[Mark], bool]:
        begin = {"Marker": after} if after else {}
        ask = partial(self._client.list_invalidations, DistributionId=distribution, **begin)
        page = self._answer(ask).get("InvalidationList", {})
        marks = [Mark(one["CreateTime"], one["Id"]) for one in page.get("Items", ())]
        return marks, page.get("IsTruncated", False)

    def invalidation(self, distribution: str, identity: str) -> tuple[str, int]:
        batch = self._one(distribution, identity).get("InvalidationBatch")
        return (batch["CallerReference"], batch["Paths"]["Quantity"]) if batch else ("", 0)

    def in_progress(self, distribution: str, invalidation: str) -> bool:
        try:
            return bool(self._one(distribution, invalidation).get("Status", _DONE) != _DONE)
        except ClientError as error:
            if _REFUSALS.get(error.response["Error"]["Code"]) is not Refusal.THROTTLED:
                raise
            return True  # it counts until CloudFront says that it does not

    def _one(self, distribution: str, identity: str) -> Mapping[str, Any]:
        ask = partial(self._client.get_invalidation, DistributionId=distribution, Id=identity)
        one: Mapping[str, Any] = self._answer(ask).get("Invalidation", {})
        return one

    def _answer(self, call: Callable[[], Any]) -> Mapping[str, Any]:
        """Return CloudFront's answer, empty for something that is gone."""
        try:
            answer: Mapping[str, Any] = call()
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            return {}
        return answer


class Account(Invalidations):
    """See `edgesweep.flush.auditing.Account`; the client must not repeat calls by itself."""

    def distributions(self) -> Iterator[Mapping[str, bool]]:
        pages = iter(self._client.get_paginator("list_distributions").paginate())
        while page := self._answer(partial(next, pages, {})):
            items = page["DistributionList"].get("Items", ())
            yield {one["Id"]: is_for_tenants(one) for one in items}

    def _answer(self, call: Callable[[], Any]) -> Mapping[str, Any]:
        try:
            return super()._answer(call)
        except ClientError as error:
            denied = error.response["Error"]["Code"] in _DENIED
            raise (Unreadable if denied else Busy)(str(error)) from error
        except BotoCoreError as error:
            raise Busy(str(error)) from error


class CloudFront(Invalidations):
    """See `edgesweep.flush.sender.Edge`; the client must ask `once`, and a `reader` may repeat."""

    def __init__(self, once: "CloudFrontClient", reader: "CloudFrontClient | None" = None) -> None:
        super().__init__(reader or once)
        self._once = once

    def invalidate(self, distribution: str, paths: Sequence[str], reference: str) -> Answer:
        try:
            response = self._once.create_invalidation(
                DistributionId=distribution,
                InvalidationBatch={
                    "Paths": {"Quantity": len(paths), "Items": list(paths)},
                    "CallerReference": reference,
                },
            )
        except ClientError as error:
            return _refused(error)
        except (BotoCoreError, ResponseParserError) as error:
            return Unanswered(str(error))
        created = response.get("Invalidation", {})
        if not {"Id", "CreateTime"} <= created.keys():
            return Unanswered(f"CloudFront's answer names no invalidation: {created}")
        return Accepted(created["Id"], created["CreateTime"])

    def look_up(
        self, distribution: str, reference: str, since: datetime, keep: Callable[[], None]
    ) -> Accepted | None:
        # The list has no caller references, so we read each invalidation. "results are returned in
        # decreasing order from most recent to oldest"; a deleted distribution has none.
        # https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ListInvalidations.html
        after, more = "", True
        while more:
            page, more = self.invalidations(distribution, after)
            for one in page:
                if one.created_at < since:
                    return None
                keep()
                if self.invalidation(distribution, one.id)[0] == reference:
                    return Accepted(one.id, one.created_at)
                after = one.id
        return None


def _refused(error: ClientError) -> Answer:
    text = f"{error.response['Error']['Code']}: {error.response['Error'].get('Message', '')}"
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _FIRST_SERVER_ERROR:
        return Unanswered(text)
    refusal = _REFUSALS.get(error.response["Error"]["Code"], Refusal.DENIED)
    # CloudFront reports a reference used with other paths under the name InvalidArgument.
    if refusal is Refusal.INVALID and "caller reference" in text.lower():
        refusal = Refusal.CONFLICT
    return Refused(refusal, text)
