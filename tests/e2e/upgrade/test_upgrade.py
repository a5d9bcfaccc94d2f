"""This tree is deployed over a running stack of the last release: nobody notices.

It is given no parameters, since that stack remembers its own.
The schedule rests: a tick is a call of the flush function.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgesweep.operate.parameters import logical
from infra.local.aws import REGION, ROOT, embedded_aws
from tests.e2e.conftest import RESTING, make_distribution
from tests.e2e.shell import run
from tests.e2e.upgrade.release import unpack
from tests.e2e.upgrade.site import Site, make_bucket
from tests.e2e.upgrade.stacks import (
    Template,
    half_updated,
    of_stage,
    outputs_of,
    parameters_of,
    put_stack,
    template_of,
)

STAGE = "upgraded"
PARAMETERS = {"quietSeconds": "0", "maxWaitSeconds": "1"}
# A row that is younger than this when a flush is opened may tell of a change after it.
MARGIN_SECONDS = 10

KNOWN = ("known/0.html", "known/1.html", "known/2.html")
WAITING = (*KNOWN, "waiting/one page.html", "waiting/é.html", "waiting/~tilde.html")
UNROUTED = ("unrouted/0.html", "unrouted/1.html")
# By key: how often its report was sent back, and how long ago that was.
DEAD = {"dead/0.html": (0, timedelta(hours=1)), "dead/2.html": (2, timedelta(hours=3))}

# The deployed flush function, in a process that is killed as soon as CloudFront has answered.
DOOMED = """
import os, signal, sys
sys.path.insert(0, ".")
import botocore.handlers
botocore.handlers.BUILTIN_HANDLERS.append((
    "after-call.cloudfront.CreateInvalidation", lambda **_: os.kill(os.getpid(), signal.SIGKILL)
))
import handlers.flush
handlers.flush.handler({}, None)
"""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A stack that was deployed twice, and the two sites that it sweeps.

    Attributes:
        site: its distribution was known to the last release.
        shop: its distribution was not.
        open_flush: the invalidation of the flush that the last release did not finish.
        changes: when each viewer path of the site changed that the last release did not sweep.
        unrouted: the same of the shop.
        old: the template of the last release.
        new: the template of this tree.
    """

    site: Site
    shop: Site
    open_flush: str
    changes: Mapping[str, datetime]
    unrouted: Mapping[str, datetime]
    old: Template
    new: Template


@pytest.fixture(scope="module", name="tree")
def _tree() -> Path:
    """The tree of the last release."""
    return unpack()


@pytest.fixture(scope="module", name="upgrade")
def _upgrade(tree: Path) -> Iterator[Upgrade]:
    with embedded_aws(speed=RESTING, name="e2e-upgrade") as aws:
        site_bucket, shop_bucket = make_bucket(aws, f"{STAGE}-site"), make_bucket(aws, "shop")
        distribution = make_distribution(aws, site_bucket)
        given = {"bucket": f"{site_bucket},{shop_bucket}", **PARAMETERS}
        options = " ".join(f"--param={name}={value}" for name, value in given.items())
        run(aws, f"cd {tree} && npx osls deploy --stage {STAGE} --region {REGION} {options}")
        old, outputs = template_of(aws, STAGE), outputs_of(aws, STAGE)
        site = Site(aws, STAGE, outputs, site_bucket, distribution)
        shop = Site(aws, STAGE, outputs, shop_bucket)

        open_flush = leave_open(site, tree)
        changes = {**site.put(*WAITING), **leave_dead(site)}
        unrouted = shop.put(*UNROUTED)
        site.await_rows("open.html", *WAITING, *UNROUTED)

        shop = replace(shop, distribution=make_distribution(aws, shop_bucket))
        outputs = aws.deploy(STAGE)
        site, shop = replace(site, outputs=outputs), replace(shop, outputs=outputs)
        new = template_of(aws, STAGE)
        yield Upgrade(site, shop, open_flush, changes, unrouted, old, new)


