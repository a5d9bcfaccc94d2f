"""Lambda entry point: once a minute, dirty rows become one invalidation per distribution."""

import os
import secrets
import time
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

import edgesweep.survey
from edgesweep.bucket import S3Listing, elsewhere
from edgesweep.cloudfront import CLIENT_CONFIG, DISCOVERY_CONFIG, CloudFront, Distributions
from edgesweep.cover import Limits, Prices
from edgesweep.dirty import DirtyRow
from edgesweep.discovery import Discovery, Known
from edgesweep.errors import BadInput
from edgesweep.flusher import Flusher, Outcome
from edgesweep.paths import viewer_path
from edgesweep.policy import Policy
from edgesweep.routes import Routes
from edgesweep.sender import Sender
from edgesweep.settings import Settings
from edgesweep.survey import Remembered, Source
from edgesweep.tables import DirtyTable, FlushTable, RoutesTable

logger = Logger()
metrics = Metrics()


@cache
def settings() -> Settings:
    """Read the settings once for each execution environment."""
    return Settings.from_mapping(os.environ)


@cache
def journal() -> FlushTable:
    """Wire the journal once for each execution environment."""
    return FlushTable(settings().flushes_table)


@cache
def dirty_table() -> DirtyTable:
    """Wire the table of dirty rows once for each execution environment."""
    return DirtyTable(settings().dirty_table)


@cache
def listing() -> Remembered:
    """Wire the listing once for each execution environment: it remembers pages."""
    return Remembered(S3Listing(boto3.client("s3")), now)


@cache
def edge() -> CloudFront:
    """Wire CloudFront once for each execution environment."""
    return CloudFront(boto3.client("cloudfront", config=CLIENT_CONFIG))


@cache
def discovery() -> Discovery:
    """Wire the discovery once for each execution environment: it remembers when it looked."""
    client = boto3.client("cloudfront", config=DISCOVERY_CONFIG)
    return Discovery(
        directory=Distributions(client, settings().buckets, settings().distributions),
        atlas=RoutesTable(settings().flushes_table),
        dirty=dirty_table(),
        journal=journal(),
        variants=settings().variants,
        clock=now,
    )


def flusher(routes: Routes, policy: Policy) -> Flusher:
    """Wire a flusher for what is known at this tick."""
    return Flusher(
        dirty=dirty_table(),
        journal=journal(),
        edge=edge(),
        sender=Sender(edge(), journal(), policy.budget.allowance, now, token, time.sleep),
        policy=policy,
        survey=partial(survey, routes),
        viewer_paths=partial(viewer_paths, routes),
        clock=now,
        token=token,
    )


def handler(_event: object, _context: object) -> None:
    """Flush every distribution.

    Raises:
        ExceptionGroup: some distributions failed, were not found or share too small a budget; what
            could be flushed was flushed all the same.
    """
    check_regions()
    known = discovery().look()
    policy, refusal = shared_budget(known.routes.enabled)
    outcomes = flusher(known.routes, policy).tick(known.routes.ids)
    tell_unrouted(known)
    for outcome in outcomes:
        tell(outcome)
    failures = [known.error, refusal, *(outcome.error for outcome in outcomes)]
    errors = [error for error in failures if error]
    if errors:
        raise ExceptionGroup("Not every distribution was flushed as it should be", errors)


def shared_budget(distributions: int) -> tuple[Policy, BadInput | None]:
    """Return the policy for so many distributions, or for one if the budget is too small for all.

    Then no path is spent beyond the budget either, but the guaranteed interval is not kept.
    """
    budget = settings().budget
    try:
        return Policy(replace(budget, distributions=max(1, distributions))), None
    except BadInput as error:
        return Policy(budget), error


def survey(
    routes: Routes, distribution: str, dirty: Collection[str], prices: Prices, limits: Limits
) -> edgesweep.survey.Survey:
    """List what a cover has to know of the buckets of a distribution."""
    sources = [Source(origin.bucket, origin.prefix) for origin in routes.origins(distribution)]
    found = edgesweep.survey.survey(listing(), sources, dirty, prices, limits)
    if found.refused:
        logger.warning("Covering without a listing", reason=found.refused)
    return edgesweep.survey.doubted(found, dirty, partial(routes.foreign, distribution))


def viewer_paths(routes: Routes, row: DirtyRow) -> Collection[str]:
    """Return every viewer path under which a row's object may be cached.

    A distribution that has been configured anew may no longer serve it; then its plain path counts.
    """
    change = row.change
    found = routes.viewer_paths(row.distribution, change.bucket, change.key)
    return found or (viewer_path(change.key),)


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


def tell_unrouted(known: Known) -> None:
    """Say that changes wait for a distribution; an alarm hears it."""
    if known.unrouted:
        logger.warning("No distribution serves the bucket of some changes", rows=known.unrouted)
        metrics.add_metric("UnroutedRows", MetricUnit.Count, known.unrouted)
        metrics.flush_metrics()


@cache
def check_regions() -> None:
    """Say once for each execution environment which buckets are in another region."""
    for reason in elsewhere(boto3.client("s3"), settings().buckets):
        logger.error(reason)


def now() -> datetime:
    """Return this machine's time."""
    return datetime.now(UTC)


def token() -> str:
    """Return random text."""
    return secrets.token_hex(4)
