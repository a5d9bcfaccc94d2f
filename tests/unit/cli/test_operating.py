"""What `edgesweep status`, `flushes` and `redrive` print."""

import json
from datetime import timedelta

import boto3
import pytest

from edgesweep.dirty import UNROUTED
from tests.aws import calls, listening
from tests.fakes.stack import refusal
from tests.unit.conftest import Operated

CHANGES = ("Create", "Delete", "Put", "Send", "Start", "Transact", "Update", "Write")


def test_status(operated: Operated) -> None:
    """What waits, what is in the queues and what is left are shown, and nothing is written."""
    operated.change("a.html", "b.html", age=timedelta(hours=2, minutes=3))
    operated.change("c.html", to=UNROUTED)
    operated.send("DeadLetterQueueUrl", "poison")

    with calls() as asked:
        result = operated.run("status")

    assert (result.exit_code, result.stderr) == (0, "")
    month, queues, _, header, row = result.stdout.splitlines()
    assert "0 paths charged, 1,000 left of 1,000" in month
    assert month.endswith("$0.00 spent, $0.00 left")
    assert queues == "0 messages in the queue, 1 dead letter, 1 row without a distribution"
    assert header.split() == ["dirty", "oldest", "in", "progress", "last", "flush", "distribution"]
    assert row.split()[:6] == ["2", "2", "h", "3", "min", "0"]
    assert f"{operated.distribution}: goes at the next tick, with " in row
    assert [call for call in asked if call.split(".")[1].startswith(CHANGES)] == []


def test_status_json(operated: Operated) -> None:
    """Machines read the same."""
    operated.change("a.html", age=timedelta(0))

    told = json.loads(operated.run("status", "--json").stdout)

    assert told["budget"] == {
        "charged": 0,
        "allowance": 1_000,
        "reserve": told["budget"]["reserve"],
        "left": 1_000,
        "usd_spent": 0.0,
        "usd_left": 0.0,
    }
    assert (told["queued"], told["dead_letters"], told["unrouted"]) == (0, 0, 0)
    (one,) = told["distributions"]
    assert (one["distribution"], one["dirty"]) == (operated.distribution, 1)
    assert (one["reason"], one["flushed_at"]) == ("uploading", None)
    assert one["due"] > one["oldest"]


def test_status_after_flush(operated: Operated) -> None:
    """What was sent is charged, and said to be the last flush."""
    operated.change("a.html")
    operated.run("flush")

    lines = operated.run("status").stdout.splitlines()

    assert "1 path charged, 999 left of 1,000" in lines[0]
    assert lines[-1].endswith(f"{operated.distribution}: nothing waits")


def test_too_small(operated: Operated) -> None:
    """A budget that is too small for all distributions is told as such, and the rest all the same.

    Only the flusher knows how many there are, so the settings pass.
    """
    operated.stack.environment["FREE_PATHS"] = "2"
    operated.stack.environment["DISTRIBUTION"] = f"{operated.distribution},E2QWRUHEXAMPLE"

    result = operated.run("status")

    assert result.exit_code == 0
    assert "The budget does not pay for the guaranteed interval" in result.stderr
    assert "nothing waits" in result.stdout


def test_no_flushes(operated: Operated) -> None:
    """Where nothing was sent that is said on standard error; machines read an empty list."""
    told = "edgesweep: There are no flushes yet\n"

    for options, printed in (((), ""), (("--json",), "[]\n")):
        result = operated.run("flushes", *options)
        assert (result.exit_code, result.stdout, result.stderr) == (0, printed, told)


