"""`edgesweep flush`: flushes now, or shows what a flush would send."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import click

from edgesweep import wiring
from edgesweep.cli.deployed import Deployed, stack_options
from edgesweep.cli.failures import failure
from edgesweep.cli.format import count, show
from edgesweep.cli.terminal import say
from edgesweep.errors import EdgesweepError
from edgesweep.flush.answers import Answer, Refused, Unanswered
from edgesweep.flush.flusher import Outcome
from edgesweep.flush.policy import Reason
from edgesweep.flush.sender import Edge
from edgesweep.operate.dry_run import DryRunEdge, DryRunRows, DryRunStore
from edgesweep.operate.journal_in_memory import JournalInMemory
from edgesweep.prices import PATH_PRICE

_HELD = {
    Reason.BUDGET: "only the reserve of the budget is left, and its next path is not due",
    Reason.QUOTA: "too much is in progress at CloudFront",
    Reason.LEASE: "another flush is working on it",
    Reason.LATER: "the others took long; the schedule goes on with it",
    Reason.FAILED: "it failed",
}


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would be sent; send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@stack_options
def flush(deployed: Deployed, *, dry_run: bool, as_json: bool) -> None:
    """Send all waiting changes now, without waiting for an upload to come to rest.

    The budget, CloudFront's quotas and the lease still hold, so this never conflicts with the
    schedule. It runs with your own permissions.

    \b
    edgesweep flush --dry-run
    edgesweep flush
    """  # noqa: D301  # \b tells click to keep the lines
    real = wiring.Adapters.real(deployed.settings, deployed.session)
    adapters = _writing_nothing(real) if dry_run else real
    edge = _Heard(adapters.edge)
    tick = wiring.tick(deployed.settings, replace(adapters, edge=edge), say)
    tick.discovery.route(tick.discovery.look())
    # The recorder's clock may be ahead of this one.
    done = replace(tick, policy=replace(tick.policy, quiet=timedelta.min)).run()
    if not done.outcomes:
        say("Nothing waits to be flushed" if done.known.routes.ids else "No distribution is known")
    asked = [(outcome, edge.requests[outcome.distribution]) for outcome in done.outcomes]
    lines = (line for one in asked for line in _lines(*one))
    show([_as_json(*one) for one in asked], lines, as_json=as_json)
    if done.refusal:
        say(f"The budget does not pay for the guaranteed interval: {done.refusal}")
    troubles = [trouble for outcome in done.outcomes if (trouble := _trouble(outcome))]
    if done.known.error:
        troubles.append(str(done.known.error))
    if troubles:
        raise EdgesweepError("; ".join(troubles))


class _Heard:
    """A CloudFront that notes each request.

    Attributes:
        requests: distribution id -> the paths of each request, in order.
    """

    def __init__(self, edge: Edge) -> None:
        self.requests: defaultdict[str, list[Sequence[str]]] = defaultdict(list)
        self.in_progress = edge.in_progress
        self.look_up = edge.look_up
        self._edge = edge

    def invalidate(self, distribution: str, paths: Sequence[str], reference: str) -> Answer:
        self.requests[distribution].append(paths)
        return self._edge.invalidate(distribution, paths, reference)


def _writing_nothing(real: wiring.Adapters) -> wiring.Adapters:
    """Return adapters that read from AWS and write nothing."""
    return replace(
        real,
        dirty=DryRunRows(real.dirty),
        journal=JournalInMemory(real.journal),
        store=DryRunStore(real.store),
        edge=DryRunEdge(real.edge),
        pause=lambda _: None,
    )


def _as_json(outcome: Outcome, requests: Sequence[Sequence[str]]) -> dict[str, object]:
    return {
        "distribution": outcome.distribution,
        "reason": outcome.reason,
        "flush": outcome.flush.id if outcome.flush else None,
        "state": outcome.flush.state if outcome.flush else None,
        "rows": outcome.flush.rows if outcome.flush else 0,
        "invalidations": requests,
        "usd": PATH_PRICE * sum(map(len, requests)),
        "error": _trouble(outcome),
    }


def _lines(outcome: Outcome, requests: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a line for a distribution, and one for each path."""
    if outcome.flush is None:
        yield f"{outcome.distribution}: held, {_HELD.get(outcome.reason, outcome.reason.value)}"
        return
    paths = [path for request in requests for path in request]
    yield (
        f"{outcome.distribution}: {count(len(paths), 'path')} for "
        f"{count(outcome.flush.rows, 'row')}, ${PATH_PRICE * len(paths):.3f} at list price"
    )
    yield from (f"  {path}" for path in paths)


def _trouble(outcome: Outcome) -> str | None:
    """Return the error of a flush, if any."""
    if outcome.error is not None:
        return f"{outcome.distribution}: {failure(outcome.error) or outcome.error}"
    if isinstance(outcome.answer, Refused | Unanswered):
        return (
            f"{outcome.distribution}: CloudFront did not accept it: {outcome.answer.text}; "
            "the schedule retries it"
        )
    return None
