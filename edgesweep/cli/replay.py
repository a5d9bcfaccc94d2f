"""`edgesweep replay`: what strategies would have sent, hit and cost over publish histories."""

import json
import os
import signal
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from decimal import Decimal
from multiprocessing import active_children
from pathlib import Path
from typing import TypeAlias

import click
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from edgesweep.budget import Budget
from edgesweep.cli.terminal import Dollars, progress
from edgesweep.errors import EdgesweepError
from edgesweep.replay import STRATEGIES, Replayed
from edgesweep.replay import replay as replay_history
from edgesweep.replay.generators import SHAPES
from edgesweep.replay.git import Repository
from edgesweep.replay.history import Folder, Source
from edgesweep.replay.logs import read as read_logs
from edgesweep.replay.paced import OURS, replay_paced

Rows: TypeAlias = tuple[Replayed, ...]

_GENERATED_DAYS = 90


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
    as_json: bool,
) -> None:
    """Replay strategies over HISTORIES: folders of deploys.jsonl.gz and live.jsonl.gz.

    \b
    edgesweep replay histories/my-site
    edgesweep replay histories/* --strategy edgesweep --strategy everything
    edgesweep replay histories/* --budget 0
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
    rows = _in_parallel(sources, strategies or tuple(STRATEGIES), limit)
    click.echo(json.dumps([row.to_json() for row in rows]) if as_json else _table(rows))


def _logged(path: Path) -> Sequence[Source]:
    found = read_logs(path)
    if found.malformed:
        click.echo(f"{found.malformed:,} of {found.records:,} records are malformed", err=True)
    if found.untold:
        click.echo(f"{found.untold:,} requests deleted objects that are not named", err=True)
    return found.histories


def _in_parallel(
    histories: Sequence[Source], strategies: Sequence[str], budget: Budget | None
) -> Sequence[Replayed]:
    """Replay each history in a process of its own; return the rows in the order of the histories.

    Raises:
        BadInput: as soon as one history is malformed.
        EdgesweepError: a process was killed.
    """
    workers = min(len(histories), os.cpu_count() or 1)
    # The processes are there before the display, which runs a thread: forking after that is unsafe.
    with ProcessPoolExecutor(workers, initializer=_leave_interrupts) as pool:
        futures = [pool.submit(_replayed, source, strategies, budget) for source in histories]
        try:
            _watch(futures)
        except BrokenProcessPool as error:
            msg = "A process that replayed a history was killed; is there enough memory?"
            raise EdgesweepError(msg) from error
        finally:
            # Those at work end as well; leaving the pool waits for all of them.
            for process in active_children():
                process.terminate()
        return [row for future in futures for row in future.result()]


def _watch(futures: Sequence[Future[Rows]]) -> None:
    columns = TextColumn("Replaying"), BarColumn(), MofNCompleteColumn()
    with progress(*columns) as display:
        for future in display.track(as_completed(futures), len(futures)):
            future.result()


def _leave_interrupts() -> None:
    """Let the first process tell of an interrupt, and end the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _replayed(source: Source, strategies: Sequence[str], budget: Budget | None) -> Rows:
    if budget is None or OURS not in strategies:
        return replay_history(source, {name: STRATEGIES[name] for name in strategies})
    others = {name: STRATEGIES[name] for name in strategies if name != OURS}
    rows = {row.strategy: row for row in replay_history(source, others)}
    rows[OURS] = replay_paced(source, budget)
    return tuple(rows[name] for name in dict.fromkeys(strategies))


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
