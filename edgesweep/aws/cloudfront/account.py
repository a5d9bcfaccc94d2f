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


class Account:
    """See `edgesweep.flush.auditing.Account`; the client must not repeat calls by itself."""

    def __init__(self, client: "CloudFrontClient") -> None:
        self._client = client

    def distributions(self) -> Iterator[Mapping[str, bool]]:
        pages = iter(self._client.get_paginator("list_distributions").paginate())
        while page := _answer(partial(next, pages, {})):
            items = page["DistributionList"].get("Items", ())
            yield {one["Id"]: is_for_tenants(one) for one in items}

    def invalidations(self, distribution: str, after: str) -> tuple[Sequence[Mark], bool]:
        begin = {"Marker": after} if after else {}
        found = _answer(
            partial(self._client.list_invalidations, DistributionId=distribution, **begin)
        )
        page = found.get("InvalidationList", {})
        marks = [Mark(one["CreateTime"], one["Id"]) for one in page.get("Items", ())]
        return marks, page.get("IsTruncated", False)

    def invalidation(self, distribution: str, identity: str) -> tuple[str, int]:
        found = _answer(
            partial(self._client.get_invalidation, DistributionId=distribution, Id=identity)
        )
        batch = found.get("Invalidation", {}).get("InvalidationBatch")
        return (batch["CallerReference"], batch["Paths"]["Quantity"]) if batch else ("", 0)


def _answer(call: Callable[[], Any]) -> Mapping[str, Any]:
    """Return CloudFront's answer, empty for something that is gone."""
    try:
        answer: Mapping[str, Any] = call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _GONE:
            return {}
        raise (Unreadable if code in DENIED else Busy)(str(error)) from error
    except BotoCoreError as error:
        raise Busy(str(error)) from error
    return answer
