"""`edgesweep plan`: the cheapest invalidation paths for a list of changed keys."""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from edgesweep.bucket import S3Listing
from edgesweep.cli.terminal import Dollars, aws_options, read_keys, session
from edgesweep.cover import Cover, Limits, Prices, cover
from edgesweep.paths import aliases, viewer_path
from edgesweep.pricing import PATH_PRICE, REFETCH_COST
from edgesweep.survey import Listing, Source, Survey, survey

_COLUMNS = (SpinnerColumn(), TextColumn("Listing"), MofNCompleteColumn())


@click.command()
@click.argument("changes", type=click.File("rb"))
@click.option("--live", type=click.File("rb"), help="Keys that exist, one a line.", metavar="FILE")
@click.option("--bucket", help="List this bucket for the keys that exist.", metavar="NAME")
@click.option("--max-paths", type=int, help="Use at most so many paths.", metavar="N")
@click.option(
    "--max-wildcards",
    type=int,
    default=Limits().wildcards,
    show_default=True,
    metavar="N",
    help="Use at most so many wildcards.",
)
@click.option(
    "--path-price",
    type=Dollars(),
    default=PATH_PRICE,
    show_default=True,
    help="Dollars for one path.",
)
@click.option(
    "--refetch-cost",
    type=Dollars(),
    default=REFETCH_COST,
    show_default=True,
    help="Dollars for one unchanged object that is invalidated.",
)
@click.option("--alias", is_flag=True, help="Add the other viewer paths of each object.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@aws_options
def plan(
    changes: BinaryIO,
    live: BinaryIO | None,
    bucket: str | None,
    *,
    max_paths: int | None,
    max_wildcards: int,
    path_price: Decimal,
    refetch_cost: Decimal,
    alias: bool,
    as_json: bool,
    region: str | None,
    profile: str | None,
) -> None:
    """Print the cheapest invalidation paths for the keys in the file CHANGES, one a line.

    \b
    edgesweep plan changed.txt --live all-keys.txt
    git diff --name-only HEAD~1 | edgesweep plan - --bucket my-site --json
    """  # noqa: D301  # \b tells click to keep the lines
    if live and bucket:
        raise click.UsageError("Give --live or --bucket, not both")
    prices, limits = Prices(path_price, refetch_cost), Limits(max_wildcards, max_paths)
    paths = [viewer_path(key) for key in read_keys(changes, changes.name)]
    dirty = {form for path in paths for form in (aliases(path) if alias else (path,))}
    if bucket:
        with _progress(S3Listing(session(region, profile).client("s3"))) as listing:
            known = survey(listing, [Source(bucket)], dirty, prices, limits)
    else:
        keys = read_keys(live, live.name) if live else ()
        known = Survey([viewer_path(key) for key in keys], ())
    if known.refused:
        click.echo(f"{known.refused}; what was not seen counts as dear", err=True)
    elif not (live or bucket):
        click.echo("Nothing is known of other objects; give --live or --bucket", err=True)
    chosen = cover(dirty, known.live, prices=prices, limits=limits, weight=known.weight)
    said = json.dumps(_as_json(chosen, prices)) if as_json else _table(chosen, dirty, known, prices)
    click.echo(said)


@contextmanager
def _progress(listing: Listing) -> Iterator[Listing]:
    """Show on standard error how far a listing came."""
    with Progress(*_COLUMNS, console=Console(stderr=True), transient=True) as progress:
        yield _Counted(listing, progress)


class _Counted:
    def __init__(self, listing: Listing, progress: Progress) -> None:
        self._listing = listing
        self._progress = progress
        self._task = progress.add_task("Listing", total=None)

    def page(self, bucket: str, prefix: str, after: str) -> tuple[Sequence[str], bool]:
        keys, more = self._listing.page(bucket, prefix, after)
        self._progress.update(self._task, advance=len(keys))
        return keys, more


def _as_json(chosen: Cover, prices: Prices) -> dict[str, object]:
    paths = prices.path * len(chosen.members)
    refetch = prices.refetch * Survey.seen(chosen.collateral)
    return {
        "paths": chosen.paths,
        "wildcards": chosen.wildcards,
        "collateral": Survey.seen(chosen.collateral),
        "cost_usd": {
            "paths": float(paths),
            "refetch": float(refetch),
            "total": float(paths + refetch),
        },
    }


def _table(chosen: Cover, dirty: Collection[str], known: Survey, prices: Prices) -> str:
    rows = [
        _row(member.dirty, Survey.seen(member.collateral), 1, prices, member.pattern.quoted())
        for member in chosen.members
    ]
    unchanged = len({*known.live} - {*dirty} - {*known.marks})
    changed = len(dirty)
    return "\n".join(
        (
            f"{'changed':>9} {'collateral':>11} {'dollars':>12}  path",
            *rows,
            "",
            _row(
                changed, Survey.seen(chosen.collateral), len(rows), prices, f"{len(rows):,} paths"
            ),
            _row(changed, 0, changed, prices, f"{changed:,} paths, one each"),
            _row(changed, unchanged, 1, prices, "/*" + " at least" * bool(known.marks)),
        )
    )


def _row(dirty: int, collateral: int, paths: int, prices: Prices, label: str) -> str:
    dollars = prices.path * paths + prices.refetch * collateral
    return f"{dirty:>9,} {collateral:>11,} {dollars:>12.6f}  {label}"
