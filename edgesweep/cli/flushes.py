"""`edgesweep flushes`: the sent flushes with their times and prices."""

import heapq
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

import click

from edgesweep import wiring
from edgesweep.aws.dynamodb import FlushTable, RoutesTable
from edgesweep.cli.deployed import Deployed, stack_options
from edgesweep.cli.format import count, show, table
from edgesweep.cli.terminal import say
from edgesweep.errors import EdgesweepError
from edgesweep.flush.journal import Flush
from edgesweep.operate.history import History
from edgesweep.prices import PATH_PRICE


@click.command()
@click.argument("flush_id", required=False, metavar="[ID]")
@click.option("--distribution", help="Only flushes of this distribution.", metavar="ID")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=20,
    show_default=True,
    help="List at most N flushes.",
    metavar="N",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@stack_options
def flushes(
    deployed: Deployed,
    *,
    flush_id: str | None,
    distribution: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the newest flushes, or show the flush ID in full.

    Dollars are at list price; the first paths of a month are free. Seconds run from the opening of
    a flush until its rows are deleted.

    \b
    edgesweep flushes --limit 100
    edgesweep flushes '2026-11-24T12:00:00.000000Z#1f3a5c7e'
    """  # noqa: D301  # \b tells click to keep the lines
    settings = deployed.settings
    known = wiring.routes_of(settings, RoutesTable(settings.flushes_table).load())
    distributions = [distribution] if distribution else known.ids
    if flush_id is None:
        found = list(_newest(History(settings.flushes_table), distributions, limit))
        if not found:
            say("There are no flushes yet")
        if found or as_json:
            show([_as_json(flush) for flush in found], _table(found), as_json=as_json)
    else:
        flush = _one(FlushTable(settings.flushes_table), distributions, flush_id)
        full = _as_json(flush) | {"quoted_paths": flush.paths}
        show(full, _full(flush), as_json=as_json)


def _newest(history: History, distributions: Sequence[str], limit: int) -> Iterator[Flush]:
    """Yield the newest flushes of all these distributions."""
    streams = [history.newest(distribution, limit) for distribution in distributions]
    return islice(heapq.merge(*streams, key=lambda flush: flush.opened_at, reverse=True), limit)


def _one(journal: FlushTable, distributions: Sequence[str], flush_id: str) -> Flush:
    for distribution in distributions:
        flush = journal.load(distribution, flush_id)
        if flush is not None:
            return flush
    of = ", ".join(distributions) or "this stack"
    msg = f"There is no flush {flush_id} of {of}; `edgesweep flushes` lists all flushes"
    raise EdgesweepError(msg)


def _as_json(flush: Flush) -> dict[str, object]:
    took = _took(flush)
    return {
        "id": flush.id,
        "distribution": flush.distribution,
        "state": flush.state,
        "opened_at": flush.opened_at,
        "sent_at": flush.sent_at,
        "settled_at": flush.settled_at,
        "seconds": None if took is None else took.total_seconds(),
        "rows": flush.rows,
        "paths": len(flush.paths),
        "wildcards": flush.wildcards,
        "collateral": flush.collateral,
        "usd": PATH_PRICE * len(flush.paths),
        "months": flush.months,
        "attempts": flush.attempts,
        "refusals": flush.refusals,
        "invalidations": [request.id for request in flush.accepted],
    }


def _table(found: Sequence[Flush]) -> Sequence[str]:
    header = ("rows", "paths", "wildcards", "dollars", "seconds", "state", "distribution / id")
    return table(header, map(_row, found))


def _row(flush: Flush) -> Sequence[str]:
    return (
        f"{flush.rows:,}",
        f"{len(flush.paths):,}",
        f"{flush.wildcards:,}",
        f"{PATH_PRICE * len(flush.paths):.3f}",
        _seconds(_took(flush)),
        flush.state.value,
        f"{flush.distribution} / {flush.id}",
    )


def _full(flush: Flush) -> Iterator[str]:
    """Yield the course, the cost and the paths of a flush."""
    yield f"{flush.distribution} / {flush.id}"
    yield flush.state.value + (f" after {_seconds(_took(flush))} s" if flush.settled_at else "")
    yield (
        f"{count(flush.rows, 'row')}, {count(len(flush.paths), 'path')} "
        f"({count(flush.wildcards, 'wildcard')}), ${PATH_PRICE * len(flush.paths):.3f} at list "
        f"price in {', '.join(flush.months)}"
    )
    yield f"{count(flush.collateral, 'unchanged object')} hit as well"
    yield (
        f"{count(flush.attempts, 'attempt')}, {count(flush.refusals, 'refusal')}, accepted as "
        f"{', '.join(request.id for request in flush.accepted) or 'nothing'}"
    )
    yield ""
    yield from flush.paths


def _took(flush: Flush) -> timedelta | None:
    return flush.settled_at - flush.opened_at if flush.settled_at else None


def _seconds(span: timedelta | None) -> str:
    return "-" if span is None else f"{span.total_seconds():.1f}"
