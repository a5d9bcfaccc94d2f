"""`edgesweep status`: the waiting changes, the rest of the budget, and the next flush."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from edgesweep import wiring
from edgesweep.aws.cloudfront import CLIENT_CONFIG, CloudFront
from edgesweep.aws.dynamodb import DirtyTable
from edgesweep.aws.sqs import Queue
from edgesweep.cli.bill import looked
from edgesweep.cli.deployed import Deployed, stack_command
from edgesweep.cli.output import dollars, length, show, table
from edgesweep.cli.terminal import say
from edgesweep.dirty import count
from edgesweep.flush.tick import shared
from edgesweep.operate.status import MonthBudget, NextFlush, Observer, StackStatus

_SHOWN = 3  # spenders of paths


@stack_command(StackStatus)
def status(deployed: Deployed) -> None:
    """Show the waiting changes, the rest of the budget, and when the next flush is due.

    \b
    edgesweep status
    edgesweep status --stage test --json
    """
    now = wiring.now()
    found = observer(deployed).look(deployed.routes.ids, now)
    show(found, _lines(found, now))


def observer(deployed: Deployed) -> Observer:
    """Return the observer of a stack, and say so if the stack's budget is too small."""
    policy, refusal = shared(deployed.settings.policy, deployed.routes.enabled_count)
    if refusal:
        say(str(refusal))
    journal, session, outputs = deployed.journal, deployed.session, deployed.stack.outputs
    sqs = session.client("sqs")
    # Read every shard that was ever used; asking for more would write.
    rows = DirtyTable(deployed.settings.dirty_table, session, lambda: journal.shards(1))
    return Observer(
        rows=rows,
        count=rows.count,
        journal=journal,
        in_progress=CloudFront(session.client("cloudfront", config=CLIENT_CONFIG)).in_progress,
        policy=policy,
        queued=Queue(sqs, outputs["QueueUrl"]).waiting,
        dead_letters=Queue(sqs, outputs["DeadLetterQueueUrl"]).waiting,
        last=lambda one: next(journal.newest(one, 1), None),
    )


def _lines(found: StackStatus, now: datetime) -> Iterator[str]:
    budget = found.budget
    yield f"{found.month}: {_spent(budget)}"
    spenders = [f"{one.charged:,} by {one.who} on {one.distribution}" for one in budget.spenders]
    if spenders:
        yield f"Of these {', '.join(spenders[:_SHOWN])}; edgesweep bill shows all"
    if spenders or budget.unread:
        yield from looked(budget.looked_at, now, unread=budget.unread)
    queued, dead = count(found.queued, "message"), count(found.dead_letters, "dead letter")
    yield f"{queued} in the queue, {dead}, {count(found.unrouted, 'row')} without a distribution"
    yield ""
    header = ("dirty", "oldest", "in progress", "last flush", "waited", "distribution")
    yield from table(header, [_row(one, now) for one in found.distributions])


def _spent(budget: MonthBudget) -> str:
    charged, spent = count(budget.charged, "path"), dollars(budget.spent_usd)
    if budget.left is None or budget.left_usd is None:
        return f"{charged} charged, {spent} spent, no limit"
    left = f"{budget.left:,} left of {budget.allowance:,} ({budget.reserve:,} kept in reserve)"
    return f"{charged} charged, {left}; {spent} spent, {dollars(budget.left_usd)} left"


def _row(one: NextFlush, now: datetime) -> Sequence[str]:
    oldest, flushed = (length(now - then) if then else "-" for then in (one.oldest, one.flushed_at))
    waited = "-" if one.waited_seconds is None else f"{one.waited_seconds:.0f} s"
    label = f"{one.distribution}: {one.next}"
    if one.most_paths is not None:
        label += f", with {count(one.most_paths, 'path')} at most"
    elif one.due and one.due > now:
        label += f"; due in {length(one.due - now)}"
    return f"{one.dirty:,}", oldest, f"{one.in_progress:,}", flushed, waited, label
