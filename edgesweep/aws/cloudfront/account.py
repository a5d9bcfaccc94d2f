"""All distributions of the account and their invalidations, through boto3."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.errors import Busy, Unreadable
from edgesweep.flush.others import Mark
from edgesweep.routes.config import is_for_tenants

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient

DENIED = ("AccessDenied", "AccessDeniedException")
_GONE = ("NoSuchDistribution", "NoSuchInvalidation")
_DONE = "Completed"


class Invalidations:
    """The invalidations of distributions; of one that is gone there are none."""

    def __init__(self, client: "CloudFrontClient") -> None:
        self._client = client

    def invalidations(self, distribution: str, after: str) -> tuple[Sequence[Mark], bool]:
        begin = {"Marker": after} if after else {}
        found = self._answer(
            partial(self._client.list_invalidations, DistributionId=distribution, **begin)
        )
        page = found.get("InvalidationList", {})
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
