"""`edgesweep plan`: the cheapest invalidation paths for a list of changed keys."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from itertools import count as numbers
from typing import Annotated, BinaryIO, TypedDict

import click

from edgesweep.cli.keys import read_keys
from edgesweep.cli.output import json_option, pick, progress, shortened, show, table
from edgesweep.cli.rules import Holders, holders, requested, rules_options
from edgesweep.cli.terminal import aws_options, bucket_name, machine, say, usd
from edgesweep.cover import Cover, Limits, Member, Prices, choose, find_candidates
from edgesweep.cover.survey import UNSEEN_WEIGHT, Survey, survey, unsurveyed
from edgesweep.dirty import count
from edgesweep.errors import EdgesweepError
from edgesweep.prices import PATH_PRICE, REFETCH_COST
from edgesweep.routes import Routes

_SHOWN_KEYS = 2  # of the objects of a path


class Cost(TypedDict):
    """Dollars, at the given prices."""

    paths: Decimal
    refetch: Annotated[Decimal, "for the unchanged objects that are fetched again"]
    total: Decimal


class Plan(TypedDict):
    paths: Annotated[Sequence[str], "quoted invalidation paths"]
    wildcards: Annotated[int, "how many of the paths are wildcards"]
    collateral: Annotated[int, "unchanged objects that the paths hit, as far as they were seen"]
    cost_usd: Cost


@click.command()
@click.argument("changes", type=click.File("rb"))
@click.option("--live", type=click.File("rb"), help="Keys that exist, one a line.", metavar="FILE")
@click.option(
    "--bucket", callback=bucket_name, help="List this bucket for keys that exist.", metavar="NAME"
)
@click.option("-0", "--null", is_flag=True, help="Keys end with NUL bytes, as from `git diff -z`.")
@click.option("--max-paths", type=int, help="Use at most N paths.", metavar="N")
@click.option(
    "--max-wildcards", default=Limits().wildcards, metavar="N", help="Use at most N wildcards."
)
@click.option("--path-price", type=usd, default=PATH_PRICE, help="Dollars for one path.")
@click.option(
    "--refetch-cost", type=usd, default=REFETCH_COST, help="Dollars for each unchanged object hit."
)
@rules_options
@click.option("--paths", "bare", is_flag=True, help="Print the paths alone, one a line.")
@json_option(Plan)
@aws_options
def plan(
    changes: BinaryIO,
    live: BinaryIO | None,
    bucket: str | None,
    rules: Routes,
    *,
    max_paths: int | None,
    max_wildcards: int,
    path_price: Decimal,
    refetch_cost: Decimal,
    null: bool,
    bare: bool,
    **where: str | None,
) -> None:
    """Print the cheapest invalidation paths for the keys in the file CHANGES, one a line.

    Standard input is `-`. Names may be quoted as git quotes them, or be in the output of
    `aws s3 sync`. An object that was not seen counts as dear to hit, never as absent; a plus sign
    after the collateral marks such objects.

    \b
    edgesweep plan changed.txt --live all-keys.txt
    edgesweep plan changed.txt --config site.json --viewer-paths strip=/app
    git -c core.quotePath=off diff --name-only --no-renames HEAD~1 |
        edgesweep plan --alias --bucket my-site --paths -
    """
    if bare and machine():
        raise click.UsageError("Give --paths or --json, not both")
    prices, limits = Prices(path_price, refetch_cost), Limits(max_wildcards, max_paths)
    dirty = holders(rules, read_keys(changes, null=null))
    known = unsurveyed(dirty)
    if live:
        known = Survey(requested(rules, read_keys(live, null=null)), ())
    elif bucket:
        known = _listed(bucket, rules, dirty, prices, limits, **where)
    candidates = find_candidates(dirty, known.live, known.weight, strict=rules.strict(rules.ids[0]))
    chosen = choose(candidates, prices, limits)
    foreign = bool(live and known.live and dirty) and dirty.keys().isdisjoint(known.live)
    for warning in _warnings(chosen, unseen=not live and not bucket, foreign=foreign):
        say(warning)
    lines = chosen.paths if bare else _table(chosen, dirty, known, prices, everything=bool(live))
    show(_as_json(chosen, prices), lines)


def _listed(
    bucket: str, rules: Routes, dirty: Holders, prices: Prices, limits: Limits, **where: str | None
) -> Survey:
    """Survey a bucket with the options of `aws_options`, showing how many pages were asked for."""
    from edgesweep.aws.s3 import S3Listing  # noqa: PLC0415  # imports AWS's libraries
    from edgesweep.cli.deployed import session  # noqa: PLC0415  # likewise
    from edgesweep.operate.buckets import check  # noqa: PLC0415  # likewise

    pages, mounts = numbers(1), rules.mounts(rules.ids[0])
    with closing(session(**where).client("s3")) as client, progress("Listing pages") as shown:
        check(client, bucket, anywhere=True)
        listing = S3Listing(client)
        seen = survey(listing, mounts, dirty, prices, limits, keep=lambda: shown(next(pages)))
    if seen.refused:
        raise EdgesweepError(seen.refused)
    return seen


def _warnings(chosen: Cover, *, unseen: bool, foreign: bool) -> Iterator[str]:
    if unseen:
        yield "The unchanged objects are unknown; give --live or --bucket"
    if chosen.gap:
        yield f"Not proven to be the cheapest: others may cost up to ${chosen.gap:.6f} less"
    if len(chosen.paths) > Limits().wildcards:
        from edgesweep.flush.policy import MAX_IN_PROGRESS  # noqa: PLC0415  # not for a few paths

        most, exact = MAX_IN_PROGRESS, len(chosen.paths) - chosen.wildcards
        if exact > most.paths or chosen.wildcards > most.wildcards:
            sent = f"{count(exact, 'exact path')} and {count(chosen.wildcards, 'wildcard')}"
            takes = f"{most.paths:,} and {most.wildcards}"
            yield f"{sent} are more than CloudFront accepts at once for a distribution: {takes}"
    if foreign:
        yield "None of the keys is in the list of --live"


def _as_json(chosen: Cover, prices: Prices) -> Plan:
    seen = Survey.seen(chosen.collateral)
    paths, refetch = prices.path * len(chosen.members), prices.refetch * seen
    cost = Cost(paths=paths, refetch=refetch, total=paths + refetch)
    return pick(Plan, chosen, collateral=seen, cost_usd=cost)


def _table(
    chosen: Cover, dirty: Holders, known: Survey, prices: Prices, *, everything: bool
) -> Sequence[str]:
    """Return the lines: each path and its objects, their sum, and the usual alternatives."""

    def row(covered: int, collateral: int, paths: int, label: str) -> Sequence[str]:
        # A plus sign says that not all of the collateral was seen.
        seen = Survey.seen(collateral)
        dollars = prices.path * paths + prices.refetch * seen
        hit = f"{seen:,}+" if collateral > seen else f"{seen:,}"
        return f"{covered:,}", hit, f"{dollars:.6f}", label

    # `everything` says whether `known` holds all objects that exist.
    changed, unchanged = len(dirty), len({*known.live} - {*dirty} - {*known.marks})
    sent = len(chosen.members)
    items, width = sorted(dirty), max(map(len, chosen.paths), default=0)
    rows = [
        row(one.dirty, one.collateral, 1, f"{path:<{width}}  {_objects(one, items, dirty)}")
        for one, path in zip(chosen.members, chosen.paths, strict=True)
    ]
    sums = [
        row(changed, chosen.collateral, sent, count(sent, "path")),
        row(changed, 0, changed, f"{count(changed, 'path')}, one each"),
        row(changed, unchanged + UNSEEN_WEIGHT * (not everything), 1, "/*"),
    ]
    lines = table(("changed", "collateral", "dollars", "path"), [*rows, *sums])
    return (*lines[: sent + 1], "", *lines[sent + 1 :])


def _objects(member: Member, items: Sequence[str], dirty: Holders) -> str:
    its = [items[place] for place in member.pattern.span(items)]
    keys = list(dict.fromkeys(key for path in its for key in dirty[path]))
    return f"for {shortened(keys, _SHOWN_KEYS)}"
