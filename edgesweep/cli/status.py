"""`edgesweep status`: the waiting changes, the rest of the budget, and the next flush."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, TypedDict

import click

from edgesweep import wiring
from edgesweep.aws.cloudfront import CLIENT_CONFIG, CloudFront
from edgesweep.aws.dynamodb import DirtyTable, FlushTable, RoutesTable
from edgesweep.aws.sqs import Queue
from edgesweep.cli.deployed import Deployed, stack_options
from edgesweep.cli.format import count, dollars, length, table
from edgesweep.cli.output import json_option, pick, show
from edgesweep.cli.terminal import say
from edgesweep.flush.policy import Policy, Reason
from edgesweep.flush.tick import shared
from edgesweep.operate.status import DistributionStatus, Idle, Observer, Status

_NEXT = {
    Idle.NOTHING: "nothing waits",
    Reason.QUIET: "goes at the next tick",
    Reason.WAITED: "goes at the next tick, although the upload continues",
    Reason.UPLOADING: "waits for the upload to come to rest",
    Reason.BUDGET: "waits: only the reserve of the budget is left",
    Reason.QUOTA: "waits: too much is in progress at CloudFront",
    Reason.LEASE: "is being flushed",
    Reason.UNFINISHED: "is sent again: CloudFront has not answered all of it",
}


class MonthBudget(TypedDict):
    """The budget of the month."""

    charged: Annotated[int, "paths that are charged to the month"]
    allowance: Annotated[int | None, "the most paths that it may take; null for no limit"]
    reserve: Annotated[int, "paths that are kept for the rest of the month"]
    left: Annotated[int | None, "paths that are left, with the reserve"]
    spent_usd: Annotated[Decimal, "the price of the charged paths beyond the free ones"]
    left_usd: Annotated[Decimal | None, "dollars that are left"]


class NextFlush(TypedDict):
    """The state of one distribution."""

    distribution: Annotated[str, "its id"]
    dirty: Annotated[int, "rows that wait"]
    oldest: Annotated[datetime | None, "when the oldest of them was recorded"]
    in_progress: Annotated[int, "paths that CloudFront is working on"]
    unfinished: Annotated[str | None, "the id of the flush that CloudFront has not answered"]
    flushed_at: Annotated[datetime | None, "when the last flush was opened"]
    reason: Annotated[Reason | Idle, "why it is flushed or held"]
    due: Annotated[datetime | None, "when the next flush can go"]
    most_paths: Annotated[int | None, "the most paths that it may take"]
    path_usd: Annotated[Decimal | None, "the price at which it chooses its paths"]
    next: Annotated[str, "what happens next"]


class StackStatus(TypedDict):
    """The state of a stack."""

    month: Annotated[str, "the UTC month, as YYYY-MM"]
    budget: MonthBudget
    queued: Annotated[int, "messages that are not recorded yet"]
    dead_letters: Annotated[int, "messages that could not be recorded"]
    unrouted: Annotated[int, "rows that no distribution serves"]
    distributions: Sequence[NextFlush]


@click.command()
@json_option(StackStatus)
@stack_options
def status(deployed: Deployed) -> None:
    """Show the waiting changes, the rest of the budget, and when the next flush is due.

    \b
    edgesweep status
    edgesweep status --stage test --json
    """  # noqa: D301  # \b tells click to keep the lines
    routes = wiring.routes_of(
        deployed.settings, RoutesTable(deployed.settings.flushes_table).load()
    )
    policy, refusal = shared(deployed.settings.policy, routes.enabled)
    if refusal:
        say(f"The budget does not pay for the guaranteed interval: {refusal}")
    now = wiring.now()
    found = _observer(deployed, policy).look(routes.ids, now)
    show(_as_json(found), _lines(found, now))


def _observer(deployed: Deployed, policy: Policy) -> Observer:
    settings, session, outputs = deployed.settings, deployed.session, deployed.stack.outputs
    journal, sqs = FlushTable(settings.flushes_table), session.client("sqs")
    return Observer(
        # Read every shard that was ever used; asking for more would write.
        rows=DirtyTable(settings.dirty_table, lambda: journal.shards(1)),
        journal=journal,
        in_progress=CloudFront(session.client("cloudfront", config=CLIENT_CONFIG)).in_progress,
        policy=policy,
        queued=Queue(sqs, outputs["QueueUrl"]).waiting,
        dead_letters=Queue(sqs, outputs["DeadLetterQueueUrl"]).waiting,
    )


def _as_json(found: Status) -> StackStatus:
    usd = {"spent_usd": found.usd_spent, "left_usd": found.usd_left}
    budget = pick(MonthBudget, found, allowance=found.budget.allowance, **usd)
    nexts = [pick(NextFlush, one, next=_NEXT[one.reason]) for one in found.distributions]
    return pick(StackStatus, found, budget=budget, distributions=nexts)


def _lines(found: Status, now: datetime) -> Iterator[str]:
    yield _budget(found)
    queued, dead = count(found.queued, "message"), count(found.dead_letters, "dead letter")
    yield f"{queued} in the queue, {dead}, {count(found.unrouted, 'row')} without a distribution"
    yield ""
    header = ("dirty", "oldest", "in progress", "last flush", "distribution")
    yield from table(header, [_row(one, now) for one in found.distributions])


def _budget(found: Status) -> str:
    charged = f"{found.month}: {count(found.charged, 'path')} charged"
    if found.left is None or found.usd_left is None:
        return f"{charged}, {dollars(found.usd_spent)} spent, no limit"
    return (
        f"{charged}, {found.left:,} left of {found.budget.allowance:,} "
        f"({found.reserve:,} kept in reserve); "
        f"{dollars(found.usd_spent)} spent, {dollars(found.usd_left)} left"
    )


def _row(one: DistributionStatus, now: datetime) -> Sequence[str]:
    oldest, flushed = (length(now - then) if then else "-" for then in (one.oldest, one.flushed_at))
    label = f"{one.distribution}: {_next(one, now)}"
    return f"{one.dirty:,}", oldest, f"{one.in_progress:,}", flushed, label


def _next(one: DistributionStatus, now: datetime) -> str:
    if one.most_paths is not None:
        return f"{_NEXT[one.reason]}, with {count(one.most_paths, 'path')} at most"
    if one.due is None or one.due <= now:
        return _NEXT[one.reason]
    return f"{_NEXT[one.reason]}; due in {length(one.due - now)}"
