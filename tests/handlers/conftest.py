"""A deployment in memory, and its functions as Lambda loads them."""

import importlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from edgesweep import wiring
from edgesweep.aws import s3
from edgesweep.aws.dynamodb import DirtyTable
from edgesweep.dirty import Change, DirtyRow, Kind
from tests.aws import create_distribution, create_table
from tests.clock import stepping

TOKENS = count(1)


@dataclass(frozen=True)
class Function:
    """A function after a cold start.

    Attributes:
        module: its entry point.
        output: what it wrote to its log.
    """

    module: ModuleType
    output: io.StringIO

    def __call__(self, event: dict[str, Any] | None = None) -> Any:  # noqa: ANN401  # as handlers do
        """Invoke it."""
        return self.module.handler(event or {}, None)

    def lines(self, level: str) -> list[dict[str, Any]]:
        """Return its log lines of one level."""
        entries = map(json.loads, self.output.getvalue().splitlines())
        return [entry for entry in entries if entry["level"] == level]


@dataclass(frozen=True)
class Deployment:
    """The environment of the functions, and their table of dirty rows."""

    distribution: str
    dirty: DirtyTable
    load: Callable[[str], Function]


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """Deploy two tables and a distribution; there is no bucket to look at.

    However slow the machine is, no lease ends, nothing remembered is out of date, and every object
    is looked at: else it would decide how many calls there are.
    """
    monkeypatch.setattr(wiring, "now", stepping())
    monkeypatch.setattr(s3, "wait", lambda asked, _patience: wait(asked))
    with mock_aws():
        create_table("dirty")
        create_table("flushes")
        distribution = create_distribution()
        environment = {
            "DIRTY_TABLE": "dirty",
            "FLUSHES_TABLE": "flushes",
            "BUCKET": "",
            "DISTRIBUTION": distribution,
            "BUDGET_USD": "0",
            "FREE_PATHS": "1000",
            "GUARANTEE_MINUTES": "",
            "POWERTOOLS_SERVICE_NAME": "edgesweep",
            "POWERTOOLS_METRICS_NAMESPACE": "Edgesweep",
            "LOG_LEVEL": "INFO",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

        def load(name: str) -> Function:
            sys.modules.pop(f"handlers.{name}", None)
            module = importlib.import_module(f"handlers.{name}")
            output = io.StringIO()
            monkeypatch.setattr(module.logger.registered_handler, "stream", output)
            return Function(module, output)

        yield Deployment(distribution, DirtyTable("dirty", boto3.Session()), load)


def row(deployment: Deployment, key: str, age: timedelta = timedelta(hours=1)) -> DirtyRow:
    """Return a row that was recorded some time ago."""
    moment = wiring.now() - age
    change = Change("site", key, Kind.CREATED, moment)
    return DirtyRow(deployment.distribution, change, moment, f"{next(TOKENS):08x}")


def invalidations(deployment: Deployment) -> list[Sequence[str]]:
    """Return the paths of each invalidation that CloudFront was asked for."""
    cloudfront = boto3.client("cloudfront")
    listed = cloudfront.list_invalidations(DistributionId=deployment.distribution)
    ids = [item["Id"] for item in listed["InvalidationList"].get("Items", [])]
    return [
        cloudfront.get_invalidation(DistributionId=deployment.distribution, Id=name)[
            "Invalidation"
        ]["InvalidationBatch"]["Paths"]["Items"]
        for name in ids
    ]
