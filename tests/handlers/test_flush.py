"""The flush function, from dirty rows to an invalidation."""

import json
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from edgesweep.dirty import DirtyRow
from edgesweep.errors import BadInput
from edgesweep.flush.tick import NOW
from edgesweep.paths import matcher, viewer_path
from notebooks.cost.workload import LOOK_READS, TICK_READS
from tests.aws import calls, listening
from tests.handlers.conftest import Deployment, invalidations, row
from tests.messages import notification

TOKENS = count(1)
READS = {"dynamodb.Query", "dynamodb.GetItem"}
CREATE = "cloudfront.CreateInvalidation"


def dirty(deployment: Deployment) -> list[str]:
    """Return the keys that are still dirty, the oldest first."""
    return [row.change.key for row in deployment.dirty.read(deployment.distribution)]


def test_flush(deployment: Deployment) -> None:
    """What is dirty becomes one invalidation, and the rows that were read are gone.

    Without a bucket to look at, nothing counts as empty: paths stay as narrow as they can be.
    """
    deployment.dirty.add([row(deployment, key) for key in ("index.html", "a b.html", "é~")])
    flush = deployment.load("flush")

    flush()

    (paths,) = invalidations(deployment)
    assert sorted(paths) == ["/", "/%C3%A9*", "/a%20b.html", "/a+b.html", "/index.html"]
    assert dirty(deployment) == []
    (line,) = [one for one in flush.lines("INFO") if one["message"] == "Flushed"]
    assert line["rows"] == 3
    assert sorted(line["paths"]) == sorted(paths)


