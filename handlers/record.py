"""Lambda entry point: SQS messages about S3 objects become dirty rows."""

import os
import secrets
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from edgesweep.recorder import Message, Recorder
from edgesweep.routes import everywhere
from edgesweep.settings import Settings
from edgesweep.tables import DirtyTable

logger = Logger()


@cache
def recorder() -> Recorder:
    """Wire the recorder once for each execution environment."""
    settings = Settings.from_mapping(os.environ)
    return Recorder(
        routes=everywhere([settings.distribution]),
        writer=DirtyTable(settings.dirty_table),
        # Rows of one batch differ by their tokens alone: 64 bits make a collision, and with it a
        # lost row, too rare to happen.
        token=lambda: secrets.token_hex(8),
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Record a batch; report the messages that have to come back."""
    now = datetime.now(UTC)
    messages = [Message(record["messageId"], record["body"]) for record in event["Records"]]
    recorded = recorder().record(messages, now)
    for message, reason in recorded.failed.items():
        logger.error("Message failed", message_id=message, reason=reason)
    logger.info("Recorded", messages=len(messages), rows=recorded.rows)
    return {"batchItemFailures": [{"itemIdentifier": message} for message in recorded.failed]}
