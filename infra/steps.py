"""Says what comes after a deployment or a removal: `python -m infra.steps`.

`infra/deployment.js` and `infra/removal.js` run this with the arguments of `lines` as a JSON object
on standard input, and print what it answers.
"""

import sys
from collections.abc import Sequence
from shlex import join

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.aws.s3 import Bucket
from edgesweep.flush.gaps import reaches
from edgesweep.operate.stack import Stack, before_removal, find_stack, waiting
from infra.parameters import respond


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


def _silent(session: boto3.Session, stack: Stack) -> Sequence[str]:
    s3, queue = session.client("s3"), stack.environment.get("NOTIFIED_QUEUE")

    def silent(name: str) -> bool:
        try:
            return not reaches(Bucket(s3, name).notifications(), queue)
        except ClientError:
            return True

    return list(filter(silent, stack.outputs["Buckets"].split(",")))


if __name__ == "__main__":
    sys.exit(respond(lines, BotoCoreError, ClientError))