def test_survey(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket is looked at before paths are collapsed, and every change is still matched."""
    boto3.client("s3").create_bucket(Bucket="site")
    monkeypatch.setenv("BUCKET", "site")
    keys = [f"docs/{number}.html" for number in range(50)]
    deployment.dirty.add([row(deployment, key) for key in keys])

    with calls() as asked:
        deployment.load("flush")()

    assert asked.count("s3.ListObjectsV2") == 1
    (paths,) = invalidations(deployment)
    assert all(matcher(paths)(viewer_path(key)) for key in keys)
    assert dirty(deployment) == []


@pytest.mark.parametrize(
    ("words", "sent"),
    [("", ["/docs/*"]), ("stems", ["/docs*"]), ("E2QWRUHEXAMPLE=stems", ["/docs/*"])],
)
def test_stems(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, words: str, sent: list[str]
) -> None:
    """Where a wildcard is not trusted with its own text, it stops one character earlier."""
    boto3.client("s3").create_bucket(Bucket="site")
    monkeypatch.setenv("BUCKET", "site")
    monkeypatch.setenv("VIEWER_PATHS", words)
    deployment.dirty.add([row(deployment, key) for key in ("docs/", "docs/a", "docs/b")])

    deployment.load("flush")()

    assert invalidations(deployment) == [sent]
    assert dirty(deployment) == []


@pytest.mark.parametrize(("words", "left"), [("", []), ("stems", ["docs/"])])
def test_unread_stem(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, words: str, left: list[str]
) -> None:
    """A row that was not read stays if no path is trusted to match it."""
    boto3.client("s3").create_bucket(Bucket="site")
    monkeypatch.setattr("edgesweep.flush.planning.MAX_ROWS", 2)
    monkeypatch.setenv("BUCKET", "site")
    monkeypatch.setenv("VIEWER_PATHS", words)
    for key in ("docs/a", "docs/b", "docs/c", "docs/"):
        deployment.dirty.add([row(deployment, key)])

    deployment.load("flush")()

    assert invalidations(deployment) == [["/docs/*"]]
    assert dirty(deployment) == left


@pytest.mark.parametrize(("event", "left"), [({}, 1), (NOW, 0), ({"edgesweep": "later"}, 1)])
def test_now(deployment: Deployment, event: dict[str, Any], left: int) -> None:
    """A tick lets an upload come to rest, unless its event asks for a flush now."""
    deployment.dirty.add([row(deployment, "a.html", timedelta())])

    deployment.load("flush")(event)

    assert len(dirty(deployment)) == left


def test_flushed_once(deployment: Deployment) -> None:
    """The tick after a flush has nothing left to do."""
    deployment.dirty.add([row(deployment, "a.html")])
    flush = deployment.load("flush")
    flush()

    flush()

    assert len(invalidations(deployment)) == 1


def test_idle(deployment: Deployment) -> None:
    """A tick with nothing dirty makes a few reads, no write, and does not call CloudFront."""
    with calls() as asked:
        flush = deployment.load("flush")
        flush()
        asked.clear()
        flush()
        idle = list(asked)
        flush()

    assert set(asked) <= READS
    assert len(idle) == TICK_READS + LOOK_READS
    assert asked == idle * 2


def test_silent(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is published, and so nothing paid for it, until there is something to say."""
    flush = deployment.load("flush")
    flush()
    idle = capsys.readouterr().out
    deployment.dirty.add([row(deployment, "a.html")])

    flush()

    assert idle == ""
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert (said["Paths"], said["DirtyRows"], said["DollarsSpent"]) == ([1.0], [1.0], [0.0])
    assert said["DollarsLeft"] == 0


def test_cold_idle(deployment: Deployment) -> None:
    """A cold start looks at all distributions once, and keeps only what is new."""
    with calls() as asked:
        deployment.load("flush")()
        first = list(asked)
        asked.clear()
        deployment.load("flush")()

    others = {"cloudfront.ListDistributions", "cloudfront.ListInvalidations"}
    kept = {"dynamodb.PutItem", "dynamodb.TransactWriteItems"}
    assert set(first) - READS == {"cloudfront.GetDistribution"} | others | kept
    assert set(asked) - READS == {"cloudfront.GetDistribution"}


def test_others_ignored(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others do not count, nobody looks at their distributions."""
    monkeypatch.setenv("OTHERS", "ignore")

    with calls() as asked:
        deployment.load("flush")()

    assert "cloudfront.ListDistributions" not in asked


def test_idle_after_flush(deployment: Deployment) -> None:
    """What an earlier flush left behind does not make an idle tick any dearer."""
    with calls() as asked:
        flush = deployment.load("flush")
        flush()
        asked.clear()
        flush()
        idle = list(asked)
        deployment.dirty.add([row(deployment, "a.html")])
        flush()
        asked.clear()

        flush()

    assert asked == idle


def test_one_request(deployment: Deployment) -> None:
    """However many rows there are, CloudFront is asked once."""
    deployment.dirty.add([row(deployment, f"{n}.html") for n in range(100)])

    with calls() as asked:
        flush = deployment.load("flush")
        flush()

    assert asked.count(CREATE) == 1
    assert dirty(deployment) == []


def test_few_calls(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 changes are recorded and flushed in 107 calls at most, of which the flush takes 60.

    One more looks for rows that landed meanwhile, and two announce the sweep.
    """
    monkeypatch.setenv("QUIET_SECONDS", "0")
    bodies = [notification(f"posts/{number}.html") for number in range(1_000)]
    messages = [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]
    with calls() as asked:
        record, flush = deployment.load("record"), deployment.load("flush")
        flush()
        asked.clear()

        record({"Records": messages})
        recorded = len(asked)
        flush()

    assert dirty(deployment) == []
    assert asked.count(CREATE) == 1
    assert recorded > 40
    assert len(asked) - recorded <= 60 + 1 + 2
    assert len(asked) <= 107


def test_landed_meanwhile(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that lands while CloudFront is asked stays, though its path is invalidated."""
    monkeypatch.setenv("WAKE", "false")
    deployment.dirty.add([row(deployment, "a.html")])
    landed: list[DirtyRow] = []

    def land(**_: object) -> None:
        landed.append(row(deployment, "a.html", timedelta()))
        deployment.dirty.add(landed)

    with listening(f"before-call.{CREATE}", land):
        flush = deployment.load("flush")
        flush()

    assert invalidations(deployment) == [["/a.html"]]
    (left,) = deployment.dirty.read(deployment.distribution)
    assert left == landed[0]


def test_fresh(deployment: Deployment) -> None:
    """While changes are still coming in, the distribution is left alone.

    The recorder's clock is ahead, so that the change is fresh however long the tick takes.
    """
    deployment.dirty.add([row(deployment, "a.html", -timedelta(days=1))])

    deployment.load("flush")()

    assert invalidations(deployment) == []
    assert dirty(deployment) == ["a.html"]


def test_refused(deployment: Deployment) -> None:
    """When CloudFront refuses, the rows stay, and a later tick sends the same list again."""
    deployment.dirty.add([row(deployment, "a.html")])
    bodies: list[bytes] = []

    def refuse(params: dict[str, Any], **_: object) -> tuple[object, dict[str, Any]]:
        bodies.append(params["body"])
        error = {"Code": "AccessDenied", "Message": "Not yours."}
        metadata = {"HTTPStatusCode": 403}
        return SimpleNamespace(status_code=403), {"Error": error, "ResponseMetadata": metadata}

    with listening(f"before-call.{CREATE}", refuse):
        flush = deployment.load("flush")
        flush()
        assert dirty(deployment) == ["a.html"]
        flush()

    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    deployment.load("flush")()
    assert invalidations(deployment) == [["/a.html"]]
    assert dirty(deployment) == []


@pytest.mark.parametrize("name", ["DIRTY_TABLE", "FLUSHES_TABLE"])
def test_misconfigured(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Without its settings the function fails with a line that names what is missing."""
    monkeypatch.delenv(name)
    flush = deployment.load("flush")

    with pytest.raises(Exception, match=name):
        flush()


def test_unpaid_guarantee(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guarantee that the budget cannot pay for ends the function with what it would take."""
    deployment.dirty.add([row(deployment, "a.html")])
    monkeypatch.setenv("GUARANTEE_MINUTES", "5")
    flush = deployment.load("flush")

    with pytest.raises(BadInput) as refusal:
        flush()

    assert str(refusal.value) == (
        'Parameter guaranteeMinutes is "5": A flush every 5 minutes takes 8,928 paths a month, '
        "$39.64; your budget pays for one every 45 minutes at most"
    )
    assert dirty(deployment) == ["a.html"]
