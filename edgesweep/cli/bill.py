"""`edgesweep bill`: who in the account spends invalidation paths, and what they cost."""

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from edgesweep import wiring
from edgesweep.cli.deployed import Deployed, stack_command
from edgesweep.cli.output import dollars, length, show, table
from edgesweep.dirty import count
from edgesweep.errors import BadInput
from edgesweep.flush.budget import YEARS
from edgesweep.operate.bill import Bill, bill_of


@stack_command(Bill)
@click.option(
    "--month", type=click.DateTime(["%Y-%m"]), metavar="YYYY-MM",
    help="The UTC month (default: this one).",
)  # fmt: skip
def bill(deployed: Deployed, *, month: datetime | None) -> None:
    """Show who spent the account's invalidation paths in a month, and where it is heading.

    \b
    edgesweep bill
    edgesweep bill --month 2026-11 --json
    """
    now = wiring.now()
    when = month.replace(tzinfo=UTC) if month else now
    if when.year not in YEARS:
        raise BadInput(f"--month {when:%Y-%m} is not from {YEARS[0]} to {YEARS[-1]}")
    free_paths = deployed.settings.policy.budget.free_paths
    found = bill_of(deployed.journal, deployed.routes.ids, free_paths, when, now)
    show(found, _lines(found, now))


def _lines(found: Bill, now: datetime) -> Iterator[str]:
    heading = f"heading for {found.heading_paths:,}, {dollars(found.heading_usd)}"
    paths = f"{count(found.charged, 'path')}, {found.free_paths:,} free"
    yield f"{found.month}: {paths}, {dollars(found.usd)} so far; {heading}"
    yield from looked(found.looked_at, now, unread=found.unread)
    for name, why in found.uncounted.items():
        yield f"{name or 'The account'}: {why}"
    yield ""
    rows = [
        (f"{one.charged:,}", one.who, one.by or "-", one.distribution or "-")
        for one in found.spenders
    ]
    yield from table(("paths", "by", "for", "distribution"), rows)


def looked(at: datetime | None, now: datetime, *, unread: bool) -> Iterator[str]:
    if at is None:
        yield "Nobody counts what others spend"
    elif unread:
        yield "Others have spent more: not all of their invalidations are read yet"
    else:
        yield f"Others were counted {length(now - at)} ago"
