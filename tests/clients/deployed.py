"""Edgesweep as it is deployed: its queue, functions and schedule sweep a bucket for each client."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from infra.local.aws import EmbeddedAws
from infra.local.watch import Watch
from tests.clients.listener import Listener
from tests.clients.table import Swept
from tests.e2e.conftest import Stack, await_true, make_distribution


class Deployed:
    """A stack that sweeps buckets, each behind a distribution of its own."""

    def __init__(self, aws: EmbeddedAws, buckets: Iterable[str]) -> None:
        self.aws, self._distributions = aws, {}
        self._listener = Listener(aws)
        for bucket in buckets:
            aws.client("s3").create_bucket(Bucket=bucket)
            self._distributions[bucket] = make_distribution(aws, bucket)
            edgesweep = Path(sys.executable).with_name("edgesweep")
            subprocess.run([edgesweep, "attach", bucket], env=aws.environment, check=True)
        buckets, distributions = self._distributions.keys(), self._distributions.values()
        # A dollar for a miss: no wildcard hits what did not change, on any day of a month.
        outputs = aws.deploy(
            "clients",
            bucket=",".join(buckets),
            distribution=",".join(distributions),
            missUsd="1",
        )
        self._stack = Stack(aws, outputs, "")
        self._known: set[str] = set()

    def changing(self) -> AbstractContextManager[None]:
        """Let the schedule rest, so that all of a step is swept at once."""
        return self._stack.resting_schedule()

    def sweep(self) -> Mapping[str, Swept]:
        """Wait until nothing waits any more."""
        watch = self._stack.watch
        await_true(lambda: not watch.waiting())
        events = self._listener.events(self._distributions)
        return {
            bucket: self._swept(identity, len(events[bucket]))
            for bucket, identity in self._distributions.items()
        }

    def _swept(self, distribution: str, events: int) -> Swept:
        watch = Watch(self.aws, {"Distribution": distribution})
        sent = [one for one in watch.invalidations() if one.identity not in self._known]
        self._known.update(one.identity for one in sent)
        return Swept(events, sent)
