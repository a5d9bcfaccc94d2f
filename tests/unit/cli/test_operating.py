"""What `edgesweep status`, `flushes` and `redrive` print."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from edgesweep import wiring
from edgesweep.cli.flushes import HEADER
from edgesweep.cli.flushes import row as row_of
from edgesweep.cli.output import table
from edgesweep.dirty import UNROUTED, DirtyRow, RequestedPath
from edgesweep.flush.budget import month_of
from edgesweep.flush.journal import Flush, State
from edgesweep.flush.others import Look, Looks, Others
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
    assert " ".join(header.split()) == "dirty oldest in progress last flush waited distribution"
    assert row.split()[:6] == ["2", "2", "h", "3", "min", "0"]
    assert f"{operated.distribution}: goes at the next tick, with " in row
    assert [call for call in asked if call.split(".")[1].startswith(CHANGES)] == []


def test_status_json(operated: Operated) -> None:
    """Machines read the same."""
    operated.change("a.html", age=timedelta(0))

    told = json.loads(operated.run("status", "--json").stdout)

    assert told["budget"] == {
        "charged": 0,
        "others": 0,
        "spenders": [],
        "unread": False,
        "looked_at": None,
        "allowance": 1_000,
        "reserve": told["budget"]["reserve"],
        "left": 1_000,
        "spent_usd": 0.0,
        "left_usd": 0.0,
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


def test_status_others(operated: Operated) -> None:
    """Who else spends the account's paths is named, and when that was counted."""
    spend(operated, Others({"E8": (3, 0), "E9": (0, 900)}, since=wiring.now()))

    month, others, counted, *_ = operated.run("status").stdout.splitlines()

    assert "903 paths charged, 97 left of 1,000" in month
    assert others == (
        "Of these 900 by others on E9, 3 by other stacks on E8; edgesweep bill shows all"
    )
    assert counted.startswith("Others were counted ")


def test_bill(operated: Operated) -> None:
    """The bill names everybody who spent paths, with its sum and where the month is heading."""
    operated.change("a.html")
    operated.run("flush")
    spend(operated, Others({"E9": (5, 1_499)}, since=wiring.now()))

    result = operated.run("bill")
    told = json.loads(operated.run("bill", "--json").stdout)
    before = json.loads(operated.run("bill", "--month", "2020-02", "--json").stdout)

    first, _, _, header, *rows = result.stdout.splitlines()
    assert "1,505 paths, 1,000 free, $2.525 so far; heading for " in first
    assert header.split() == ["paths", "by", "for", "distribution"]
    assert [row.split() for row in rows] == [
        ["1", "this", "stack", "uploads", operated.distribution],
        ["1,499", "others", "-", "E9"],
        ["5", "other", "stacks", "-", "E9"],
    ]
    assert (told["charged"], told["usd"]) == (1_505, 2.525)
    assert told["heading_paths"] >= 1_505
    assert (before["month"], before["charged"], before["spenders"]) == ("2020-02", 0, [])


@pytest.mark.parametrize("month", ["1969-12", "9999-12"])
def test_bill_month(operated: Operated, month: str) -> None:
    """A month that has no bill is refused, with those that may have one."""
    result = operated.run("bill", "--month", month)

    told = f"--month {month} is not from 1970 to 9998"
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"edgesweep: {told}\n"


def test_bill_uncounted(operated: Operated) -> None:
    """What is not counted is said, and what is charged to a distribution that is gone."""
    looks = Looks(each=(Look("E7", hidden="AccessDenied"),), hidden="501 are too many")
    month = month_of(wiring.now())
    operated.journal.audit(looks, {month: Others(unread=True, since=wiring.now())}, {month: 4})

    lines = operated.run("bill").stdout.splitlines()

    assert lines[1:4] == [
        "Others have spent more: not all of their invalidations are read yet",
        "The account: 501 are too many",
        "E7: AccessDenied",
    ]
    assert lines[-1].split() == ["4", "this", "stack", "-", "-"]


def test_bill_by(operated: Operated) -> None:
    """The stack's own spending is said of uploads, and of everybody who requested paths."""
    operated.change("a.html")
    asked = [("/b", "cms"), ("/c", "cms"), ("/d", "Ann")]
    moment = wiring.now() - timedelta(hours=1)
    operated.dirty.add(
        [
            DirtyRow(operated.distribution, RequestedPath(*one), moment, f"{number:08x}")
            for number, one in enumerate(asked)
        ]
    )
    operated.run("flush")

    *_, cms, ann, uploads = operated.run("bill").stdout.splitlines()
    (flush,) = json.loads(operated.run("flushes", "--json").stdout)
    full = operated.run("flushes", flush["flush"]).stdout

    assert [line.split()[:4] for line in (cms, ann, uploads)] == [
        ["2", "this", "stack", "cms"],
        ["1", "this", "stack", "Ann"],
        ["1", "this", "stack", "uploads"],
    ]
    assert flush["by"] == ["Ann", "cms"]
    assert "requested: 1 path by Ann, 2 paths by cms" in full


