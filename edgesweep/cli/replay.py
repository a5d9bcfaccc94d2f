"""`edgesweep replay`: compares strategies over publish histories."""

import os
import signal
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from decimal import Decimal
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from typing import Annotated, TypedDict

import click

from edgesweep import lab
from edgesweep.cli.output import json_option, pick, progress, show, table
from edgesweep.cli.terminal import say, usd
from edgesweep.errors import EdgesweepError
from edgesweep.flush.budget import Budget
from edgesweep.flush.policy import Policy
from edgesweep.lab import BLIND, OURS, STRATEGIES, Replayed
from edgesweep.lab.generators import SHAPES
from edgesweep.lab.git import Repository
from edgesweep.lab.history import Folder, HistorySource, Progress, Reuploaded, sample
from edgesweep.lab.logs import read as read_logs
from edgesweep.lab.paced import sweep

Sources = Sequence[HistorySource]

_PATH = click.Path(path_type=Path)
_GENERATED_DAYS = 90
_CELLS = {
    "deploys": "{.deploys:,}",
    "paths": "{.paths:,}",
    "collateral": "{.collateral:,}",
    "dollars": "{.usd:.2f}",
    "busiest month": "{.most_paths_in_a_month:,}",
    "missed": "{.missed:,}",
    "heads": "{.heads:,}",
    "for heads": "{.heads_usd:.4f}",
    "history / strategy": "{0.history} / {0.strategy}",
}


class Result(TypedDict):
    """The result of a strategy over a history, all deploys together."""

    history: Annotated[str, "the history's name"]
    strategy: Annotated[str, "the strategy's name"]
    deploys: Annotated[int, "how many there were"]
    paths: Annotated[int, "how many invalidation paths"]
    collateral: Annotated[int, "unchanged objects that the paths hit"]
    usd: Annotated[Decimal, "the bill, each month less its free paths"]
    most_paths_in_a_month: Annotated[int, "the paths of the busiest month"]
    missed: Annotated[int, "changed objects that no path matched"]


class Reupload(Result):
    """The result with `--reupload-all`."""

    heads: Annotated[int, "HEAD requests that found unchanged uploads"]
    heads_usd: Annotated[Decimal, "their price"]


def _budget(text: str) -> Budget:
    """Return a budget without a guarantee, as the type of an option."""
    return Budget(None if text == "none" else usd(text, "none or "))


@click.command(epilog="\b\n" + "\n  ".join(["Strategies:", *STRATEGIES]))
@click.argument("histories", nargs=-1, type=_PATH)
@click.option(
    "--git", "repository", type=_PATH, metavar="REPO",
    help="Replay the commits of a git repository of a built site.",
)  # fmt: skip
@click.option("--branch", default="gh-pages", help="The branch of --git.")
@click.option("--root", default="", metavar="FOLDER", help="The folder of --git that is the site.")
@click.option(
    "--logs", type=_PATH, metavar="PATH",
    help="Replay S3 server access logs or CloudTrail's events, a file or a folder.",
)  # fmt: skip
@click.option(
    "--generate", type=click.Choice(list(SHAPES)), metavar="NAME", help="Replay a made-up site."
)
@click.option("--seed", default=1, help="The seed of --generate.")
@click.option(
    "--strategy", "strategies", multiple=True, type=click.Choice(list(STRATEGIES)), metavar="NAME",
    help="Replay only this strategy; may be given several times.",
)  # fmt: skip
@click.option(
    "--budget", type=_budget, default="0", metavar="USD",
    help="Let edgesweep spend this many dollars a month beyond the free paths, or none for no "
    "limit; 0 is what a deployment spends by default.",
)  # fmt: skip
@click.option(
    "--reupload-all", is_flag=True,
    help="Let each deploy upload every live object, as a CI machine does; edgesweep skips "
    "unchanged ones, edgesweep-no-catalogue does not.",
)  # fmt: skip
@click.option("--whole", is_flag=True, help="Replay a long history whole, not a sample of months.")
@json_option(list[Result | Reupload])
def replay(
    histories: Sequence[Path],
    *,
    repository: Path | None,
    branch: str,
    logs: Path | None,
    generate: str | None,
    seed: int,
    strategies: Sequence[str],
    budget: Budget,
    root: str,
    reupload_all: bool,
    whole: bool,
) -> None:
    """Replay strategies over HISTORIES: folders of deploys.jsonl.gz and live.jsonl.gz.

    Of a long history only every nth month is replayed, so that a replay takes minutes; the table
    says which part that is, such as 4 of 12 months.

    \b
    edgesweep replay histories/my-site
    edgesweep replay histories/* --strategy edgesweep --strategy everything
    edgesweep replay histories/* --budget 5
    edgesweep replay histories/my-site --reupload-all
    edgesweep replay --git my-site --branch gh-pages
    """
    sources: list[HistorySource] = [Folder(folder) for folder in histories]
    if repository is not None:
        sources.append(Repository(repository, branch, root))
    if logs is not None:
        sources += _logged(logs)
    if generate is not None:
        sources.append(SHAPES[generate](seed, _GENERATED_DAYS))
    if not sources:
        raise click.UsageError("Nothing to replay: give HISTORIES, --git, --logs or --generate")
    chosen = tuple(dict.fromkeys(strategies or STRATEGIES))
    if reupload_all:
        sources = [Reuploaded(source) for source in sources]
        blind = {OURS: (OURS, BLIND)}
        chosen = tuple(one for name in chosen for one in blind.get(name, (name,)))
    rows = _replayed(sources, chosen, budget, whole=whole)
    show([pick(Result if row.heads is None else Reupload, row) for row in rows], comparison(rows))