def leave_open(site: Site, tree: Path) -> str:
    """Let a flush of the last release die that CloudFront has accepted; return what it made."""
    site.put("open.html")
    site.await_rows("open.html")
    time.sleep(MARGIN_SECONDS + 1)
    function = site.aws.client("lambda").get_function_configuration(
        FunctionName=site.outputs["FlushFunction"]
    )
    ended = subprocess.run(
        [sys.executable, "-c", DOOMED],
        env={**site.aws.environment, **function["Environment"]["Variables"]},
        cwd=tree,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    (made,) = site.watch.invalidations()
    assert made.paths == ("/open.html",)
    return made.identity


def leave_dead(site: Site) -> Mapping[str, datetime]:
    """Leave dead letters that are due, and one that nobody can read, which is due in 13 hours."""
    now = datetime.now(UTC)
    for key, (redriven, ago) in DEAD.items():
        send_dead(site, report(site.bucket, key), redriven, now - ago)
    send_dead(site, "poison", 5, now - timedelta(hours=3))
    return {f"/{key}": now for key in DEAD}


def send_dead(site: Site, body: str, redriven: int, sent_at: datetime) -> None:
    """Put a message among the dead letters."""
    sent = str(int(sent_at.timestamp() * 1000))
    site.aws.client("sqs").send_message(
        QueueUrl=site.outputs["DeadLetterQueueUrl"],
        MessageBody=body,
        MessageAttributes={
            "EdgesweepRedriven": {"DataType": "Number", "StringValue": str(redriven)}
        },
        MessageSystemAttributes={"SentTimestamp": {"DataType": "String", "StringValue": sent}},
    )


def report(bucket: str, key: str) -> str:
    """Return what EventBridge reports of a created object."""
    told = {"bucket": {"name": bucket}, "object": {"key": key}, "reason": "PutObject"}
    return json.dumps(
        {
            "version": "0",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "detail": {"version": "0", **told},
        }
    )


def test_parameters(upgrade: Upgrade) -> None:
    """What the last release was given holds on."""
    values = parameters_of(upgrade.site.aws, STAGE)
    given = {"bucket": f"{upgrade.site.bucket},{upgrade.shop.bucket}", **PARAMETERS}

    assert upgrade.old["Metadata"]["Parameters"] == given
    assert {name: values[logical(name)] for name in given} == given


def test_changelog(tree: Path) -> None:
    """The changelog says as many things of the last release as it did when that was released."""
    now, then = (
        [part.count("\n- ") for part in (one / "CHANGELOG.md").read_text().split("\n## ")[1:]]
        for one in (ROOT, tree)
    )
    assert now[1] == next(filter(None, then))


@pytest.mark.parametrize("late", ["record", "flush"])
def test_half_updated(upgrade: Upgrade, late: str) -> None:
    """While one of the two functions is still the old one, a change is swept, and paid once.

    Its role is the new one by then: it may complain that it can no longer look at something.
    """
    aws, stage = upgrade.site.aws, f"{late}-late"
    old, new = (of_stage(one, STAGE, stage) for one in (upgrade.old, upgrade.new))
    bucket = make_bucket(aws, f"{stage}-site")
    distribution = make_distribution(aws, bucket)
    put_stack(aws, stage, old, "create")
    site = Site(aws, stage, outputs_of(aws, stage), bucket, distribution)
    site.tick()

    half = half_updated(old, new, f"{late.capitalize()}LambdaFunction")
    put_stack(aws, stage, half, "update")
    site.tick(complaints=True)
    site.sweep(site.put("between.html"), complaints=True)

    assert site.billed() == ["/between.html"]
    assert site.charged() == 1


@pytest.fixture(scope="module", name="swept")
def _swept(upgrade: Upgrade) -> Upgrade:
    """The same, once this tree has swept what it found."""
    upgrade.site.sweep(upgrade.changes)
    return upgrade


def test_nothing_lost(swept: Upgrade) -> None:
    """This tree sweeps all that the last release left; of the dead letters the poison stays."""
    assert swept.shop.missed(swept.unrouted) == []
    assert swept.site.dead_letters() == 1


def test_nothing_paid_twice(swept: Upgrade) -> None:
    """Each change is in one invalidation, those of the open flush too; the ledger is the bill."""
    site, invalidations = swept.site, swept.site.watch.invalidations()
    for path in ("/open.html", *swept.changes):
        assert sum(one.matches(path) for one in invalidations) == 1, path
    assert "/*" not in site.billed()
    assert site.charged() == len(site.billed()) + len(swept.shop.billed())


def test_open_flush(swept: Upgrade) -> None:
    """The open flush is sent again under its reference, and is settled as all others are."""
    flushes = swept.site.reads("flushes")
    (opened,) = [one for one in flushes if one["invalidations"] == [swept.open_flush]]
    assert opened["attempts"] == 2
    assert {one["state"] for one in flushes} == {"settled"}


def test_nothing_forgotten(swept: Upgrade) -> None:
    """Objects that the last release knew cost nothing when they are uploaded unchanged."""
    site, before = swept.site, swept.site.billed()
    site.put(*KNOWN)
    site.sweep(site.put("edited.html"))

    assert site.billed() == [*before, "/edited.html"]
