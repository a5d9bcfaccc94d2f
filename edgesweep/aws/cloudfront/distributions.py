"""Distributions through boto3: which of them lead to the buckets that are swept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.flush.discovery import Undiscovered
from edgesweep.routes import Distribution, everywhere
from edgesweep.routes.config import buckets_of, cache_policies_of, has_query_strings, read

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient

# Reading changes nothing, so botocore may try again.
DISCOVERY_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=5, read_timeout=20
)

_GONE = "NoSuchDistribution"
_DENIED = ("AccessDenied", "AccessDeniedException")
# A distribution for tenants takes invalidations by tenant, not by distribution.
_FOR_TENANTS = "tenant-only"


class Distributions:
    """The distributions of one account that lead to some buckets.

    Args:
        client: with `DISCOVERY_CONFIG`.
        buckets: the buckets that are swept; all of them unless given.
        only: ids of the distributions to read; all that lead to the buckets unless given.
    """

    def __init__(
        self, client: "CloudFrontClient", buckets: Collection[str] = (), only: Sequence[str] = ()
    ) -> None:
        self._client = client
        self._buckets = buckets
        self._only = only

    def find(self) -> Sequence[Distribution]:
        """Return the distributions as they are configured now, the disabled ones included.

        One that is named and whose configuration may not be read is taken to serve every object.

        Raises:
            Undiscovered: CloudFront did not answer, or refused.
        """
        try:
            identities = self._only or list(self._leading())
            configs = {identity: self._config(identity) for identity in identities}
            found = {identity: config for identity, config in configs.items() if config is not None}
            return self._read(found)
        except (BotoCoreError, ClientError) as error:
            msg = f"The distributions cannot be read: {error}"
            raise Undiscovered(msg) from error

    def _leading(self) -> Iterator[str]:
        """Yield the ids of the distributions that lead to the buckets."""
        for page in self._client.get_paginator("list_distributions").paginate():
            for summary in page["DistributionList"].get("Items", []):
                if summary.get("ConnectionMode") == _FOR_TENANTS:
                    continue
                leads_to = set(buckets_of(summary))
                if leads_to & set(self._buckets or leads_to):
                    yield summary["Id"]

    def _config(self, identity: str) -> Mapping[str, Any] | None:
        """Return a configuration, empty if it may not be read; None without the distribution."""
        try:
            return self._client.get_distribution_config(Id=identity)["DistributionConfig"]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == _GONE:
                return None
            if code in _DENIED and self._only:
                return {}
            raise

    def _read(self, configs: Mapping[str, Mapping[str, Any]]) -> Sequence[Distribution]:
        readable = [config for config in configs.values() if config]
        policies = {policy for config in readable for policy in cache_policies_of(config)}
        query_strings = {policy: self._has_query_strings(policy) for policy in sorted(policies)}
        return [
            read(identity, config, self._buckets, query_strings)
            if config
            else everywhere([identity], self._buckets).known[0]
            for identity, config in configs.items()
        ]

    def _has_query_strings(self, policy: str) -> bool:
        found = self._client.get_cache_policy(Id=policy)["CachePolicy"]
        return has_query_strings(found["CachePolicyConfig"])