def _logged(path: Path) -> Sources:
    found = read_logs(path)
    if found.malformed:
        say(f"{found.malformed:,} of {found.records:,} records are malformed")
    if found.unnamed:
        say(f"{found.unnamed:,} requests deleted objects without naming them")
    return found.histories


def _replayed(
    sources: Sources, strategies: Sequence[str], budget: Budget, *, whole: bool
) -> Sequence[Replayed]:
    """Replay one history here, several in processes; return rows by history and strategy."""
    if len(sources) == 1:
        [source] = sources if whole else _say_sampled(sources, map(sample, sources))
        with progress("Replaying", 1) as shown:
            return _rows(source, strategies, budget, lambda done, all_: shown(done / all_))
    processes = min(len(sources), os.cpu_count() or 1)
    # This process reports an interrupt, and ends the others.
    ignoring = (signal.SIGINT, signal.SIG_IGN)
    rows: list[Replayed] = []
    with ProcessPoolExecutor(processes, None, signal.signal, ignoring) as pool:
        try:
            taken = sources if whole else _say_sampled(sources, pool.map(sample, sources))
            # Before the display, which runs a thread: forking with threads is unsafe.
            replayed = pool.map(partial(_rows, strategies=strategies, budget=budget), taken)
            with progress("Replaying", len(sources)) as shown:
                for done, more in enumerate(replayed, 1):
                    rows += more
                    shown(done)
        except BrokenProcessPool as error:
            killed = "A process that replayed a history was killed; is there enough memory?"
            raise EdgesweepError(killed) from error
        finally:
            # Running workers finish first; leaving the pool waits for them.
            for process in active_children():
                process.terminate()
    return rows


def _say_sampled(sources: Sources, samples: Iterable[HistorySource]) -> Sources:
    """Return samples, and say which are not whole."""
    taken = list(samples)
    for source, one in zip(sources, taken, strict=True):
        if one.name != source.name:
            say(f"Replaying {one.name}; --whole replays all")
    return taken


def _rows(
    source: HistorySource, strategies: Sequence[str], budget: Budget, progress: Progress = None
) -> Sequence[Replayed]:
    ours = [name for name in strategies if name in {OURS, BLIND}]
    others = {name: STRATEGIES[name] for name in strategies if name not in ours}
    rows = {name: sweep(source, Policy(budget), progress, name).row for name in ours}
    rows |= {row.strategy: row for row in lab.replay(source, others, progress)}
    return [rows[name] for name in strategies]


def comparison(rows: Sequence[Replayed]) -> Sequence[str]:
    """Return the lines of a table, with columns of HEAD requests if there were any."""
    heads = any(row.heads is not None for row in rows)
    shown = {name: cell for name, cell in _CELLS.items() if heads or "heads" not in name}
    return table(list(shown), [[cell.format(row) for cell in shown.values()] for row in rows])
