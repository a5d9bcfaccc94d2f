"""`edgesweep attach`, `detach` and `learn`: the events of a bucket, and the objects it holds."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Annotated, TypedDict

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep import wiring
from edgesweep.aws.s3 import Bucket, S3Listing, region_of
from edgesweep.cli.deployed import Deployed, session, stack_command
from edgesweep.cli.output import dollars, json_option, progress, show
from edgesweep.cli.terminal import agree, aws_options, bucket_name, say, suggest
from edgesweep.cover.survey import Listing
from edgesweep.dirty import chunks, count
from edgesweep.errors import BadInput, EdgesweepError, Unsettled
from edgesweep.flush.gaps import EVENTBRIDGE
from edgesweep.operate.buckets import check, deliver, listeners
from edgesweep.operate.failures import failure
from edgesweep.prices import CENT, READ_PRICE, S3_GET_PRICE, S3_LIST_PRICE, WRITE_PRICE
from edgesweep.record.catalogue import Name
from edgesweep.record.recorder import Fate, fate
from edgesweep.record.unchanged import UnchangedFilter

Page = Sequence[Name]

_STRIDE = 200  # objects between two updates of the progress display

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html
BEGINS = "S3 takes about five minutes until it reports changes: upload after that"


class Delivery(TypedDict):
    bucket: str
    changed: Annotated[bool, "whether EventBridge delivery had to be turned on or off"]
    kept: Annotated[Mapping[str, object], "the other notifications, as S3 returns them"]


class Learnt(TypedDict):
    bucket: str
    objects: Annotated[int, "objects in it that the stack sweeps"]
    known: Annotated[int, "how many of them the catalogue knows now"]


def wiring_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `attach` and `detach`."""
    bucket = click.argument("bucket", callback=bucket_name)
    dry_run = click.option("--dry-run", is_flag=True, help="Show the change; change nothing.")
    return bucket(dry_run(json_option(Delivery)(aws_options(command))))


@click.command()
@wiring_options
def attach(bucket: str, *, dry_run: bool, **where: str | None) -> None:
    """Turn on EventBridge delivery of BUCKET, keeping its other notifications.

    \b
    edgesweep attach my-site --dry-run
    edgesweep attach my-site
    """
    chosen = session(**where)
    check(chosen.client("s3"), bucket, anywhere=not chosen.region_name)
    free = f"`edgesweep learn {bucket}` makes even the first re-upload of unchanged files free"
    _rewire(chosen, bucket, f"{bucket} publishes its events; {free}", on=True, dry_run=dry_run)


@click.command()
@wiring_options
def detach(bucket: str, *, dry_run: bool, **where: str | None) -> None:
    """Turn off EventBridge delivery of BUCKET, keeping its other notifications.

    It first names the EventBridge rules that may use the delivery.

    \b
    edgesweep detach my-site --dry-run
    edgesweep detach my-site
    """
    chosen = session(**where)
    check(chosen.client("s3"), bucket, anywhere=True)
    say(_users(chosen, bucket))
    then = f"{bucket} publishes no events; `edgesweep attach {bucket}` turns them on again"
    _rewire(chosen, bucket, then, on=False, dry_run=dry_run)


def _users(chosen: boto3.Session, bucket: str) -> str:
    """Return a line about the rules that will get no more events, if there are any."""
    region = region_of(chosen.client("s3"), bucket) or chosen.region_name
    try:
        names = listeners(chosen.client("events", region_name=region), bucket)
    except (BotoCoreError, ClientError) as error:
        return f"The users of the delivery are unknown: {failure(error)}"
    return f"These EventBridge rules may use the delivery: {', '.join(names)}" if names else ""


def _rewire(chosen: boto3.Session, bucket: str, then: str, *, on: bool, dry_run: bool) -> None:
    changed, kept = deliver(Bucket(chosen.client("s3"), bucket), on=on, dry_run=dry_run)
    lines = [f"  {name}: {json.dumps(value, default=str)}" for name, value in kept.items()]
    lines += [f"{'+' if on else '-'} {EVENTBRIDGE}: {{}}"] if changed else []
    show(Delivery(bucket=bucket, changed=changed, kept=kept), lines)
    then += f". {BEGINS}" if changed and on else ""
    if dry_run and changed:
        command = "attach" if on else "detach"
        then = f"A dry run changed nothing; `edgesweep {command} {bucket}` does it"
    suggest(then if changed else f"Nothing to change: {then}")