def spend(operated: Operated, others: Others) -> None:
    """Let others have spent paths this month."""
    month = month_of(wiring.now())
    looks = operated.journal.looks()
    assert operated.journal.audit(looks, {month: others}, {month: others.paths})


def test_too_small(operated: Operated) -> None:
    """A budget that is too small for all distributions is named, and the rest is printed too.

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
    told = f"There are no flushes of {operated.stack.name} yet"

    for options, printed, said in (
        (("--distribution", "E9"), "", "edgesweep: There are no flushes of E9 yet\n"),
        ((), "", f"edgesweep: {told}\n"),
        (("--json",), "[]\n", json.dumps({"message": told}) + "\n"),
    ):
        result = operated.run("flushes", *options)
        assert (result.exit_code, result.stdout, result.stderr) == (0, printed, said)


def test_flushes(operated: Operated) -> None:
    """Flushes are listed, the newest first, as many as were asked for; one is shown in full."""
    for key in ("first.html", "second.html", "third.html"):
        operated.change(key)
        assert operated.run("flush").exit_code == 0

    header, *rows = operated.run("flushes", "--limit", "2").stdout.splitlines()
    listed = json.loads(operated.run("flushes", "--limit", "2", "--json").stdout)

    assert header.split()[2:] == ["flush", "rows", "paths", "price", "seconds", "distribution"]
    assert [row.split()[2] for row in rows] == [one["flush"].split("#")[1] for one in listed]
    assert [row.split()[3:6] for row in rows] == [["1", "1", "$0.005"]] * 2
    assert listed[0]["opened_at"] > listed[1]["opened_at"]
    full = operated.run("flushes", listed[0]["flush"]).stdout.splitlines()
    assert full[0] == f"{operated.distribution} / {listed[0]['flush']}"
    assert full[-1] == "/third.html"
    assert "1 object changed: 1 in /; first /third.html" in full
    assert any(line.startswith("One path was worth $0.") for line in full)
    told = json.loads(operated.run("flushes", listed[1]["flush"], "--json").stdout)
    assert told == listed[1]
    assert told["paths"] == ["/second.html"]
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
    full = operated.run("flushes", flush["flush"]).stdout

    assert (flush["state"], flush["seconds"], flush["invalidations"]) == ("open", None, [])
    assert row.split()[6] == "open"
    assert "1 attempt, 1 refusal, accepted as nothing" in full
    assert operated.run("status").stdout.splitlines()[-1].endswith("not answered all of it")


def test_names(operated: Operated) -> None:
    """A flush is found by its id, by its token and by CloudFront's id of its invalidation."""
    for key in ("first.html", "second.html"):
        operated.change(key)
        operated.run("flush")
    newest = json.loads(operated.run("flushes", "--json").stdout)[0]
    _, token = newest["flush"].split("#")

    for name in (newest["flush"], token, *newest["invalidations"]):
        assert json.loads(operated.run("flushes", name, "--json").stdout) == newest


def test_width(operated: Operated) -> None:
    """The list fits 80 columns, however large a flush is and however far it came."""
    opened_at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    paths = tuple(f"/{number}" for number in range(3_000))
    flush = Flush(operated.distribution, opened_at, "1f3a5c7e", paths, ("2026-11",), rows=200_000)
    rejected = replace(flush, state=State.REJECTED)

    shown = [row_of(flush), row_of(rejected), row_of(replace(flush, settled_at=wiring.now()))]

    assert max(map(len, table(HEADER, shown))) <= 80
    assert "$15.00" in shown[0]
    assert "rejected" in shown[1]


@pytest.mark.parametrize("options", [(), ("--distribution", "E2")])
@pytest.mark.parametrize("name", ["yesterday", "2026-11-24T12:00:00.000000Z#1f3a5c7e"])
def test_no_such_flush(operated: Operated, options: tuple[str, ...], name: str) -> None:
    """A flush that is not there is named, with where it was looked for."""
    result = operated.run("flushes", name, *options)

    where = options[-1] if options else operated.distribution
    told = f"There is no flush {name} of {where}; `edgesweep flushes` lists all flushes"
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
