"""Lambda entry point: once a minute, dirty rows become one invalidation per distribution."""

import os
from collections.abc import Sequence
from datetime import date
from functools import cache, lru_cache, partial

import boto3
from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep import wiring
from edgesweep.aws.s3 import Bucket, elsewhere
from edgesweep.flush.budget import month_of
from edgesweep.flush.discovery import Discovered, Discovery
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.metrics import Series, measured, properties
from edgesweep.flush.notifications import reaches
from edgesweep.flush.policy import Policy
from edgesweep.flush.redrive import Redriver
from edgesweep.settings import Settings

logger = Logger()
metrics = Metrics()


@cache
def settings() -> Settings:
    """Read the settings once for each execution environment."""
    return Settings.from_mapping(os.environ)


@cache
def adapters() -> wiring.Adapters:
    """Reach AWS once for each execution environment: listings are remembered."""
    return wiring.Adapters.real(settings(), boto3.Session())


@cache
def discovery() -> Discovery:
    """Wire the discovery once for each execution environment: it remembers when it looked."""
    return wiring.discovery(settings(), adapters())


@cache
def redriver() -> Redriver | None:
    """Wire the redrive once for each execution environment: it remembers when it looked."""
    return wiring.redriver(settings(), boto3.Session())


def handler(_event: object, _context: object) -> None:
    """Flush every distribution.

    Raises:
        ExceptionGroup: some distributions failed, were not found or share too small a budget, or
            dead letters could not be sent back; what could be flushed was flushed all the same.
    """
    check_regions()
    known = discovery().look()
    policy, refusal = wiring.shared_policy(settings(), known.routes.enabled)
    flusher = wiring.flusher(adapters(), known.routes, policy, warn_unlisted)
    outcomes = flusher.tick(known.routes.ids)
    tell_unrouted(known)
    for outcome in outcomes:
        tell(outcome)
    publish(outcomes, policy, known.unrouted)
    check_wiring(wiring.now().date())
    # DynamoDB answers: what could not be recorded may be recorded now.
    failures = [known.error, refusal, *(outcome.error for outcome in outcomes), redrive()]
    errors = [error for error in failures if error]
    if errors:
        raise ExceptionGroup("Not every distribution was flushed as it should be", errors)


def redrive() -> Exception | None:
    """Send dead letters back that are due; return what went wrong."""
    dead = redriver()
    try:
        moved = dead.look() if dead else 0
    except (BotoCoreError, ClientError) as error:
        return error
    if moved:
        logger.warning("Sent dead letters back to the queue", messages=moved)
    return None


def warn_unlisted(reason: str) -> None:
    """Say that a bucket cannot be listed: paths are then as narrow as they can be."""
    logger.warning("Covering without a listing", reason=reason)


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


def tell_unrouted(known: Discovered) -> None:
    """Say that changes wait for a distribution."""
    if known.unrouted:
        logger.warning("No distribution serves the bucket of some changes", rows=known.unrouted)


def publish(outcomes: Sequence[Outcome], policy: Policy, unrouted: int) -> None:
    """Publish what a tick did; an idle tick publishes nothing."""
    now = wiring.now()
    spent = partial(adapters().journal.spent, month_of(now))
    values = measured(outcomes, policy, spent, now, unrouted)
    for series, value in values.items():
        metrics.add_metric(series, series.unit, value)
    for name, value in properties(outcomes, values, policy.budget).items():
        metrics.add_metadata(name, value)
    if values:
        metrics.flush_metrics()


@cache
def check_regions() -> None:
    """Say once for each execution environment which buckets are in another region."""
    for reason in elsewhere(boto3.client("s3"), settings().buckets):
        logger.error(reason)


@lru_cache(maxsize=1)
def check_wiring(_day: date) -> None:
    """Publish once a day, and after a cold start, how many buckets tell us nothing any more.

    Whoever puts a bucket's notifications in place as a whole undoes `edgesweep attach` in silence.
    """
    s3, queue = boto3.client("s3"), settings().notified_queue
    try:
        unwired = [
            name
            for name in settings().buckets
            if not reaches(Bucket(s3, name).notifications(), queue)
        ]
    except (BotoCoreError, ClientError) as error:
        logger.warning("The notifications of a bucket cannot be read", reason=str(error))
        return
    for name in unwired:
        logger.error("A bucket tells nothing of its changes; run edgesweep doctor", bucket=name)
    if unwired:
        series = Series.UNWIRED_BUCKETS
        metrics.add_metric(series, series.unit, len(unwired))
        metrics.flush_metrics()
