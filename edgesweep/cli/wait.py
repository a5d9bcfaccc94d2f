"""`edgesweep wait`: returns once CloudFront has accepted every change, or has completed it."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Annotated, BinaryIO, TypedDict, cast

import click
from botocore.exceptions import ClientError

from edgesweep import wiring
from edgesweep.cli.deployed import Deployed, stack_command
from edgesweep.cli.keys import keys_below, read_keys
from edgesweep.cli.output import shortened, show
from edgesweep.cli.status import observer
from edgesweep.cli.terminal import bucket_name, say
from edgesweep.errors import BadInput, TimedOut
from edgesweep.flush.tick import NOW
from edgesweep.operate import waiting
from edgesweep.record.catalogue import Name
from edgesweep.record.recorder import Fate, fate

_PAUSE_SECONDS = 2
_NAMED = 20  # keys of each reason that people are shown


class Waited(TypedDict):
    ids: Annotated[Sequence[str], "the ids of the distributions"]
    changed: Annotated[bool, "whether any change had to be waited for"]
    completed: Annotated[bool, "whether CloudFront has completed all of it"]
    skipped: Annotated[Mapping[str, str], "keys that were not waited for -> why"]


@stack_command(Waited)
@click.option(
    "--after", type=click.Path(allow_dash=True, path_type=Path),
    help="A local folder that was just uploaded, or a file of keys, one a line.",
)  # fmt: skip
@click.option("--bucket", callback=bucket_name, help="Only changes of this bucket.", metavar="NAME")
@click.option("--distribution", "only", help="Only this distribution.", metavar="ID")
@click.option("--completed", is_flag=True, help="Wait until CloudFront has emptied its caches.")
@click.option("--now", is_flag=True, help="Ask for a flush now; the budget still decides.")
@click.option("--timeout", type=click.IntRange(1, 86_400), default=900, help="Seconds, at most.")
def wait(
    deployed: Deployed,
    *,
    after: Path | None,
    bucket: str | None,
    only: str | None,
    completed: bool,
    now: bool,
    timeout: int,
) -> None:
    """Wait until CloudFront has accepted every change that happened before; write nothing.

    It also waits for changes that S3 has not reported yet: without --after, it always waits for the
    usual delay of S3's events. With --after, the catalogue shows which uploads are recorded; it
    does not show removals. Keys that are excluded, immutable, served by no distribution or not in
    the bucket are named, and not waited for. A wait longer than --timeout ends with exit code 3.
    With --now, recorded changes wait neither for an upload to end nor for the next change.

    \b
    aws s3 sync build s3://my-site && edgesweep wait --completed --after build
    """
    until, settings = wiring.now() + timedelta(seconds=timeout), deployed.settings
    if after and not bucket:
        bucket, *others = settings.buckets
        if others:
            raise BadInput(f"Say with --bucket which of {', '.join(settings.buckets)} has the keys")
    ids, seen = deployed.distributions(only, bucket), observer(deployed)
    uploaded, skipped = _uploaded(deployed, bucket, after) if bucket and after else ([], {})
    ask = partial(_ask, deployed) if now else lambda: None
    steps = [waiting.accepted(seen, ids, wiring.now, ask)]
    if after and settings.catalogue_table:
        known = wiring.unchanged_filter(settings, deployed.session, None)
        steps.insert(0, waiting.recorded(seen, uploaded, known, skipped, partial(_check, deployed)))
    else:
        _through(waiting.reported(seen, wiring.now), until)
    changed = _through(chain(*steps), until)
    if completed:
        _through(waiting.completed(seen, ids), until)
    waited = Waited(ids=ids, changed=changed, completed=completed, skipped=skipped)
    show(waited, _lines(waited))


def _uploaded(deployed: Deployed, bucket: str, after: Path) -> tuple[list[Name], dict[str, str]]:
    """Return the objects that may get rows, and why the other keys get none."""
    judge = partial(fate, deployed.settings.selection, deployed.routes, bucket)
    fates = {key: judge(key)[0] for key in _keys(after)}
    names = [(bucket, key) for key in fates if fates[key] is Fate.SWEPT]
    return names, {key: why for key, why in fates.items() if why is not Fate.SWEPT}


def _keys(after: Path) -> Sequence[str]:
    if after.is_dir():
        return sorted(keys_below(after))
    try:
        with click.open_file(str(after), "rb") as file:
            return read_keys(cast("BinaryIO", file))
    except OSError as error:
        raise BadInput(f"--after {after}: {error.strerror}") from error


def _check(deployed: Deployed, name: Name) -> None:
    """Raise S3's error if we may not read an object: unlike a HEAD, a GET says why."""
    try:
        deployed.session.client("s3").get_object(Bucket=name[0], Key=name[1])["Body"].close()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.FORBIDDEN:
            raise


def _ask(deployed: Deployed) -> None:
    name, functions = deployed.stack.outputs["FlushFunction"], deployed.session.client("lambda")
    functions.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(NOW))


def _through(step: Iterator[str], until: datetime) -> bool:
    """Take a step to its end, and say why it waits; return whether it waited."""
    said = ""
    for why in step:
        if wiring.now() >= until:
            raise TimedOut(f"The time is over: {why}")
        say("" if why == said else why)
        said = why
        time.sleep(_PAUSE_SECONDS)
    return bool(said)


def _lines(waited: Waited) -> Iterator[str]:
    skipped = waited["skipped"]
    for why in dict.fromkeys(skipped.values()):
        keys = [key for key in skipped if skipped[key] == why]
        yield f"Not waited for, since {why}: {shortened(keys, _NAMED)}"
    state = "completed" if waited["completed"] else "accepted"
    change = "every change" if waited["changed"] else "all that there was; nothing waits"
    yield f"CloudFront has {state} {change}"
