"""`edgesweep plan`: the cheapest invalidation paths for a list of changed keys."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import BinaryIO

import click

from edgesweep.cli.format import count, show, table
from edgesweep.cli.terminal import (
    STANDARD_INPUT,
    Dollars,
    aws_options,
    name_of,
    read_keys,
    say,
)
from edgesweep.cover import Cover, Limits, Prices, cover
from edgesweep.cover.survey import UNSEEN_WEIGHT, Survey, unsurveyed
from edgesweep.paths import viewer_path
from edgesweep.prices import PATH_PRICE, REFETCH_COST
from edgesweep.routes import everywhere


@click.command()
@click.argument("changes", type=click.File("rb"))
@click.option("--live", type=click.File("rb"), help="Keys that exist, one a line.", metavar="FILE")
@click.option("--bucket", help="List this bucket for the keys that exist.", metavar="NAME")
@click.option("--max-paths", type=int, help="Use at most N paths.", metavar="N")
@click.option(
    "--max-wildcards",
    type=int,
    default=Limits().wildcards,
    show_default=True,
    metavar="N",
    help="Use at most N wildcards.",
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

    Standard input is `-`. Objects that were not seen count as dear to hit, never as absent; a
    plus sign behind the collateral stands for them.

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
    dirty = {path for key in read_keys(changes) for path in _paths(key, alias=alias)}
    if bucket is not None:
        from edgesweep.cli.listing import survey_bucket  # noqa: PLC0415  # imports AWS's libraries

        known = survey_bucket(region, profile, bucket, dirty, prices, limits)
    else:
        known = Survey(list(map(viewer_path, read_keys(live))), ()) if live else unsurveyed(dirty)
    chosen = cover(dirty, known.live, prices=prices, limits=limits, weight=known.weight)
    if known.refused:
        say(f"{known.refused}; unlisted paths count as full of unchanged objects")
    if not live and bucket is None:
        say("The unchanged objects are unknown; give --live or --bucket")
    if chosen.gap:
        say(f"Not proven to be the cheapest: others may cost up to ${chosen.gap:.6f} less")
    lines = _table(chosen, dirty, known, prices, everything=live is not None)
    show(_as_json(chosen, prices), lines, as_json=as_json)


def _paths(key: str, *, alias: bool) -> Collection[str]:
    """Return the viewer path of an object, or all that a distribution may have cached it under."""
    return everywhere([""]).viewer_paths("", "", key) if alias else [viewer_path(key)]


def _as_json(chosen: Cover, prices: Prices) -> dict[str, object]:
    seen = Survey.seen(chosen.collateral)
    paths, refetch = prices.path * len(chosen.members), prices.refetch * seen
    return {
        "paths": chosen.paths,
        "wildcards": chosen.wildcards,
        "collateral": seen,
        "cost_usd": {"paths": paths, "refetch": refetch, "total": paths + refetch},
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

    def row(covered: int, collateral: int, paths: int, label: str) -> Sequence[str]:
        # A plus sign says that not all of the collateral was seen.
        seen = Survey.seen(collateral)
        dollars = prices.path * paths + prices.refetch * seen
        return f"{covered:,}", f"{seen:,}{'+' * (collateral > seen)}", f"{dollars:.6f}", label

    changed, unchanged = len(dirty), len({*known.live} - {*dirty} - {*known.marks})
    sent = len(chosen.members)
    rows = [row(one.dirty, one.collateral, 1, one.pattern.quoted()) for one in chosen.members]
    sums = [
        row(changed, chosen.collateral, sent, count(sent, "path")),
        row(changed, 0, changed, f"{count(changed, 'path')}, one each"),
        row(changed, unchanged + UNSEEN_WEIGHT * (not everything), 1, "/*"),
    ]
    lines = table(("changed", "collateral", "dollars", "path"), [*rows, *sums])
    return (*lines[: sent + 1], "", *lines[sent + 1 :])
