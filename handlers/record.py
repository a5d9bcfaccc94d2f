"""Lambda entry point: SQS messages about S3 objects become dirty rows."""

import os
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from edgesweep.recorder import Message, Recorded, Recorder
from edgesweep.routes import Routes, everywhere
from edgesweep.settings import Settings
from edgesweep.tables import DirtyTable, FlushTable, RoutesTable

logger = Logger()
metrics = Metrics()


@cache
def settings() -> Settings:
    """Read the settings once for each execution environment."""
    return Settings.from_mapping(os.environ)


@cache
def recorder() -> Recorder:
    """Wire the recorder once for each execution environment."""
    if settings().shards > 1:
        # Readers have to know of every shard before a row is in it.
        FlushTable(settings().flushes_table).shards(settings().shards)
    return Recorder(
        routes=Routes(),
        writer=DirtyTable(settings().dirty_table),
        # Rows of one batch differ by their tokens alone: 64 bits make a collision, and with it a
        # lost row, too rare to happen.
        token=lambda: secrets.token_hex(8),
        selection=settings().selection,
        shards=settings().shards,
    )


@cache
def atlas() -> RoutesTable:
    """Wire the atlas once for each execution environment."""
    return RoutesTable(settings().flushes_table)


def routes() -> Routes:
    """Return what the flusher has found out, or was told, of distributions."""
    known = atlas().load()
    if known is None:
        return everywhere(settings().distributions, settings().buckets)
    return Routes(known, settings().variants)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Record a batch; report the messages that have to come back."""
    now = datetime.now(UTC)
    messages = [Message(record["messageId"], record["body"]) for record in event["Records"]]
    recorded = replace(recorder(), routes=routes()).record(messages, now)
    for message, reason in recorded.failed.items():
        logger.error("Message failed", message_id=message, reason=reason)
    tell(len(messages), recorded)
    return {"batchItemFailures": [{"itemIdentifier": message} for message in recorded.failed]}


def tell(messages: int, recorded: Recorded) -> None:
    """Log what became of a batch, and count what was passed over: why so is in the log."""
    logger.info(
        "Recorded",
        messages=messages,
        rows=recorded.rows,
        unrouted=recorded.unrouted,
        passed_over=recorded.passed_over,
    )
    if recorded.passed_over:
        changes = sum(recorded.passed_over.values())
        metrics.add_metric("PassedOverChanges", MetricUnit.Count, changes)
        metrics.flush_metrics()
