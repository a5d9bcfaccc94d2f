"""`edgesweep replay`: compares strategies over publish histories."""

import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from decimal import Decimal
from itertools import chain
from multiprocessing import active_children
from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, TaskProgressColumn, TextColumn

from edgesweep.cli.format import show, table
from edgesweep.cli.progress import progress
from edgesweep.cli.terminal import Dollars
from edgesweep.errors import EdgesweepError
from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from edgesweep.lab import replay as lab
from edgesweep.lab.replay import BLIND, OURS, STRATEGIES, Replayed
from edgesweep.lab.replay.generators import SHAPES
from edgesweep.lab.replay.git import Repository
from edgesweep.lab.replay.history import Folder, HistorySource, Progress, Reuploaded
from edgesweep.lab.replay.logs import read as read_logs
from edgesweep.lab.replay.paced import sweep

_GENERATED_DAYS = 90
# The strategies shown for `--reupload-all`.
_VARIANTS = {OURS: (OURS, BLIND)}


@click.command(epilog="\b\n" + "\n  ".join(["Strategies:", *STRATEGIES]))
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
    help="Replay only this strategy; may be given several times.",
)
@click.option(
    "--budget",
    type=Dollars(),
    metavar="USD",
    help="Hold edgesweep to this many dollars a month: each deploy waits for its minute.",
)
@click.option(
    "--reupload-all",
    is_flag=True,
    help="Let each deploy upload every live object, as a CI machine does; edgesweep skips "
    "unchanged ones, edgesweep-no-catalogue does not.",
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
    sources: list[HistorySource] = [Folder(folder) for folder in histories]
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
    show([_as_json(row) for row in rows], comparison(rows), as_json=as_json)


def _logged(path: Path) -> Sequence[HistorySource]:
    found = read_logs(path)
    if found.malformed:
        click.echo(f"{found.malformed:,} of {found.records:,} records are malformed", err=True)
    if found.unnamed:
        click.echo(f"{found.unnamed:,} requests deleted objects without naming them", err=True)
    return found.histories


def _replayed(
    sources: Sequence[HistorySource], strategies: Sequence[str], budget: Budget | None
) -> Sequence[Replayed]:
    """Replay one history here, several in processes; return rows by history and strategy.

    Raises:
        BadInput: a history is malformed.
        EdgesweepError: a process was killed.
    """
    columns = TextColumn("Replaying"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn()
    display = progress(*columns)
    task = display.add_task("Replaying", total=len(sources))
    if len(sources) == 1:
        with display:
            return _rows(
                *(sources[0], strategies, budget),
                lambda done, total: display.update(task, completed=done / total),
            )
    processes = min(len(sources), os.cpu_count() or 1)
    # This process reports an interrupt, and ends the others.
    ignoring = (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(processes, None, signal.signal, ignoring) as pool:
        futures = [pool.submit(_rows, source, strategies, budget) for source in sources]
        try:
            # Not sooner: the display runs a thread, and forking with threads is unsafe.
            with display:
                for future in as_completed(futures):
                    future.result()
                    display.advance(task)
        except BrokenProcessPool as error:
            msg = "A process that replayed a history was killed; is there enough memory?"
            raise EdgesweepError(msg) from error
        finally:
            # Running workers finish first; leaving the pool waits for them.
            for process in active_children():
                process.terminate()
    return [row for future in futures for row in future.result()]


def _rows(
    source: HistorySource,
    strategies: Sequence[str],
    budget: Budget | None,
    progress: Progress | None = None,
) -> Sequence[Replayed]:
    named = {name: STRATEGIES.get(name, STRATEGIES[OURS]) for name in strategies}
    rows = {}
    if budget is not None:
        for name in named.keys() & {OURS, BLIND}:
            rows[name] = sweep(source, Policy(budget), progress, name).row
            del named[name]
    rows |= {row.strategy: row for row in lab.replay(source, named, progress)}
    return [rows[name] for name in strategies]


def _as_json(row: Replayed) -> dict[str, object]:
    heads = {} if row.heads is None else {"heads": row.heads, "heads_usd": row.heads_usd}
    return {
        "history": row.history,
        "strategy": row.strategy,
        "deploys": row.deploys,
        "paths": row.paths,
        "collateral": row.collateral,
        "usd": row.usd,
        "most_paths_in_a_month": row.most_paths_in_a_month,
        "missed": row.missed,
        **heads,
    }


def comparison(rows: Sequence[Replayed]) -> Sequence[str]:
    """Return the lines of a table, with columns of HEAD requests if there were any."""
    heads = any(row.heads is not None for row in rows)
    header = ["deploys", "paths", "collateral", "dollars", "busiest month", "missed"]
    header += ["heads", "for heads"] * heads
    return table([*header, "history / strategy"], [_cells(row, heads=heads) for row in rows])


def _cells(row: Replayed, *, heads: bool) -> Sequence[str]:
    return (
        f"{row.deploys:,}",
        f"{row.paths:,}",
        f"{row.collateral:,}",
        f"{row.usd:.2f}",
        f"{row.most_paths_in_a_month:,}",
        f"{row.missed:,}",
        *((f"{row.heads or 0:,}", f"{row.heads_usd:.4f}") * heads),
        f"{row.history} / {row.strategy}",
    )
