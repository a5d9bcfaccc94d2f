"""`edgesweep replay`: what strategies would have sent, hit and cost over publish histories."""

import json
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, TaskProgressColumn, TextColumn

from edgesweep.cli.terminal import Dollars, progress
from edgesweep.cli.workers import in_parallel
from edgesweep.flush.budget import Budget
from edgesweep.lab.replay import BLIND, OURS, STRATEGIES, Replayed
from edgesweep.lab.replay.generators import SHAPES
from edgesweep.lab.replay.git import Repository
from edgesweep.lab.replay.history import Folder, Source
from edgesweep.lab.replay.logs import read as read_logs
from edgesweep.lab.replay.reuploads import Reuploaded
from edgesweep.lab.replay.table import table

_GENERATED_DAYS = 90
# What is shown where a deploy uploads everything.
_VARIANTS = {OURS: (OURS, BLIND)}


@click.command(
    short_help="Compare strategies over publish histories.",
    epilog="\b\n" + "\n  ".join(["Strategies:", *STRATEGIES]),
)
@click.argument("histories", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--git",
    "repository",
    type=click.Path(path_type=Path),
    metavar="REPO",
    help="Replay the commits of a git repository of a built site.",
)
@click.option("--branch", default="gh-pages", show_default=True, help="The branch of --git.")
@click.option(
    "--logs",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Replay S3 server access logs or CloudTrail's events, a file or a folder.",
)
@click.option(
    "--generate", type=click.Choice(list(SHAPES)), metavar="NAME", help="Replay a made-up site."
)
@click.option("--seed", default=1, show_default=True, help="The seed of --generate.")
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    type=click.Choice(list(STRATEGIES)),
    metavar="NAME",
    help="Replay this strategy; may be given several times. All unless given.",
)
@click.option(
    "--budget",
    type=Dollars(),
    metavar="USD",
    help="Hold edgesweep to so many dollars a month: each deploy waits for its minute.",
)
@click.option(
    "--reupload-all",
    is_flag=True,
    help="Let each deploy upload every live object, as a CI machine does; edgesweep passes over "
    "what did not change, edgesweep-no-catalogue does not.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def replay(
    histories: Sequence[Path],
    *,
    repository: Path | None,
    branch: str,
    logs: Path | None,
    generate: str | None,
    seed: int,
    strategies: Sequence[str],
    budget: Decimal | None,
    reupload_all: bool,
    as_json: bool,
) -> None:
    """Replay strategies over HISTORIES: folders of deploys.jsonl.gz and live.jsonl.gz.

    \b
    edgesweep replay histories/my-site
    edgesweep replay histories/* --strategy edgesweep --strategy everything
    edgesweep replay histories/* --budget 0
    edgesweep replay histories/my-site --reupload-all
    edgesweep replay --git my-site --branch gh-pages
    """  # noqa: D301  # \b tells click to keep the lines
    limit = None if budget is None else Budget(budget)
    sources: list[Source] = [Folder(folder) for folder in histories]
    if repository is not None:
        sources.append(Repository(repository, branch))
    if logs is not None:
        sources += _logged(logs)
    if generate is not None:
        sources.append(SHAPES[generate](seed, _GENERATED_DAYS))
    if not sources:
        msg = "Nothing to replay: give HISTORIES, --git, --logs or --generate"
        raise click.UsageError(msg)
    chosen = tuple(dict.fromkeys(strategies or STRATEGIES))
    if reupload_all:
        sources = [Reuploaded(source) for source in sources]
        chosen = tuple(chain.from_iterable(_VARIANTS.get(name, (name,)) for name in chosen))
    rows = _replayed(sources, chosen, limit)
    click.echo(json.dumps([row.to_json() for row in rows]) if as_json else table(rows))


def _logged(path: Path) -> Sequence[Source]:
    found = read_logs(path)
    if found.malformed:
        click.echo(f"{found.malformed:,} of {found.records:,} records are malformed", err=True)
    if found.untold:
        click.echo(f"{found.untold:,} requests deleted objects that are not named", err=True)
    return found.histories


def _replayed(
    sources: Sequence[Source], strategies: Sequence[str], budget: Budget | None
) -> Sequence[Replayed]:
    columns = TextColumn("Replaying"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn()
    display = progress(*columns)
    task = display.add_task("Replaying", total=len(sources))

    def watch(done: float) -> None:
        # Not before the processes are there: the display runs a thread, and forking after that is
        # unsafe.
        display.start()
        display.update(task, completed=done)

    try:
        return in_parallel(sources, strategies, budget, watch)
    finally:
        display.stop()
