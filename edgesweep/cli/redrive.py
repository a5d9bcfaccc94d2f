"""`edgesweep redrive`: sends all dead letters back to the queue."""

from datetime import timedelta

import click
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from edgesweep.aws.sqs import DeadLetterQueue
from edgesweep.cli.deployed import Deployed, stack_options
from edgesweep.cli.format import count
from edgesweep.cli.progress import progress
from edgesweep.cli.terminal import say
from edgesweep.errors import EdgesweepError
from edgesweep.flush.redrive import LONGEST_HIDING
from edgesweep.flush.redrive import redrive as send_back

_HIDDEN = (
    "the flush function has hidden them until they are due; "
    f"try again in {LONGEST_HIDING // timedelta(minutes=1)} minutes at the latest"
)


@click.command()
@click.option("--dry-run", is_flag=True, help="Show how many would go back; move nothing.")
@stack_options
def redrive(deployed: Deployed, *, dry_run: bool) -> None:
    """Send every message of the dead-letter queue back to the queue, now.

    The flush function does so by itself: it sends each message back half an hour after it was sent,
    then after one hour, two hours and so on, nine times in all.

    \b
    edgesweep redrive --dry-run
    edgesweep redrive
    """  # noqa: D301  # \b tells click to keep the lines
    outputs = deployed.stack.outputs
    dead = DeadLetterQueue(
        deployed.session.client("sqs"), outputs["DeadLetterQueueUrl"], outputs["QueueUrl"]
    )
    visible, hidden = dead.depth()
    if not visible + hidden:
        say("There are no dead letters")
    elif dry_run:
        click.echo(f"{count(visible, 'message')} would go back to the queue")
        _tell_hidden(hidden)
    else:
        moved = _move(dead, visible + hidden)
        click.echo(f"{count(moved, 'message')} went back to the queue")
        _tell_hidden(visible + hidden - moved)


def _move(dead: DeadLetterQueue, waiting: int) -> int:
    moved = 0
    columns = TextColumn("Sending back"), BarColumn(), MofNCompleteColumn()
    with progress(*columns) as display:
        task = display.add_task("Sending back", total=waiting)
        for more in send_back(dead, lambda _: timedelta()):
            moved += more
            display.update(task, advance=more)
    if not moved:
        msg = f"None of {count(waiting, 'dead letter')} went back: {_HIDDEN}"
        raise EdgesweepError(msg)
    return moved


def _tell_hidden(hidden: int) -> None:
    if hidden > 0:
        say(f"{count(hidden, 'dead letter')} stayed: {_HIDDEN}")
