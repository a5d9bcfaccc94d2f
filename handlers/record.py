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
def wired() -> tuple[Recorder, RoutesTable]:
    """Wire the recorder and the record of routes once for each execution environment."""
    session = boto3.Session()
    return wiring.recorder(settings(), session), RoutesTable(settings().flushes_table, session)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Record a batch; report the messages that SQS must deliver again."""
    received_at = wiring.now()
    bodies = {record["messageId"]: record["body"] for record in event["Records"]}
    recorder, store = wired()
    recorded = wiring.informed(recorder, settings(), store.load()).record(bodies, received_at)
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
