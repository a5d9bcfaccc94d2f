"""Lambda entry points: dirty rows become one invalidation per distribution.

The schedule calls `handler` once a minute; new rows call `woken`.
"""

import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics

from edgesweep import wiring
from edgesweep.dirty import distribution_of
from edgesweep.flush.metrics import properties
from edgesweep.flush.tick import NOW, Tick, Ticked, lines
from edgesweep.settings import Settings

logger = Logger()
metrics = Metrics()


@cache
def tick() -> Tick:
    """Wire the tick once for each execution environment: its steps remember when they looked."""
    return wiring.flush_function(Settings.from_mapping(os.environ), boto3.Session(), logger.warning)


def handler(event: object, _context: object) -> None:
    """Flush every distribution; for the event `NOW`, no change waits for another or for quiet.

    Raises:
        ExceptionGroup: some distributions failed, were not found or share too small a budget, or
            dead letters could not be sent back; everything else was flushed.
    """
    report(tick().run(now=event == NOW))


def woken(event: dict[str, Any], _context: object) -> None:
    """Flush the distributions of new rows, which DynamoDB's stream names, once they rest."""
    partitions = {record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]}
    report(tick().woken(set(map(distribution_of, partitions))))


def report(done: Ticked) -> None:
    """Log and publish the result of a tick, and raise its errors."""
    for level, message, fields in lines(done, wiring.now()):
        getattr(logger, level)(message, extra=fields)
    values = tick().measured(done)
    for series, value in values.items():
        metrics.add_metric(series, series.unit, value)
    for name, value in properties(done.outcomes, values, done.policy.budget).items():
        metrics.add_metadata(name, value)
    if values:
        metrics.flush_metrics()
    if done.errors:
        raise ExceptionGroup("Some distributions were not flushed", done.errors)
