"""What `edgesweep wait` and `edgesweep invalidate` do and print."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest

from edgesweep import wiring
from edgesweep.cli import wait
from edgesweep.flush.tick import NOW
from edgesweep.record.events import parse
from tests.aws import calls, listening
from tests.fakes.catalogue import HeadsInMemory
from tests.fakes.stack import OUTPUTS, Answered, answer, refusal
from tests.unit.cli.test_operating import CHANGES
from tests.unit.conftest import UNCHANGED, Operated
from tests.unit.operate.test_waiting import NEW, OLD

DELAY = "S3 usually reports a change within 60 s"


@pytest.fixture(autouse=True)
def _impatient(operated: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass with each look, and no pause take any."""
    del operated
    ticks = count()
    began = datetime.now(UTC)
    monkeypatch.setattr(wiring, "now", lambda: began + timedelta(seconds=10 * next(ticks)))
    monkeypatch.setattr(wait, "_PAUSE_SECONDS", 0)


@pytest.fixture
def catalogued(operated: Operated) -> Operated:
    """Let the stack have a catalogue that knows what the bucket holds."""
    boto3.client("dynamodb").create_table(
        TableName="catalogue",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    operated.stack.environment |= {"CATALOGUE_TABLE": "catalogue", "EXCLUDE": "drafts/*"}
    return operated


def test_nothing(operated: Operated) -> None:
    """Without --after the delay of events passes; then nothing waits, and nothing was written."""
    with calls() as asked:
        result = operated.run("wait", "--completed", "--timeout", "86400")

    assert result.exit_code == 0, result.output
    assert result.stdout == "CloudFront has completed all that there was; nothing waits\n"
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"edgesweep: {DELAY}")
    assert [call for call in asked if call.split(".")[1].startswith(CHANGES)] == []


def test_time_out(operated: Operated) -> None:
    """With nobody to flush it ends at its timeout with the reason, and exit code 3."""
    operated.change("a.html")

    result = operated.run("wait", "--timeout", "200", "--json")

    assert (result.exit_code, result.stdout) == (3, "")
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert lines[0]["message"].startswith(DELAY)
    assert lines[-1]["exit_code"] == 3
    assert f"The time is over: {operated.distribution}: goes at the next tick" in lines[-1]["error"]
    assert re.search(r", by \S+ \S+ UTC at the latest", lines[-1]["error"])


@pytest.mark.parametrize("listed", [False, True])
def test_after(
    catalogued: Operated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, listed: bool
) -> None:
    """Uploads of long ago are settled at once; what gets no row is named, and not waited for."""
    heads = HeadsInMemory({("site", key): OLD for key in UNCHANGED})
    monkeypatch.setattr(wiring, "S3Heads", lambda *_: heads)
    keys = [*UNCHANGED, "drafts/a.html", "never.html"]
    for key in keys:
        (tmp_path / key).parent.mkdir(exist_ok=True)
        (tmp_path / key).touch()
    after = tmp_path / "list.txt" if listed else tmp_path
    if listed:
        after.write_text("\n".join(keys))

    result = catalogued.run("wait", "--after", str(after), "--json", "--timeout", "100")

    assert (result.exit_code, result.stderr) == (0, "")
    waited = json.loads(result.stdout)
    assert (waited["changed"], waited["ids"]) == (False, [catalogued.distribution])
    assert waited["skipped"] == {"drafts/a.html": "excluded", "never.html": "not in the bucket"}


