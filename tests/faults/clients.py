"""AWS as a process reaches it through boto3: CloudFront, S3, and the sessions that make clients."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from edgesweep.errors import Unlistable
from tests.fakes.cloudfront import FULL, Made, Pages, StrictCloudFront, refusal
from tests.faults.account import Account
from tests.faults.process import NoAnswer, here
from tests.faults.queues import Queues
from tests.faults.site import Site
from tests.faults.tables import Watch
from tests.faults.world import World

_REGION = "us-east-1"


class Weathered(ClientError):
    """An answer that the weather has made."""


class CloudFrontClient:
    """CloudFront's boto3 client in a process.

    Attributes:
        made: every invalidation that was made for it, in the order of creation.
        full_at: when it was refused since too much was in progress.
        attempts: how often it asks for itself before it tells that it was not answered.
    """

    attempts = 1

    def __init__(self, world: World, edge: StrictCloudFront, account: Account) -> None:
        self._world = world
        self._edge = edge
        self._account = account
        self.watch: Watch = lambda _: None
        self.made: list[Made] = []
        self.full_at: list[datetime] = []

    def create_invalidation(self, **request: Any) -> Mapping[str, Any]:
        """Ask once."""

        def create() -> Mapping[str, Any]:
            before = len(self._edge.made)
            try:
                answer = self._edge.create_invalidation(**request)
            except ClientError as error:
                if FULL in str(error):
                    self.full_at.append(self._world.now)
                raise
            self.made += self._edge.made[before:]
            self.watch(None)
            return answer

        return self._call("edge.create", create, self._world.weather.deaf)

    def get_invalidation(self, **request: Any) -> Mapping[str, Any]:
        """Ask how far it is."""
        deaf = self._world.weather.deaf
        return self._call("edge.get", lambda: self._edge.get_invalidation(**request), deaf)

    def list_invalidations(self, **request: Any) -> Mapping[str, Any]:
        """Ask what there is."""
        deaf = self._world.weather.deaf
        return self._call("edge.list", lambda: self._edge.list_invalidations(**request), deaf)

    def get_paginator(self, operation: str) -> Any:
        """Return a paginator over what there is."""
        if operation == "list_distributions":
            return SimpleNamespace(paginate=self._distributions)
        return Pages(self.list_invalidations)

    def get_distribution(self, **request: Any) -> Mapping[str, Any]:
        """Ask how a distribution is configured, and whether it is deployed."""
        process = here()

        def describe() -> Mapping[str, Any]:
            told = self._account.get_distribution(**request)
            process.looked[request["Id"]] = self._account.newest(request["Id"])
            return told

        return self._call("edge.describe", describe)

    def _distributions(self, **request: Any) -> Iterator[Mapping[str, Any]]:
        yield self._call("edge.distributions", lambda: self._account.list_distributions(**request))

    def _call(
        self, name: str, execute: Callable[[], Mapping[str, Any]], deaf: float = 0.0
    ) -> Mapping[str, Any]:
        for _ in range(self.attempts - 1):
            with suppress(ReadTimeoutError, Weathered):
                return here().call(name, execute, self._unanswered, self._busy, deaf)
        return here().call(name, execute, self._unanswered, self._busy, deaf)

    def _unanswered(self, name: str) -> Exception:
        if self._world.random.getrandbits(1):
            return ReadTimeoutError(endpoint_url=name)
        failed = refusal("ServiceUnavailable", "CloudFront encountered an internal error.", 503)
        return Weathered(failed.response, failed.operation_name)

    def _busy(self) -> Exception:
        code = self._world.random.choice(["Throttling", "AccessDenied"])
        busy = refusal(code, "Rate exceeded", 400)
        return Weathered(busy.response, busy.operation_name)


class Listing:
    """Lists what is in the buckets, a page of a few keys at a time; some pages are refused."""

    def __init__(self, site: Site, world: World) -> None:
        self._site = site
        self._world = world

    def page(self, bucket: str, prefix: str, after: str) -> tuple[Sequence[str], bool]:
        """Return the first keys under `prefix` that sort after `after`, and whether more follow."""

        def look() -> tuple[Sequence[str], bool]:
            now = self._world.now
            there = (key for name, key in self._site.names if name == bucket)
            found = [
                key
                for key in sorted(there, key=str.encode)
                if key.startswith(prefix) and key > after and self._site.at((bucket, key), now)
            ]
            return found[:4], len(found) > 4

        try:
            return here().call("s3.list", look)
        except NoAnswer as error:
            raise Unlistable(bucket, str(error)) from error


class S3Client:
    """S3's boto3 client: every bucket is in our region.

    Args:
        unwired: the buckets that publish no events.
    """

    meta = SimpleNamespace(region_name=_REGION)

    def __init__(self, unwired: Collection[str]) -> None:
        self._unwired = unwired

    def head_bucket(self, **_: object) -> Mapping[str, Any]:
        """Tell where the bucket is."""
        return {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": _REGION}}}

    def get_bucket_notification_configuration(self, *, Bucket: str) -> Mapping[str, Any]:
        """Tell what hears of its changes."""
        return here().call(
            "s3.notifications",
            lambda: {} if Bucket in self._unwired else {"EventBridgeConfiguration": {}},
        )


class CloudWatchClient:
    """CloudWatch's boto3 client, which knows of the queue alone."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def get_metric_statistics(self, *, StartTime: datetime, **_: object) -> Mapping[str, Any]:
        """Tell how old the oldest message was."""

        def look() -> Mapping[str, Any]:
            age = self._queues.oldest(StartTime).total_seconds()
            return {"Datapoints": [{"Maximum": age}] if age else []}

        return here().call("cloudwatch.age", look)


class EventsClient:
    """EventBridge's boto3 client; an event may be lost on its way.

    Attributes:
        asked: the detail of each event that it was asked to take, in order.
    """

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []

    def put_events(
        self, *, Entries: Sequence[Mapping[str, str]]
    ) -> Mapping[str, Any]:  # as boto3 names it
        """Take an event."""
        self.asked += [json.loads(one["Detail"]) for one in Entries]
        return here().call("events.put", lambda: {"FailedEntryCount": 0, "Entries": [{}]})


class Boto3:
    """The module and its sessions, as far as the functions use them."""

    def __init__(self, **clients: object) -> None:
        self._clients = clients

    def Session(self) -> "Boto3":  # noqa: N802  # boto3's name
        """Return a session."""
        return self

    def client(self, service: str, config: Config | None = None) -> Any:
        """Return a client of a service, which asks as often as it is configured to."""
        client = self._clients[service]
        if not isinstance(client, CloudFrontClient):
            return client
        client = copy(client)
        client.attempts = getattr(config, "retries", {}).get("total_max_attempts", 1)
        return client