def test_flushes(operated: Operated) -> None:
    """Flushes are listed, the newest first, as many as were asked for; one is shown in full."""
    for key in ("first.html", "second.html", "third.html"):
        operated.change(key)
        assert operated.run("flush").exit_code == 0

    header, *rows = operated.run("flushes", "--limit", "2").stdout.splitlines()
    listed = json.loads(operated.run("flushes", "--limit", "2", "--json").stdout)

    assert header.split()[:6] == ["rows", "paths", "wildcards", "dollars", "seconds", "state"]
    assert [row.split()[-1] for row in rows] == [flush["id"] for flush in listed]
    assert [row.split()[:4] for row in rows] == [["1", "1", "0", "0.005"]] * 2
    assert listed[0]["opened_at"] > listed[1]["opened_at"]
    full = operated.run("flushes", listed[0]["id"]).stdout.splitlines()
    assert full[0] == f"{operated.distribution} / {listed[0]['id']}"
    assert full[-1] == "/third.html"
    told = json.loads(operated.run("flushes", listed[1]["id"], "--json").stdout)
    assert told == listed[1] | {"quoted_paths": ["/second.html"]}
    assert told["state"] == "settled"
    assert told["seconds"] >= 0


def test_unfinished(operated: Operated) -> None:
    """A flush that CloudFront refused is listed as open, and has not taken any time yet."""
    operated.change("a.html")
    refuse = "before-call.cloudfront.CreateInvalidation"
    with listening(refuse, lambda **_: refusal("AccessDenied", "Not you")):
        operated.run("flush")

    (flush,) = json.loads(operated.run("flushes", "--json").stdout)
    row = operated.run("flushes").stdout.splitlines()[-1]
    full = operated.run("flushes", flush["id"]).stdout

    assert (flush["state"], flush["seconds"], flush["invalidations"]) == ("open", None, [])
    assert row.split()[4:6] == ["-", "open"]
    assert "1 attempt, 1 refusal, accepted as nothing" in full
    assert operated.run("status").stdout.splitlines()[-1].endswith("not answered all of it")


@pytest.mark.parametrize("options", [(), ("--distribution", "E2")])
def test_no_such_flush(operated: Operated, options: tuple[str, ...]) -> None:
    """A flush that is not there is named, with where it was looked for."""
    result = operated.run("flushes", "yesterday", *options)

    where = options[-1] if options else operated.distribution
    told = f"There is no flush yesterday of {where}; `edgesweep flushes` lists all flushes"
    assert (result.exit_code, result.stderr) == (1, f"edgesweep: {told}\n")


def test_redrive(operated: Operated) -> None:
    """Every dead letter goes back, due or not, and how many is said."""
    operated.send("DeadLetterQueueUrl", *(f"body {number}" for number in range(12)))

    dry = operated.run("redrive", "--dry-run")
    assert (dry.exit_code, dry.stdout) == (0, "12 messages would go back to the queue\n")
    assert operated.depth("QueueUrl") == 0
    result = operated.run("redrive")

    assert (result.exit_code, result.stdout) == (0, "12 messages went back to the queue\n")
    assert (operated.depth("QueueUrl"), operated.depth("DeadLetterQueueUrl")) == (12, 0)


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_no_dead_letters(operated: Operated, options: tuple[str, ...]) -> None:
    """Without dead letters that is said on standard error."""
    result = operated.run("redrive", *options)

    told = "edgesweep: There are no dead letters\n"
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", told)


def test_hidden(operated: Operated) -> None:
    """Hidden messages are counted apart, with when they come back; none but them is a failure."""
    operated.send("DeadLetterQueueUrl", "body")
    url = operated.stack.outputs["DeadLetterQueueUrl"]
    boto3.client("sqs").receive_message(QueueUrl=url)

    result = operated.run("redrive")
    operated.send("DeadLetterQueueUrl", "another")
    dry = operated.run("redrive", "--dry-run")
    some = operated.run("redrive")

    hidden = (
        "the flush function has hidden them until they are due; try again in 200 minutes at the"
    )
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"None of 1 dead letter went back: {hidden} latest" in result.stderr
    assert (dry.exit_code, dry.stdout) == (0, "1 message would go back to the queue\n")
    assert (some.exit_code, some.stdout) == (0, "1 message went back to the queue\n")
    assert "1 dead letter stayed: the flush" in dry.stderr
    assert dry.stderr == some.stderr
