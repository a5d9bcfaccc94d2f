"""Invalidations through boto3: those of the account, and the answers to ours as data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from edgesweep.errors import Busy, Unreadable
from edgesweep.flush.answers import Accepted, Answer, Refusal, Refused, Unanswered
from edgesweep.flush.others import Mark
from edgesweep.routes.config import is_for_tenants

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient

# One HTTP attempt: botocore's own retries would hide an answer, and with it a charge.
CLIENT_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)

# The errors that CreateInvalidation documents, and those of every AWS API:
# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
_REFUSALS = {
    "Throttling": Refusal.THROTTLED,
    "ThrottlingException": Refusal.THROTTLED,
    "TooManyRequestsException": Refusal.THROTTLED,
    "RequestLimitExceeded": Refusal.THROTTLED,
    "TooManyInvalidationsInProgress": Refusal.QUOTA,
    "BatchTooLarge": Refusal.TOO_LARGE,
    "InvalidArgument": Refusal.INVALID,
    "InvalidationBatchAlreadyExists": Refusal.CONFLICT,
    "NoSuchDistribution": Refusal.GONE,
}
_FIRST_SERVER_ERROR = 500
DENIED = ("AccessDenied", "AccessDeniedException")
_GONE = ("NoSuchDistribution", "NoSuchInvalidation")
_DONE = "Completed"


class Invalidations:
    """The invalidations of distributions; of one that is gone there are none."""

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
        return bool(self._one(distribution, invalidation).get("Status", _DONE) != _DONE)

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
            denied = error.response["Error"]["Code"] in DENIED
            raise (Unreadable if denied else Busy)(str(error)) from error
        except BotoCoreError as error:
            raise Busy(str(error)) from error


class CloudFront(Invalidations):
    """See `edgesweep.flush.sender.Edge`."""

    def invalidate(self, distribution: str, paths: Sequence[str], reference: str) -> Answer:
        try:
            response = self._client.create_invalidation(
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
        # A list lacks references, so each is read by itself. "results are returned in decreasing
        # order from most recent to oldest"; of a deleted distribution none can be found.
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
