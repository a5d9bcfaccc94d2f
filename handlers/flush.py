"""Lambda entry point: once a minute, dirty rows become one invalidation per distribution."""

import os
from functools import cache

import boto3
from aws_lambda_powertools import Logger

from edgesweep.answers import Accepted
from edgesweep.cloudfront import CLIENT_CONFIG, CloudFront
from edgesweep.flusher import Flusher
from edgesweep.settings import Settings
from edgesweep.tables import DirtyTable

logger = Logger()


@cache
def settings() -> Settings:
    """Read the settings once for each execution environment."""
    return Settings.from_mapping(os.environ)


@cache
def flusher() -> Flusher:
    """Wire the flusher once for each execution environment."""
    return Flusher(
        dirty=DirtyTable(settings().dirty_table),
        edge=CloudFront(boto3.client("cloudfront", config=CLIENT_CONFIG)),
    )


def handler(_event: object, _context: object) -> None:
    """Flush every distribution."""
    flushed = flusher().flush(settings().distribution)
    if flushed is None:
        return
    level = logger.info if isinstance(flushed.answer, Accepted) else logger.error
    level(
        "Flushed",
        distribution=flushed.distribution,
        rows=flushed.rows,
        paths=flushed.cover.paths,
        answer=str(flushed.answer),
    )
