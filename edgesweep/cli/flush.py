"""`edgesweep flush`: flushes now, or shows what a flush would send."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, TypedDict

import click

from edgesweep import wiring
from edgesweep.cli.deployed import Deployed, stack_command
from edgesweep.cli.output import dollars, pick, show
from edgesweep.cli.terminal import say, suggest
from edgesweep.dirty import count
from edgesweep.errors import EdgesweepError
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.journal import State
from edgesweep.flush.policy import Reason
from edgesweep.flush.sender import Refused, Unanswered
from edgesweep.operate.dry_run import DryRunRows, DryRunStore, JournalInMemory, NotedEdge
from edgesweep.operate.failures import failure
from edgesweep.operate.status import NEXT
from edgesweep.prices import PATH_PRICE


class Flushed(TypedDict):
    distribution: Annotated[str, "its id"]
    reason: Annotated[Reason, "why it was flushed or held"]
    flush: Annotated[str | None, "the id of the flush, if there was one"]
    state: Annotated[State | None, "how far the flush came"]
    rows: Annotated[int, "changes that it sent"]
    paths: Annotated[Sequence[str], "quoted invalidation paths"]
    invalidations: Annotated[Sequence[str], "CloudFront's ids of the accepted requests"]
    usd: Annotated[Decimal, "the list price of the paths"]
    error: Annotated[str | None, "why it failed"]


@stack_command(list[Flushed])
@click.option("--dry-run", is_flag=True, help="Show what would be sent; send nothing.")
def flush(deployed: Deployed, *, dry_run: bool) -> None:
    """Send all waiting changes now, without waiting for an upload to come to rest.

    The budget, CloudFront's quotas and the lease still hold, so this never conflicts with the
    schedule. It runs with your own permissions.

    \b
    edgesweep flush --dry-run
    edgesweep flush
    """
    real = wiring.Adapters.real(deployed.settings, deployed.session)
    edge = NotedEdge(real.edge, sends=not dry_run)
    adapters = replace(_writing_nothing(real) if dry_run else real, edge=edge)
    done = wiring.tick(deployed.settings, adapters, say).run(now=True)
    if not done.outcomes:
        say("Nothing waits to be flushed" if done.known.routes.ids else "No distribution is known")
    results = [_result(one, edge.paths[one.distribution], dry_run=dry_run) for one in done.outcomes]
    show(results, (line for result in results for line in _lines(result)))
    if done.refusal:
        say(str(done.refusal))
    failures = (failure(error) or error for error in done.failures)
    troubles = [*(result["error"] for result in results), done.known.error, *failures]
    if any(troubles):
        raise EdgesweepError("; ".join(map(str, filter(None, troubles))))
    _suggest(results, dry_run=dry_run)


def _writing_nothing(real: wiring.Adapters) -> wiring.Adapters:
    return replace(
        real,
        dirty=DryRunRows(real.dirty),
        journal=JournalInMemory(real.journal),
        store=DryRunStore(real.store),
        pause=lambda _: None,
        publish=lambda *_: None,
    )


def _result(outcome: Outcome, paths: Sequence[str], *, dry_run: bool) -> Flushed:
    flush = outcome.flush
    return pick(
        Flushed,
        outcome,
        flush=flush.id if flush else None,
        state=flush.state if flush else None,
        rows=flush.rows if flush else 0,
        paths=paths,
        invalidations=[one.id for one in flush.accepted] if flush and not dry_run else [],
        usd=PATH_PRICE * len(paths),
        error=_trouble(outcome),
    )


def _lines(result: Flushed) -> Iterator[str]:
    one, reason, paths = result["distribution"], result["reason"], result["paths"]
    if result["flush"] is None:
        yield f"{one}: {NEXT.get(reason, reason)}"
    else:
        price = f"{dollars(result['usd'])} at list price"
        yield f"{one}: {count(len(paths), 'path')} for {count(result['rows'], 'row')}, {price}"
        yield from (f"  {path}" for path in paths)


def _suggest(results: Sequence[Flushed], *, dry_run: bool) -> None:
    """Tell a person how to follow what was sent, or when the rest goes."""
    sent = [one for result in results for one in result["invalidations"]]
    if dry_run and any(result["paths"] for result in results):
        suggest("A dry run sent nothing; `edgesweep flush` sends the paths")
    elif sent:
        suggest(f"CloudFront accepted the paths; `edgesweep flushes {sent[-1]}` shows why")
    elif results:
        suggest("`edgesweep status` shows when the next flush is due")


def _trouble(outcome: Outcome) -> str | None:
    error, answer = outcome.error, outcome.answer
    if error is not None:
        return f"{outcome.distribution}: {failure(error) or error}"
    if isinstance(answer, Refused | Unanswered):
        why = f"CloudFront did not accept it: {answer.text}; the schedule retries it"
        return f"{outcome.distribution}: {why}"
    return None
