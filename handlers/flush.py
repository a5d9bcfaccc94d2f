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
from edgesweep.flush.budget import month_bounds
from edgesweep.flush.metrics import properties
from edgesweep.flush.policy import Reason
from edgesweep.flush.tick import NOW, Tick, Ticked
from edgesweep.settings import Settings

logger = Logger()
metrics = Metrics()


@cache
def tick() -> Tick:
    """Wire the tick once for each execution environment: its steps remember when they looked."""
    return wiring.flush_function(Settings.from_mapping(os.environ), boto3.Session(), logger.warning)


def handler(event: object, _context: object) -> None:
    """Flush every distribution; the event `NOW` lets no change wait for others.

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
    log(done)
    values = tick().measured(done)
    for series, value in values.items():
        metrics.add_metric(series, series.unit, value)
    for name, value in properties(done.outcomes, values, done.policy.budget).items():
        metrics.add_metadata(name, value)
    if values:
        metrics.flush_metrics()
    if done.errors:
        raise ExceptionGroup("Some distributions were not flushed", done.errors)


def log(done: Ticked) -> None:
    """Log the outcome of a tick."""
    for outcome in done.outcomes:
        flush = outcome.flush
        fields: dict[str, object] = {"distribution": outcome.distribution, "reason": outcome.reason}
        fields |= {"rows": flush.rows if flush else 0, "paths": flush.paths if flush else ()}
        logger.info("Flushed" if flush else "Held", extra={**fields, "answer": str(outcome.answer)})
        if outcome.reason is Reason.SPENT:
            logger.error(
                "Nothing is left of the month; changes wait for the next",
                distribution=outcome.distribution,
                until=month_bounds(wiring.now())[1],
            )
    if done.unrouted:
        logger.warning("No distribution serves some changes", rows=done.unrouted)
    if done.audited.others is not None:
        logger.info("Others", paths=done.audited.others)  # the dashboard shows it
    if done.audited.refusals:
        unread = dict(done.audited.refusals)
        logger.error("Some invalidations are not counted; freePaths is believed", unread=unread)
    if done.redriven:
        logger.warning("Sent dead letters back to the queue", messages=done.redriven)
    for bucket in done.watched.unwired:
        logger.error("A bucket publishes no events; run edgesweep doctor", bucket=bucket)
    for bucket in done.watched.swept:
        logger.warning("Events were missed, so everything is invalidated", bucket=bucket)
