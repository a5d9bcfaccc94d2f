"""Edgesweep without a deployment: events are recorded in this process, and each row is a path."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from itertools import count

import boto3

from edgesweep import wiring
from edgesweep.aws.s3 import HEAD_CONFIG, S3Heads
from edgesweep.paths import quote
from edgesweep.record.recorder import Recorder
from edgesweep.record.unchanged import UnchangedFilter
from infra.local.aws import REGION, EmbeddedAws
from infra.local.watch import Invalidation
from tests.clients.listener import Listener
from tests.clients.table import Swept
from tests.fakes.catalogue import CatalogueInMemory
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.routes import routes_in_memory


class Recorded:
    """Buckets of an embedded AWS, whose events this process records."""

    def __init__(self, aws: EmbeddedAws, buckets: Iterable[str]) -> None:
        self.aws, self._rows, tokens = aws, DirtyRowsInMemory(), count(1)
        self._listener = Listener(aws)
        self._buckets = list(buckets)
        for bucket in self._buckets:
            aws.client("s3").create_bucket(Bucket=bucket)
            aws.client("s3").put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )
        session = boto3.Session("test", "test", region_name=REGION)
        heads = S3Heads(session.client("s3", endpoint_url=aws.endpoint, config=HEAD_CONFIG), None)
        self._recorder = Recorder(
            routes_in_memory(dict.fromkeys(self._buckets, ("E1",))),
            self._rows,
            lambda: f"{next(tokens):08x}",
            unchanged=UnchangedFilter(CatalogueInMemory(), heads, wiring.row_token, wiring.now),
        )

    def changing(self) -> nullcontext[None]:
        """Nothing happens by itself."""
        return nullcontext()

    def sweep(self) -> Mapping[str, Swept]:
        """Record the events of each bucket."""
        events = self._listener.events(self._buckets)
        return {
            bucket: Swept(len(bodies), [self._record(bodies)]) for bucket, bodies in events.items()
        }

    def _record(self, bodies: Iterable[str]) -> Invalidation:
        before, now = len(self._rows.rows), wiring.now()
        messages = {str(number): body for number, body in enumerate(bodies)}
        assert not self._recorder.record(messages, now).failed
        keys = {row.change.key for row in [*self._rows.rows][before:]}
        return Invalidation("", now, sorted(quote(f"/{key}") for key in keys))
