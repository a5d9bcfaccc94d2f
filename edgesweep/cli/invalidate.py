"""`edgesweep invalidate`: requests paths, as `aws cloudfront create-invalidation` does."""

import json
from collections.abc import Sequence
from getpass import getuser
from pathlib import Path
from typing import Annotated, TypedDict

import click

from edgesweep.aws.sqs import Queue
from edgesweep.cli.deployed import Deployed, stack_command
from edgesweep.cli.output import show
from edgesweep.cli.terminal import suggest
from edgesweep.dirty import chunks, count
from edgesweep.errors import MALFORMED, BadInput
from edgesweep.record.events import INVALIDATE, parse

_AT_ONCE = 60  # paths of 4,000 characters, which fit into a message of 256 KB
_BATCH = '{"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "any"}'


class Requested(TypedDict):
    paths: Annotated[Sequence[str], "the paths, each once"]
    ids: Annotated[Sequence[str], "the ids of the distributions that forget them"]
    by: Annotated[str, "who requests them"]


def batched(_: click.Context, __: click.Parameter, text: str | None) -> Sequence[str]:
    """Return the paths of a batch of CloudFront's API, as JSON or in a file."""
    if text is None:
        return ()
    name = text.removeprefix("file://")
    try:
        given = text if name == text else Path(name).expanduser().read_bytes()
        batch = json.loads(given)["Paths"]
        told, many = batch["Quantity"], len(batch["Items"])
        paths = list(dict.fromkeys(batch["Items"]))
    except OSError as error:
        raise BadInput(f"--invalidation-batch {text}: {error.strerror}") from error
    except MALFORMED as error:
        raise BadInput(f"--invalidation-batch must be JSON such as {_BATCH}") from error
    if told != many:
        raise BadInput(f"--invalidation-batch: Quantity is {told}, but Items has {many}")
    return paths


@stack_command(Requested)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(
    "--invalidation-batch", "batch", callback=batched, metavar="BATCH",
    help="Paths as JSON, or file://NAME.",
)  # fmt: skip
@click.option("--paths", "_", is_flag=True, expose_value=False, hidden=True)
@click.option("--distribution", "--distribution-id", "only", help="Only this one.", metavar="ID")
@click.option("--by", default=getuser, show_default="your login", help="Who asks.", metavar="NAME")
def invalidate(
    deployed: Deployed, paths: Sequence[str], *, batch: Sequence[str], only: str | None, by: str
) -> None:
    """Invalidate PATHs with the next flush, within the budget, whether or not anything changed.

    Quote a PATH as CloudFront expects it. It is sent byte for byte, or as a wider path if the
    budget or a quota requires that; a cache tag (`#tag`) is sent unchanged, or as `/*`. All
    distributions of the stack forget the paths, unless you name one. The arguments of
    `aws cloudfront create-invalidation` work unchanged.

    \b
    edgesweep invalidate '/blog/*' --by cms
    edgesweep invalidate --distribution-id E2QWRUHEXAMPLE --paths '/img/*'
    """
    ids, distinct = deployed.distributions(only), list(dict.fromkeys([*paths, *batch]))
    if not distinct:
        raise click.UsageError("Missing argument 'PATH...', or --invalidation-batch")
    message = {"edgesweep": INVALIDATE, "by": by} | ({"distribution": only} if only else {})
    bodies = [json.dumps({**message, "paths": part}) for part in chunks(distinct, _AT_ONCE)]
    # Nothing is sent unless the recorder understands all of it.
    for body in bodies:
        parse(body)
    queue = Queue(deployed.session.client("sqs"), deployed.stack.outputs["QueueUrl"])
    for body in bodies:
        queue.send(body)
    asked = Requested(paths=distinct, ids=ids, by=by)
    show(asked, [f"Requested {count(len(distinct), 'path')} of {', '.join(ids)}"])
    suggest("They go with the next flush; `edgesweep flushes` shows it")
