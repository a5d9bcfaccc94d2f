"""Says what comes after a deployment or a removal: `python -m edgesweep.operate.steps`.

`infra/deployment.js` and `infra/removal.js` run this with the arguments of `lines` as a JSON object
on standard input, and print what it answers.
"""

import sys
from collections.abc import Collection, Iterator, Sequence
from shlex import join

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.aws.s3 import Bucket
from edgesweep.aws.sqs import Queue
from edgesweep.flush.notifications import reaches
from edgesweep.operate.parameters import respond
from edgesweep.operate.stack import Stack, find_stack


def lines(command: str, stack: str, region: str, *, kept: bool) -> Sequence[str]:
    """Return what to say once a stack is deployed (`deploy`), or before it is removed (`remove`).

    It raises `EdgesweepError` if there is no such stack, and errors of botocore pass through.
    """
    session = boto3.Session(region_name=region)
    found = find_stack(session, stack)
    silent = _silent(session, found)
    if command == "deploy":
        return [after_deployment(found, silent)]
    return list(before_removal(found, waiting(session, found), silent, kept=kept))


def after_deployment(stack: Stack, silent: Sequence[str]) -> str:
    """Return the next step, in one line; `silent` buckets are not seen to publish their events."""
    where = ["--region", stack.region]
    status = join(["edgesweep", "status", "--stack", stack.name, *where])
    if silent:
        steps = " && ".join(join(["edgesweep", "attach", bucket, *where]) for bucket in silent)
        return f"{stack.name} is deployed. Next: {steps}"
    buckets = stack.outputs["Buckets"].replace(",", " or ")
    return f"{stack.name} is deployed. Next: upload something to {buckets}, then run {status}"


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


def _silent(session: boto3.Session, stack: Stack) -> Sequence[str]:
    s3, queue = session.client("s3"), stack.environment.get("NOTIFIED_QUEUE")

    def silent(name: str) -> bool:
        try:
            return not reaches(Bucket(s3, name).notifications(), queue)
        except ClientError:
            return True

    return list(filter(silent, stack.outputs["Buckets"].split(",")))


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


if __name__ == "__main__":
    sys.exit(respond(lines, BotoCoreError, ClientError))
