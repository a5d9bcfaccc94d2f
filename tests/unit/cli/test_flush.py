"""What `edgesweep flush` sends, prints and refuses, and that its dry run says just that."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from typing import Any

import boto3
import pytest

from edgesweep import wiring
from edgesweep.dirty import UNROUTED
from edgesweep.flush.policy import Reason
from tests.aws import calls, listening
from tests.fakes.stack import Answered, refusal
from tests.unit.conftest import Operated

CREATE = "cloudfront.CreateInvalidation"
READS = {"Describe", "Get", "Head", "List", "Query"}


def paths_of(operated: Operated, *arguments: str) -> Sequence[Any]:
    """Run the command and return the paths that it reports."""
    result = operated.run("flush", "--json", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return [path for one in json.loads(result.stdout) for path in one["paths"]]


def leave_unfinished(operated: Operated) -> None:
    """Let an earlier flush be open, because CloudFront refused it."""
    operated.change("earlier.html")
    with listening(f"before-call.{CREATE}", lambda **_: refusal("AccessDenied", "Not you")):
        assert operated.run("flush").exit_code == 1


def write_site(*keys: str) -> None:
    """Let there be objects."""
    client = boto3.client("s3")
    for key in keys:
        client.put_object(Bucket="site", Key=key, Body=b"")


@pytest.mark.parametrize(
    ("changed", "unchanged", "unfinished"),
    [
        (["index.html", "a b.html", "é~", "docs/x*y.html"], [], False),
        ([f"docs/{n}.html" for n in range(250)], ["docs/same.html"], True),
        ([f"{n}/page.html" for n in range(40)], [f"{n}/same.html" for n in range(40)], False),
    ],
)
def test_dry_run(
    operated: Operated,
    changed: Sequence[str],
    unchanged: Sequence[str],
    unfinished: bool,  # noqa: FBT001  # a parameter
) -> None:
    """A dry run writes nothing, and names exactly what the flush then asks CloudFront for."""
    write_site(*changed, *unchanged)
    if unfinished:
        leave_unfinished(operated)
    operated.change(*changed)

    with calls() as asked:
        dry = paths_of(operated, "--dry-run")
    bodies: list[bytes] = []
    with listening(f"before-call.{CREATE}", lambda params, **_: bodies.append(params["body"])):
        real = paths_of(operated)

    assert {call for call in asked if not call.split(".")[1].startswith(tuple(READS))} == set()
    assert dry == real
    assert len(bodies) == 1 + unfinished
    assert real == re.findall("<Path>(.*?)</Path>", b"".join(bodies).decode())
    assert sorted(chain.from_iterable(operated.invalidations())) == sorted(real)
    assert not operated.dirty.span(operated.distribution)


def test_unrouted(operated: Operated) -> None:
    """A dry run sees rows go that wait for a distribution which has come, and leaves them there."""
    operated.change("late.html", to=UNROUTED)

    dry = paths_of(operated, "--dry-run")

    assert dry == ["/late.html"]
    (one,) = json.loads(operated.run("flush", "--dry-run", "--json").stdout)
    assert (one["invalidations"], one["usd"]) == ([], 0.005)
    assert operated.dirty.count(UNROUTED) == 1
    assert paths_of(operated) == dry


def test_printed(operated: Operated) -> None:
    """People read how many paths and rows there were, what they cost, and every path."""
    operated.change("index.html", "a b.html")

    dry, real = operated.run("flush", "--dry-run"), operated.run("flush")

    assert real.exit_code == 0
    assert real.stdout.splitlines() == [
        f"{operated.distribution}: 3 paths for 2 rows, $0.015 at list price",
        "  /",
        "  /a*",
        "  /index.html",
    ]
    assert dry.stdout == real.stdout
    assert "`edgesweep flush` sends the paths" in dry.stderr
    (sent,) = json.loads(operated.run("flushes", "--json").stdout)[0]["invalidations"]
    assert real.stderr == (
        f"edgesweep: CloudFront accepted the paths; `edgesweep flushes {sent}` shows why\n"
    )


@pytest.mark.parametrize("age", [timedelta(0), -timedelta(seconds=5)])
def test_at_once(operated: Operated, age: timedelta) -> None:
    """An upload that has just come in is not waited for, whosever clock is ahead."""
    operated.change("index.html", age=age)

    assert paths_of(operated) == ["/", "/index.html"]


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_nothing(operated: Operated, options: Sequence[str]) -> None:
    """Where nothing waits, that is said on standard error, and nothing on standard output."""
    result = operated.run("flush", *options)

    told = "edgesweep: Nothing waits to be flushed\n"
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", told)
    assert json.loads(operated.run("flush", "--json", *options).stdout) == []


def test_leased(operated: Operated) -> None:
    """It never fights the schedule: a flush that is under way is left alone."""
    operated.change("index.html")
    operated.journal.take(operated.distribution, "the schedule", wiring.now())

    result = operated.run("flush")

    told = f"{operated.distribution}: is being flushed\n"
    assert (result.exit_code, result.stdout) == (0, told)
    assert result.stderr == "edgesweep: `edgesweep status` shows when the next flush is due\n"
    assert operated.invalidations() == []


def test_budget(operated: Operated) -> None:
    """The budget holds for everybody who asks."""
    operated.stack.environment["FREE_PATHS"] = "2"
    operated.change("a.html")
    assert operated.run("flush").exit_code == 0
    operated.change("b.html")

    (held,) = json.loads(operated.run("flush", "--json").stdout)

    assert (held["reason"], held["paths"]) == (Reason.BUDGET, [])
    assert "waits: only the reserve" in operated.run("flush").stdout
    assert len(operated.invalidations()) == 1


def test_refused(operated: Operated) -> None:
    """What CloudFront refuses stays, and fails in one line that says why."""
    operated.change("index.html")
    text = f"User: me is not authorized to perform: {CREATE.replace('.', ':')}"

    with listening(f"before-call.{CREATE}", lambda **_: refusal("AccessDenied", text)):
        result = operated.run("flush")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert text in line
    assert operated.dirty.span(operated.distribution)
    assert paths_of(operated) == ["/", "/index.html"]


def test_undiscovered(operated: Operated) -> None:
    """If the distributions cannot be found out, `flush` says so and does not succeed."""
    operated.stack.environment["DISTRIBUTION"] = ""
    looking = "before-call.cloudfront.ListDistributions"

    with listening(looking, lambda **_: refusal("AccessDenied", "Not you")):
        result = operated.run("flush")

    assert (result.exit_code, result.stdout) == (1, "")
    unknown, line = result.stderr.splitlines()
    assert unknown == "edgesweep: No distribution is known"
    assert line.startswith("edgesweep: The distributions cannot be read: ")


def test_failed(operated: Operated) -> None:
    """A failure for one distribution is one line that names it."""
    operated.change("index.html")
    text = "User: me is not authorized to perform: dynamodb:UpdateItem on resource: flushes"

    def refuse(**_: object) -> Answered:
        return refusal("AccessDeniedException", text, status=400)

    with listening("before-call.dynamodb.UpdateItem", refuse):
        result = operated.run("flush")

    told = "The permission dynamodb:UpdateItem on flushes is missing; you are me"
    assert (result.exit_code, result.stdout) == (
        1,
        f"{operated.distribution}: failed; the next tick tries it again\n",
    )
    assert result.stderr == f"edgesweep: {operated.distribution}: {told}\n"