def test_after_new(catalogued: Operated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new upload that nobody has reported is waited for, and named at the timeout."""
    monkeypatch.setattr(wiring, "S3Heads", lambda *_: HeadsInMemory({("site", "new"): NEW}))
    (tmp_path / "new").touch()

    result = catalogued.run("wait", "--after", str(tmp_path), "--timeout", "100")

    assert result.exit_code == 3
    assert "The time is over: 1 of 1 keys wait for S3's report: 'new'" in result.stderr


@pytest.mark.parametrize("keys", [(), ("a.html",)])
def test_now(operated: Operated, keys: tuple[str, ...]) -> None:
    """It asks the flush function once for a flush now if anything waits, and writes nothing."""
    operated.change(*keys)
    asked: list[dict[str, Any]] = []

    def invoked(params: dict[str, Any], **_: object) -> Answered:
        asked.append(params)
        return answer({"StatusCode": 202})

    with listening("before-call.lambda.Invoke", invoked), calls() as called:
        operated.run("wait", "--now", "--timeout", "200")

    assert [json.loads(one["body"]) for one in asked] == [NOW] * len(keys)
    for one in asked:
        assert one["url_path"] == f"/2015-03-31/functions/{OUTPUTS['FlushFunction']}/invocations"
        assert one["headers"]["X-Amz-Invocation-Type"] == "Event"
    assert [call for call in called if call.split(".")[1].startswith(CHANGES)] == []


def test_unreadable(catalogued: Operated, tmp_path: Path) -> None:
    """An object that may not be read ends it at once, with the right that is missing."""
    (tmp_path / "a.html").touch()
    text = "User: arn:aws:iam::1:user/ci is not authorized to perform: s3:GetObject on resource: x"
    denied = refusal("AccessDenied", text, status=403)

    with (
        listening("before-call.s3.HeadObject", lambda **_: refusal("403", "Forbidden", status=403)),
        listening("before-call.s3.GetObject", lambda **_: denied),
    ):
        result = catalogued.run("wait", "--after", str(tmp_path))

    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert "The permission s3:GetObject on x is missing; you are arn:aws:iam::1:user/ci" in line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--distribution", "E9"), "E9 is not one of "),
        (("--bucket", "other"), "other has no known distribution"),
        (("--timeout", "0"), "0 is not in the range"),
        (("--after", "nowhere"), "--after nowhere: No such file or directory"),
    ],
)
def test_refused(operated: Operated, arguments: tuple[str, ...], line: str) -> None:
    """A distribution or a bucket that the stack does not have is bad use."""
    result = operated.run("wait", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert line in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--distribution-id", "{}", "--paths")])
def test_invalidate(operated: Operated, arguments: tuple[str, ...]) -> None:
    """Paths go to the queue as they were typed, each once, in as many messages as they need."""
    given = [one.format(operated.distribution) for one in arguments]
    paths = ["/a%20b", "/c*", "#tag", *(f"/{number}" for number in range(100)), "/c*"]

    result = operated.run("invalidate", *given, *paths, "--by", "cms")

    assert (result.exit_code, result.stdout) == (
        0,
        f"Requested 103 paths of {operated.distribution}\n",
    )
    received = [
        one["Body"]
        for _ in range(2)
        for one in boto3.client("sqs").receive_message(
            QueueUrl=operated.stack.outputs["QueueUrl"], MaxNumberOfMessages=1
        )["Messages"]
    ]
    requests = [one for body in received for one in parse(body)]
    assert sorted(one.subject.path for one in requests) == sorted(set(paths))  # type: ignore[union-attr]
    assert {json.loads(body)["by"] for body in received} == {"cms"}


@pytest.mark.parametrize("filed", [False, True])
def test_invalidate_batch(operated: Operated, tmp_path: Path, *, filed: bool) -> None:
    """The batch of a pasted command is requested, as JSON text or from a file."""
    paths = ["/a%20b", "/c*"]
    batch = json.dumps({"Paths": {"Quantity": 2, "Items": paths}, "CallerReference": "once"})
    (tmp_path / "batch.json").write_text(batch)
    given = f"file://{tmp_path}/batch.json" if filed else batch

    result = operated.run(
        "invalidate", "--distribution-id", operated.distribution, "--invalidation-batch", given
    )

    assert (result.exit_code, result.stdout) == (
        0,
        f"Requested 2 paths of {operated.distribution}\n",
    )
    (message,) = boto3.client("sqs").receive_message(QueueUrl=operated.stack.outputs["QueueUrl"])[
        "Messages"
    ]
    assert json.loads(message["Body"])["paths"] == paths


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ('{"Paths": {"Quantity": 2, "Items": ["/a"]}}', "Quantity is 2, but Items has 1"),
        ('{"Paths": {"Items": ["/a"]}}', "must be JSON such as {"),
        ('{"Paths": {"Quantity": 2, "Items": "/a"}}', "'a' is not an invalidation path"),
        ('{"Paths": {"Quantity": 1, "Items": [["/a"]]}}', "must be JSON such as {"),
        ("[]", "must be JSON such as {"),
        pytest.param("[" * 100_000, "must be JSON such as {", id="nested"),
        ("Paths={Quantity=1,Items=[/a]}", "must be JSON such as {"),
        ("file://nowhere.json", "nowhere.json: No such file or directory"),
    ],
)
def test_invalidate_batch_refused(operated: Operated, given: str, line: str) -> None:
    """A batch that is none is refused in one line, before anything is sent."""
    result = operated.run("invalidate", "--invalidation-batch", given)

    assert (result.exit_code, result.stdout) == (2, "")
    assert line in result.stderr.splitlines()[-1]
    assert operated.depth("QueueUrl") == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("/a b",), "'/a b' is not an invalidation path"),
        (("/a", "--distribution", "E9"), "E9 is not one of"),
        (("/a", "--by", " " * 101), "not 1 to 100"),
        ((), "Missing argument"),
    ],
)
def test_invalidate_refused(operated: Operated, arguments: tuple[str, ...], line: str) -> None:
    """Bad use is refused before anything is sent."""
    result = operated.run("invalidate", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert line in result.stderr
    assert operated.depth("QueueUrl") == 0
