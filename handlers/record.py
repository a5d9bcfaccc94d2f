"""Lambda entry point: SQS messages about S3 objects become dirty rows."""

import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics

from edgesweep import wiring
from edgesweep.aws.dynamodb import RoutesTable
from edgesweep.flush.metrics import Series
from edgesweep.record.recorder import Recorded, Recorder
from edgesweep.settings import Settings

logger = Logger()
metrics = Metrics()


@cache
def settings() -> Settings:
    """Read the settings once for each execution environment."""
    return Settings.from_mapping(os.environ)


@cache
def recorder() -> Recorder:
    """Wire the recorder once for each execution environment."""
    return wiring.recorder(settings(), boto3.Session())


@cache
def store() -> RoutesTable:
    """Wire the store of distributions once for each execution environment."""
    return RoutesTable(settings().flushes_table)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Record a batch; report the messages that SQS must deliver again."""
    received_at = wiring.now()
    bodies = {record["messageId"]: record["body"] for record in event["Records"]}
    informed = wiring.informed(recorder(), settings(), store().load())
    recorded = informed.record(bodies, received_at)
    for message, reason in recorded.failed.items():
        logger.error("Message failed", message_id=message, reason=reason)
    log(len(bodies), recorded)
    return {"batchItemFailures": [{"itemIdentifier": message} for message in recorded.failed]}


def log(messages: int, recorded: Recorded) -> None:
    """Log how many rows a batch became, and how many changes were skipped for which reason."""
    counts = {one: getattr(recorded, one) for one in ("rows", "unrouted", "passed_over", "unseen")}
    logger.info("Recorded", messages=messages, **counts)
    if unknown := list(recorded.unconfirmed.values()):
        logger.warning("Objects stay unknown", objects=len(unknown), reason=unknown[0])
    if recorded.unserved:
        logger.warning("No distribution serves some keys", examples=recorded.unserved[:3])
        metrics.add_metric(Series.UNSWEPT, Series.UNSWEPT.unit, len(recorded.unserved))
        metrics.add_metadata("UnservedChanges", len(recorded.unserved))
        metrics.flush_metrics()
