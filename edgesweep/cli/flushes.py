"""`edgesweep flushes`: the sent flushes with their times and prices."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Annotated, TypedDict

import click

from edgesweep.aws.dynamodb import FlushTable
from edgesweep.cli.deployed import Deployed, stack_command
from edgesweep.cli.output import dollars, pick, show, table
from edgesweep.cli.terminal import say
from edgesweep.dirty import count
from edgesweep.errors import EdgesweepError
from edgesweep.flush.journal import Flush, State
from edgesweep.prices import PATH_PRICE

HEADER = ("opened (UTC)", "flush", "rows", "paths", "price", "seconds", "distribution")


class SentFlush(TypedDict):
    flush: Annotated[str, "its id"]
    distribution: Annotated[str, "the id of its distribution"]
    state: Annotated[State, "how far it came"]
    opened_at: Annotated[datetime, "when it was opened"]
    sent_at: Annotated[datetime | None, "when CloudFront had accepted all of it"]
    settled_at: Annotated[datetime | None, "when its rows were deleted"]
    seconds: Annotated[float | None, "from opened_at to settled_at"]
    waited_seconds: Annotated[float | None, "from the upload of its first change to sent_at"]
    rows: Annotated[int, "changes that it sent"]
    paths: Annotated[Sequence[str], "quoted invalidation paths"]
    wildcards: Annotated[int, "how many of the paths are wildcards"]
    collateral: Annotated[int, "unchanged objects that the paths hit"]
    usd: Annotated[Decimal, "the list price of the paths"]
    months: Annotated[Sequence[str], "the UTC months that it is charged to, as YYYY-MM"]
    attempts: Annotated[int, "requests to CloudFront"]
    refusals: Annotated[int, "requests that CloudFront refused"]
    invalidations: Annotated[Sequence[str], "CloudFront's ids of the accepted requests"]
    by: Annotated[Sequence[str], "who requested paths, if anybody did"]
    why: Annotated[Sequence[str], "what changed, and why these paths; empty for flushes of 0.1.0"]


@stack_command(list[SentFlush] | SentFlush)
@click.argument("flush_id", required=False, metavar="[ID]")
@click.option("--distribution", "only", help="Only flushes of this distribution.", metavar="ID")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=20, help="List at most N.", metavar="N"
)
def flushes(deployed: Deployed, *, flush_id: str | None, only: str | None, limit: int) -> None:
    """List the newest flushes, or show one in full: what changed, and why it has these paths.

    ID is the name of a flush as the list shows it, or CloudFront's id of an invalidation. Dollars
    are at list price; the first paths of a month are free. Seconds run from the opening of a flush
    until its rows are deleted; before that, the list shows its state.

    \b
    edgesweep flushes --limit 100
    edgesweep flushes 1f3a5c7e
    edgesweep flushes I2J0I21PCUYOIK
    """
    journal, distributions = deployed.journal, [only] if only else deployed.routes.ids
    if flush_id is not None:
        flush = _one(journal, distributions, flush_id)
        show(_sent(flush), _full(flush))
        return
    found = list(islice(_newest(journal, distributions, limit), limit))
    if not found:
        say(f"There are no flushes of {only or deployed.name} yet")
    show(list(map(_sent, found)), table(HEADER, map(row, found)) if found else [])


def _newest(journal: FlushTable, ids: Sequence[str], most: int | None = None) -> Iterator[Flush]:
    """Yield the flushes of all these distributions, the newest first, up to `most` of each."""
    streams = [journal.newest(distribution, most) for distribution in ids]
    return heapq.merge(*streams, key=lambda flush: flush.opened_at, reverse=True)


def _one(journal: FlushTable, distributions: Sequence[str], asked: str) -> Flush:
    """Return the flush of that id, token or invalidation."""
    if "#" in asked:  # an id; for a token or an invalidation, all flushes are read
        found: Iterable[Flush | None] = (journal.load(one, asked) for one in distributions)
    else:
        found = _newest(journal, distributions)
    for flush in found:
        if flush and asked in (flush.id, flush.token, *(one.id for one in flush.accepted)):
            return flush
    of = f"{asked} of {', '.join(distributions) or 'this stack'}"
    raise EdgesweepError(f"There is no flush {of}; `edgesweep flushes` lists all flushes")


def _sent(flush: Flush) -> SentFlush:
    return pick(
        SentFlush,
        flush,
        flush=flush.id,
        seconds=_seconds(flush),
        waited_seconds=flush.waited.total_seconds() if flush.waited is not None else None,
        usd=PATH_PRICE * len(flush.paths),
        invalidations=[request.id for request in flush.accepted],
        by=[who for who, _ in flush.by],
        why=flush.why.splitlines(),
    )


def row(flush: Flush) -> Sequence[str]:
    """Return the cells of a flush below `HEADER`, in 80 columns at most."""
    seconds = _seconds(flush)
    return (
        f"{flush.opened_at:%Y-%m-%d %H:%M}",
        flush.token,
        f"{flush.rows:,}",
        f"{len(flush.paths):,}",
        dollars(PATH_PRICE * len(flush.paths)),
        flush.state if seconds is None else f"{seconds:.1f}",
        flush.distribution,
    )


def _full(flush: Flush) -> Iterator[str]:
    seconds = _seconds(flush)
    yield f"{flush.distribution} / {flush.id}"
    yield flush.state.value + ("" if seconds is None else f" after {seconds:.1f} s")
    if flush.waited is not None:
        yield f"accepted {flush.waited.total_seconds():.1f} s after its first change"
    paths = f"{count(len(flush.paths), 'path')} ({count(flush.wildcards, 'wildcard')})"
    price = f"{dollars(PATH_PRICE * len(flush.paths))} at list price in {', '.join(flush.months)}"
    yield f"{count(flush.rows, 'row')}, {paths}, {price}"
    yield f"{count(flush.collateral, 'unchanged object')} hit as well"
    requests = f"{count(flush.attempts, 'attempt')}, {count(flush.refusals, 'refusal')}"
    yield f"{requests}, accepted as {', '.join(one.id for one in flush.accepted) or 'nothing'}"
    if flush.by:
        asked = (f"{count(number, 'path')} by {who}" for who, number in flush.by)
        yield f"requested: {', '.join(asked)}"
    yield from flush.why.splitlines()
    yield ""
    yield from flush.paths


def _seconds(flush: Flush) -> float | None:
    return (flush.settled_at - flush.opened_at).total_seconds() if flush.settled_at else None
