"""`edgesweep plan`: the cheapest invalidation paths for a list of changed keys."""

import json
from collections.abc import Collection, Sequence
from contextlib import closing
from decimal import Decimal
from typing import BinaryIO

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from edgesweep.aws.s3 import S3Listing
from edgesweep.cli.terminal import (
    STANDARD_INPUT,
    Dollars,
    aws_options,
    name_of,
    progress,
    read_keys,
    say,
    session,
)
from edgesweep.cover import Cover, Limits, Prices, cover
from edgesweep.cover.survey import UNSEEN_WEIGHT, Listing, Source, Survey, survey, unsurveyed
from edgesweep.paths import aliases, viewer_path
from edgesweep.prices import PATH_PRICE, REFETCH_COST


@click.command(short_help="Print the cheapest paths for changed keys.")
@click.argument("changes", type=click.File("rb"))
@click.option("--live", type=click.File("rb"), help="Keys that exist, one a line.", metavar="FILE")
@click.option("--bucket", help="List this bucket for the keys that exist.", metavar="NAME")
@click.option("--max-paths", type=int, help="Use at most this many paths.", metavar="N")
@click.option(
    "--max-wildcards",
    type=int,
    default=Limits().wildcards,
    show_default=True,
    metavar="N",
    help="Use at most this many wildcards.",
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
    help="Dollars for invalidating one unchanged object.",
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

    Standard input is `-`. Paths that were not listed count as full of unchanged objects; a plus
    sign behind the collateral stands for these.

    \b
    edgesweep plan changed.txt --live all-keys.txt
    git -c core.quotePath=off diff --name-only HEAD~1 |
        edgesweep plan - --bucket my-site --json
    """  # noqa: D301  # \b tells click to keep the lines
    if live and bucket is not None:
        raise click.UsageError("Give --live or --bucket, not both")
    if live and name_of(live) == name_of(changes) == STANDARD_INPUT:
        raise click.UsageError("Only one of CHANGES and --live can be standard input")
    prices, limits = Prices(path_price, refetch_cost), Limits(max_wildcards, max_paths)
    paths = [viewer_path(key) for key in read_keys(changes)]
    dirty = {form for path in paths for form in (aliases(path) if alias else (path,))}
    if bucket is not None:
        with closing(session(region, profile).client("s3")) as client:
            known = _survey(S3Listing(client), bucket, dirty, prices, limits)
    else:
        known = Survey(list(map(viewer_path, read_keys(live))), ()) if live else unsurveyed(dirty)
    chosen = cover(dirty, known.live, prices=prices, limits=limits, weight=known.weight)
    if known.refused:
        say(f"{known.refused}; unlisted paths count as full of unchanged objects")
    if not live and bucket is None:
        say("The unchanged objects are unknown; give --live or --bucket")
    if chosen.gap:
        say(f"Not proven to be the cheapest: others may cost up to ${chosen.gap:.6f} less")
    if as_json:
        click.echo(json.dumps(_as_json(chosen, prices)))
    else:
        click.echo("\n".join(_table(chosen, dirty, known, prices, everything=live is not None)))


def _survey(
    listing: Listing, bucket: str, dirty: Collection[str], prices: Prices, limits: Limits
) -> Survey:
    """Survey a bucket, and show how many keys were listed."""
    columns = SpinnerColumn(), TextColumn("Listing"), BarColumn(), TextColumn("{task.completed:,}")
    with progress(*columns) as display:
        counted = _Counted(listing, display, display.add_task("Listing", total=None))
        return survey(counted, [Source(bucket)], dirty, prices, limits)


class _Counted:
    """A listing that shows its progress."""

    def __init__(self, listing: Listing, display: Progress, task: TaskID) -> None:
        self._listing = listing
        self._display = display
        self._task = task

    def page(self, bucket: str, prefix: str, after: str) -> tuple[Sequence[str], bool]:
        keys, more = self._listing.page(bucket, prefix, after)
        self._display.update(self._task, advance=len(keys))
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


def _table(
    chosen: Cover, dirty: Collection[str], known: Survey, prices: Prices, *, everything: bool
) -> Sequence[str]:
    """Return the lines: each path, all paths, and the usual alternatives.

    Args:
        chosen: the paths.
        dirty: the paths that they cover.
        known: the objects that exist.
        prices: of paths and collateral.
        everything: whether `known` is complete.
    """
    changed, unchanged = len(dirty), len({*known.live} - {*dirty} - {*known.marks})
    rows = [
        _row(member.dirty, member.collateral, 1, prices, member.pattern.quoted())
        for member in chosen.members
    ]
    return (
        f"{'changed':>9} {'collateral':>11} {'dollars':>12}  path",
        *rows,
        "",
        _row(changed, chosen.collateral, len(rows), prices, _count(len(rows))),
        _row(changed, 0, changed, prices, f"{_count(changed)}, one each"),
        _row(changed, unchanged + UNSEEN_WEIGHT * (not everything), 1, prices, "/*"),
    )


def _row(dirty: int, collateral: int, paths: int, prices: Prices, label: str) -> str:
    """Return a line; a plus sign behind the collateral says that some of it was not listed."""
    seen = Survey.seen(collateral)
    more = "+" if collateral > seen else " "
    dollars = prices.path * paths + prices.refetch * seen
    return f"{dirty:>9,} {seen:>11,}{more}{dollars:>12.6f}  {label}"


def _count(paths: int) -> str:
    return f"{paths:,} path" + "s" * (paths != 1)
