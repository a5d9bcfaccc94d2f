"""`edgesweep redrive`: sends all dead letters back to the queue."""

from datetime import timedelta
from itertools import accumulate
from typing import Annotated, TypedDict

import click

from edgesweep.aws.sqs import DeadLetterQueue
from edgesweep.cli.deployed import Deployed, stack_command
from edgesweep.cli.output import progress, show
from edgesweep.cli.terminal import say
from edgesweep.dirty import count
from edgesweep.errors import EdgesweepError
from edgesweep.flush.redrive import LONGEST_HIDING
from edgesweep.flush.redrive import redrive as send_back

_HIDDEN = (
    "the flush function has hidden them until they are due; "
    f"try again in {LONGEST_HIDING // timedelta(minutes=1)} minutes at the latest"
)


class Redriven(TypedDict):
    dead_letters: Annotated[int, "how many there were"]
    moved: Annotated[int, "how many of them went back to the queue, or would go"]


@stack_command(Redriven)
@click.option("--dry-run", is_flag=True, help="Show how many would go back; move nothing.")
def redrive(deployed: Deployed, *, dry_run: bool) -> None:
    """Send every message of the dead-letter queue back to the queue, now.

    The flush function does so by itself: it sends each message back half an hour after it was sent,
    then after one hour, two hours and so on, nine times in all.

    \b
    edgesweep redrive --dry-run
    edgesweep redrive
    """
    outputs, sqs = deployed.stack.outputs, deployed.session.client("sqs")
    dead = DeadLetterQueue(sqs, outputs["DeadLetterQueueUrl"], outputs["QueueUrl"])
    visible, hidden = dead.depth()
    total = visible + hidden
    moved = visible if dry_run or not total else _move(dead, total)
    line = f"{count(moved, 'message')} {'would go' if dry_run else 'went'} back to the queue"
    show(Redriven(dead_letters=total, moved=moved), [line] if total else [])
    if not total:
        say("There are no dead letters")
    elif moved < total:
        say(f"{count(total - moved, 'dead letter')} stayed: {_HIDDEN}")


def _move(dead: DeadLetterQueue, waiting: int) -> int:
    moved = 0
    with progress("Sending back", waiting) as shown:
        for moved in accumulate(send_back(dead, lambda _: timedelta())):
            shown(moved)
    if not moved:
        raise EdgesweepError(f"None of {count(waiting, 'dead letter')} went back: {_HIDDEN}")
    return moved
