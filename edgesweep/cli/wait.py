"""`edgesweep wait`: returns once CloudFront has accepted every change, or has completed it."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated, BinaryIO, TypedDict, cast

import click

from edgesweep import wiring
from edgesweep.aws.dynamodb import RoutesTable
from edgesweep.cli.bucket import bucket_name
from edgesweep.cli.deployed import Deployed, stack_options
from edgesweep.cli.keys import read_keys
from edgesweep.cli.output import json_option, show
from edgesweep.cli.status import observer
from edgesweep.cli.terminal import say
from edgesweep.dirty import UNROUTED
from edgesweep.errors import BadInput, TimedOut
from edgesweep.operate import waiting
from edgesweep.record.catalogue import Name
from edgesweep.record.recorder import fate
from edgesweep.record.selection import Fate
from edgesweep.routes import Routes
from edgesweep.settings import Settings

_PAUSE_SECONDS = 2
_NAMED = 20  # keys of each reason that people are shown


class Waited(TypedDict):
    """The result of a wait."""

    ids: Annotated[Sequence[str], "the ids of the distributions"]
    changed: Annotated[bool, "whether any change had to be waited for"]
    completed: Annotated[bool, "whether CloudFront has completed all of it"]
    skipped: Annotated[Mapping[str, Sequence[str]], "why keys were not waited for -> those keys"]


@click.command()
@click.option(
    "--after",
    type=click.Path(allow_dash=True, path_type=Path),
    help="A local folder that was just uploaded, or a file of keys, one a line.",
)
@click.option("--bucket", callback=bucket_name, help="Only changes of this bucket.", metavar="NAME")
@click.option("--distribution", "to", help="Only this distribution.", metavar="ID")
@click.option("--completed", is_flag=True, help="Wait until CloudFront has emptied its caches.")
@click.option(
    "--timeout",
    type=click.IntRange(1, 86_400),
    default=900,
    help="End with exit code 3 after so many seconds.",
    metavar="SECONDS",
)
@json_option(Waited)
@stack_options
def wait(
    deployed: Deployed,
    *,
    after: Path | None,
    bucket: str | None,
    to: str | None,
    completed: bool,
    timeout: int,
) -> None:
    """Wait until CloudFront has accepted every change that happened before; write nothing.

    Changes that S3 has not reported yet count: without --after, the usual delay of its events is
    always waited for. With --after, the catalogue tells which uploads are recorded; removals cannot
    be seen so. Keys that are excluded, immutable, served by no distribution or not in the bucket
    are named, and not waited for.

    \b
    aws s3 sync build s3://my-site && edgesweep wait --completed --after build
    """  # noqa: D301  # \b tells click to keep the lines
    until, settings = wiring.now() + timedelta(seconds=timeout), deployed.settings
    kept = RoutesTable(settings.flushes_table).load()
    known = wiring.routes_of(settings, kept)
    ids = [one for one in (known.serving(bucket) if bucket else known.ids) if to in (None, one)]
    if not ids:
        raise BadInput(f"{to or bucket or 'The stack'} has none of {', '.join(known.ids) or '-'}")
    skipped: defaultdict[str, list[str]] = defaultdict(list)
    names = _names(settings, known, _keys(after), bucket, skipped) if after else ()
    seen = observer(deployed, known)
    steps = [waiting.accepted(seen, ids, wiring.now)]
    if after and settings.catalogue_table:
        learnt = wiring.unchanged_filter(settings, deployed.session, None, kept)
        looks = learnt.catalogue, learnt.heads, seen.queued
        steps.insert(0, waiting.recorded(names, *looks, skipped["not in the bucket"]))
    else:
        _through(waiting.reported(seen.queued, wiring.now), until)
    changed = _through(chain(*steps), until)
    if completed:
        _through(waiting.completed(seen, ids), until)
    named = {why: keys for why, keys in skipped.items() if keys}
    waited = Waited(ids=ids, changed=changed, completed=completed, skipped=named)
    show(waited, _lines(waited))


def _names(
    settings: Settings,
    known: Routes,
    keys: Sequence[str],
    bucket: str | None,
    skipped: Mapping[str, list[str]],
) -> Sequence[Name]:
    """Return the objects that may get rows; the keys of the others go to `skipped`."""
    buckets = [one for one in settings.buckets if bucket in (None, one)]
    if len(buckets) != 1:
        raise BadInput(f"Say with --bucket which one of {', '.join(settings.buckets)} has the keys")
    names: list[Name] = []
    for key in keys:
        result, partitions = fate(settings.selection, known, buckets[0], key)
        if result is Fate.SWEPT and UNROUTED not in partitions:
            names.append((buckets[0], key))
        else:
            skipped[Fate.UNSERVED if result is Fate.SWEPT else result].append(key)
    return names


def _through(step: Iterator[str], until: datetime) -> bool:
    """Take a step to its end, and say why it waits; return whether it did."""
    said = ""
    for why in step:
        if wiring.now() >= until:
            raise TimedOut(f"The time is over: {why}")
        say("" if why == said else why)
        said = why
        time.sleep(_PAUSE_SECONDS)
    return bool(said)


def _keys(after: Path) -> Sequence[str]:
    if after.is_dir():
        files = sorted(file for file in after.rglob("*") if file.is_file())
        return [file.relative_to(after).as_posix() for file in files]
    try:
        with click.open_file(str(after), "rb") as file:
            return read_keys(cast("BinaryIO", file))
    except OSError as error:
        raise BadInput(f"--after {after}: {error.strerror}") from error


def _lines(waited: Waited) -> Iterator[str]:
    for why, keys in waited["skipped"].items():
        more = f" and {len(keys) - _NAMED:,} more" * (len(keys) > _NAMED)
        yield f"Not waited for, since {why}: {', '.join(keys[:_NAMED])}{more}"
    state = "completed" if waited["completed"] else "accepted"
    change = "every change" if waited["changed"] else "all that there was; nothing waits"
    yield f"CloudFront has {state} {change}"
