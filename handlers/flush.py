"""Lambda entry point: once a minute, dirty rows become one invalidation per distribution."""

import os
import secrets
import time
from collections.abc import Collection
from datetime import UTC, datetime
from functools import cache

import boto3
from aws_lambda_powertools import Logger

import edgesweep.survey
from edgesweep.bucket import S3Listing
from edgesweep.cloudfront import CLIENT_CONFIG, CloudFront
from edgesweep.cover import Limits, Prices
from edgesweep.dirty import DirtyRow
from edgesweep.flusher import Flusher, Outcome
from edgesweep.paths import aliases, viewer_path
from edgesweep.policy import Policy
from edgesweep.sender import Sender
from edgesweep.settings import Settings
from edgesweep.survey import Remembered, Source
from edgesweep.tables import DirtyTable, FlushTable

logger = Logger()


@cache
def settings() -> Settings:
    """Read the settings once for each execution environment."""
    return Settings.from_mapping(os.environ)


@cache
def flusher() -> Flusher:
    """Wire the flusher once for each execution environment."""
    edge = CloudFront(boto3.client("cloudfront", config=CLIENT_CONFIG))
    journal = FlushTable(settings().flushes_table)
    policy = Policy(settings().budget)
    sender = Sender(edge, journal, policy.budget.allowance, now, token, time.sleep)
    return Flusher(
        dirty=DirtyTable(settings().dirty_table),
        journal=journal,
        edge=edge,
        sender=sender,
        policy=policy,
        survey=survey,
        viewer_paths=viewer_paths,
        clock=now,
        token=token,
    )


def handler(_event: object, _context: object) -> None:
    """Flush every distribution.

    Raises:
        ExceptionGroup: some distributions failed; the others were flushed all the same.
    """
    outcomes = flusher().tick([settings().distribution])
    for outcome in outcomes:
        tell(outcome)
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if errors:
        raise ExceptionGroup("Not every distribution was flushed", errors)


def tell(outcome: Outcome) -> None:
    """Log what a tick did for one distribution."""
    logger.info(
        "Flushed" if outcome.flush else "Held",
        distribution=outcome.distribution,
        reason=outcome.reason,
        rows=outcome.flush.rows if outcome.flush else 0,
        paths=outcome.flush.paths if outcome.flush else (),
        answer=str(outcome.answer),
    )


@cache
def listing() -> Remembered:
    """Wire the listing once for each execution environment: it remembers pages."""
    return Remembered(S3Listing(boto3.client("s3")), now)


def survey(
    _distribution: str, dirty: Collection[str], prices: Prices, limits: Limits
) -> edgesweep.survey.Survey:
    """List what a cover has to know of the buckets."""
    sources = [Source(bucket) for bucket in settings().buckets]
    found = edgesweep.survey.survey(listing(), sources, dirty, prices, limits)
    if found.refused:
        logger.warning("Covering without a listing", reason=found.refused)
    return found


def viewer_paths(row: DirtyRow) -> list[str]:
    """Return every viewer path under which a row's object may be cached."""
    return list(aliases(viewer_path(row.change.key)))


def now() -> datetime:
    """Return this machine's time."""
    return datetime.now(UTC)


def token() -> str:
    """Return random text."""
    return secrets.token_hex(4)
