"""What a removal of a stack loses, and what it leaves behind."""

from collections.abc import Collection, Iterator
from shlex import join

import boto3

from edgesweep.aws.sqs import Queue
from edgesweep.operate.stack import Stack


def before_removal(
    stack: Stack, lost: str, silent: Collection[str], *, kept: bool
) -> Iterator[str]:
    """Yield what a removal loses, and what it leaves behind; the tables too if they are `kept`.

    `lost` says how many changes wait, and is empty without any; `silent` buckets are not seen to
    publish their events.
    """
    if lost:
        yield f"{lost} will not be sent; invalidate /* once instead"
    if not stack.environment.get("NOTIFIED_QUEUE"):
        for bucket in stack.outputs["Buckets"].split(","):
            if bucket not in silent:
                detach = join(["edgesweep", "detach", bucket, "--region", stack.region])
                yield f"{bucket} goes on to publish its events; if nobody else needs them: {detach}"
    if kept:
        names = ("DirtyTable", "FlushesTable", "CatalogueTable")
        tables = ", ".join(filter(None, map(stack.outputs.get, names)))
        yield f"The tables stay, with their data: {tables}; see docs/operating.md to delete them"


def waiting(session: boto3.Session, stack: Stack) -> str:
    """Say how many changes wait: those of the first page of the table, and about the others."""
    page = session.client("dynamodb").scan(TableName=stack.outputs["DirtyTable"], Select="COUNT")
    sqs = session.client("sqs")
    urls = (stack.outputs[name] for name in ("QueueUrl", "DeadLetterQueueUrl"))
    messages = sum(Queue(sqs, url).waiting() for url in urls)
    if not page["Count"] and not messages:
        return ""
    more = " or more" if "LastEvaluatedKey" in page else ""
    return f"{page['Count']:,}{more} waiting changes, and about {messages:,} in the queues,"
