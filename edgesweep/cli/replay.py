"""`edgesweep replay`: what strategies would have sent, hit and cost over publish histories."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from edgesweep.replay import STRATEGIES, Replayed
from edgesweep.replay import replay as replay_history


@click.command()
@click.argument("histories", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    type=click.Choice(list(STRATEGIES)),
    help="Replay this strategy; may be given several times. All unless given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def replay(histories: Sequence[Path], strategies: Sequence[str], *, as_json: bool) -> None:
    """Replay strategies over HISTORIES: folders of deploys.jsonl.gz and live.jsonl.gz.

    \b
    edgesweep replay histories/my-site
    edgesweep replay histories/* --strategy edgesweep --strategy level-collapse --json
    """  # noqa: D301  # \b tells click to keep the lines
    chosen = {name: STRATEGIES[name] for name in strategies or STRATEGIES}
    rows = [row for folder in histories for row in replay_history(folder, chosen)]
    click.echo(json.dumps([row.to_json() for row in rows]) if as_json else _table(rows))


def _table(rows: Sequence[Replayed]) -> str:
    header = (
        f"{'deploys':>8} {'paths':>9} {'collateral':>12} {'dollars':>10} {'busiest month':>14} "
        f"{'missed':>7}  history / strategy"
    )
    return "\n".join([header, *map(_line, rows)])


def _line(row: Replayed) -> str:
    return (
        f"{row.deploys:>8,} {row.paths:>9,} {row.collateral:>12,} {row.usd:>10.2f} "
        f"{row.most_paths_in_a_month:>14,} {row.missed:>7,}  {row.history} / {row.strategy}"
    )