@stack_command(Learnt)
@click.argument("bucket", callback=bucket_name)
@click.option("--yes", is_flag=True, help="Do not ask to confirm the cost.")
def learn(deployed: Deployed, bucket: str, *, yes: bool) -> None:
    """Learn what BUCKET holds, so that even the first re-upload of unchanged files is free.

    Nothing is invalidated: viewers are assumed to get the objects that the bucket holds. Objects
    that are known are not asked for again, so another run continues an interrupted one.

    \b
    edgesweep learn my-site
    """
    learnt = learn_all(deployed, bucket, yes=yes)
    show(learnt, [f"Known: {learnt['known']:,} of {count(learnt['objects'], 'object')}"])
    if learnt["known"] < learnt["objects"]:
        raise EdgesweepError("The other objects could not be read; another run tries them again")
    result = "is learnt" if learnt["objects"] else f"holds no object that {deployed.name} sweeps"
    suggest(f"{bucket} {result}; upload something, and `edgesweep status` shows what waits")


def learn_all(deployed: Deployed, bucket: str, *, yes: bool) -> Learnt:
    """Learn the objects of a bucket, if a person agrees to the cost."""
    sweeps = _judge(deployed, bucket)
    s3 = deployed.session.client("s3")
    check(s3, bucket)
    pages = partial(_pages, S3Listing(s3), bucket, sweeps)
    total = requests = known = asked = 0
    with progress("Listing") as shown:
        for requests, page in enumerate(pages(), 1):  # noqa: B007  # counted
            total += len(page)
            shown(total)
    if total:
        say(f"{bucket} holds {count(total, 'object')}; {_cost(total, requests)}")
        agree("Learn them?", yes=yes)
        settings, session = deployed.settings, deployed.session
        learner = wiring.unchanged_filter(settings, session, None, deployed.kept)
        known, asked = _learnt(pages(), total, learner)
    return Learnt(bucket=bucket, objects=asked, known=known)


def _judge(deployed: Deployed, bucket: str) -> Callable[[Name], bool]:
    """Return a test of whether an object is swept; raise if the bucket cannot be learnt."""
    settings, name = deployed.settings, deployed.stack.name
    if bucket not in settings.buckets:
        raise BadInput(f"{name} does not sweep {bucket!r}; it sweeps {', '.join(settings.buckets)}")
    if not settings.catalogue_table:
        raise BadInput(f"{name} skips no upload, since it was deployed with skipUnchanged=false")
    if deployed.kept and bucket in deployed.kept.missed:
        later = "learn it a quarter of an hour after edgesweep doctor finds no fault"
        raise Unsettled(f"Events of {bucket} may be missed now; {later}")
    judge = partial(fate, settings.selection, deployed.routes)
    return lambda name: judge(*name)[0] is Fate.SWEPT


def _pages(listing: Listing, bucket: str, sweeps: Callable[[Name], bool]) -> Iterator[Page]:
    """Yield the objects of a bucket that the stack sweeps, a page for each request."""
    after, more = "", True
    while more:
        keys, more = listing.page(bucket, "", after)
        yield [name for key in keys if sweeps(name := (bucket, key))]
        after = keys[-1] if keys else after


def _cost(objects: int, requests: int) -> str:
    """Return the usage and the cost of learning objects, including one more listing."""
    used = {
        "HEAD requests": (objects, S3_GET_PRICE),
        "LIST requests": (2 * requests, S3_LIST_PRICE),
        "write request units": (2 * objects, WRITE_PRICE),
        "read request units": (objects, READ_PRICE),
    }
    items = ", ".join(f"{quantity:,} {item}" for item, (quantity, _) in used.items())
    usd = sum((quantity * price for quantity, price in used.values()), Decimal(0))
    price = dollars(round(usd, 2)) if usd >= CENT else "less than $0.01"
    return f"learning them takes up to {items}: {price} at the prices of us-east-1"


def _learnt(pages: Iterable[Page], total: int, unchanged: UnchangedFilter) -> tuple[int, int]:
    """Learn objects; return how many are known now, and how many there are."""
    known = asked = 0
    with progress("Learning", total) as shown:
        for names in chain.from_iterable(chunks(page, _STRIDE) for page in pages):
            known, asked = known + unchanged.survey(names), asked + len(names)
            if not known:
                may = f"do you have s3:GetObject on arn:aws:s3:::{names[0][0]}/*?"
                raise EdgesweepError(f"None of {count(asked, 'object')} could be read; {may}")
            shown(asked)
    return known, asked
