"""The distributions that lead to the swept buckets, through boto3."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.aws.cloudfront.invalidations import DENIED
from edgesweep.errors import Undiscovered
from edgesweep.routes.config import buckets_of, cache_policies_of, is_for_tenants, read
from edgesweep.routes.distribution import Distribution, unread
from edgesweep.routes.probing import probed

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient

# Reading changes nothing, so botocore may retry.
DISCOVERY_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=5, read_timeout=20
)

# "When the status is Deployed, the distribution's information is fully propagated to all CloudFront
# edge locations." https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Distribution.html
_DEPLOYED = "Deployed"
_GONE = "NoSuchDistribution"
_NONE: Mapping[str, Distribution] = {}


@contextmanager
def _discovering() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Undiscovered(str(error)) from error


class Distributions:
    """The distributions that lead to some buckets, or to any if empty; or `only` some ids."""

    def __init__(
        self, client: "CloudFrontClient", buckets: Collection[str] = (), only: Sequence[str] = ()
    ) -> None:
        self._client = client
        self._buckets = buckets
        self._only = only

    def find(self, known: Mapping[str, Distribution] = _NONE) -> Mapping[Distribution, bool]:
        """Return the distributions as they are configured now, including disabled ones.

        A list may lag behind, so known ids are read directly. A distribution that the settings name
        but whose configuration we may not read counts as serving every object at any path. One for
        tenants only counts as disabled. Functions are asked unless `known` tells already.
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
            if code == _GONE:
                return None
            if code in DENIED and self._only:
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
