"""What `edgesweep learn` learns, says, costs and refuses."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from edgesweep.aws.dynamodb import CatalogueTable, RoutesTable
from edgesweep.cli.commands import main
from edgesweep.cli.deploy import attach_all
from edgesweep.cli.deployed import Deployed
from edgesweep.record.catalogue import Entry, Name
from edgesweep.routes.kept import Kept
from tests.aws import calls, create_catalogue, create_table, dated_heads, listening
from tests.fakes.stack import ENVIRONMENT, DeployedStack, deployed, refusal

BUCKET = "my-site"
TOLD = ENVIRONMENT | {"CATALOGUE_TABLE": "catalogue", "BUCKET": f"other,{BUCKET}"}
ASK = "from edgesweep.cli.terminal import agree; agree('Go?', yes=False); print('went')"


@pytest.fixture
def stack() -> Iterator[DeployedStack]:
    """Return the only stack there is, which sweeps a bucket."""
    with ExitStack() as world:
        world.enter_context(mock_aws())
        world.enter_context(dated_heads())
        create_table("flushes")
        create_catalogue("catalogue")
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield world.enter_context(deployed(environment=TOLD))


def put(*keys: str) -> None:
    """Upload objects."""
    for key in keys:
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"hello\n")


def learn(*arguments: str, env: dict[str, str] | None = None) -> Result:
    """Run the command."""
    return CliRunner(env=env).invoke(main, ["learn", *arguments])


def known(*keys: str) -> dict[Name, Entry]:
    """Return what the catalogue knows of objects."""
    return dict(CatalogueTable("catalogue", boto3.Session()).known([(BUCKET, key) for key in keys]))


@pytest.mark.usefixtures("stack")
def test_missed_events() -> None:
    """While events of the bucket are missed nothing is learnt; afterwards it is learnt again."""
    put("a")
    learn(BUCKET, "--yes")
    store = RoutesTable("flushes", boto3.Session())
    store.save(Kept(missed={BUCKET: datetime.now(UTC)}))

    refused = learn(BUCKET, "--yes")

    assert refused.exit_code == 1
    assert "Events of my-site may be missed now" in refused.output
    (before,) = known("a").values()
    assert before.seen_at
    whole_since = before.seen_at + timedelta(microseconds=1)
    store.save(Kept(complete_since={BUCKET: whole_since}, revision=1))
    with calls() as asked:
        learn(BUCKET, "--yes")
    assert asked.count("s3.HeadObject") == 1


@pytest.mark.usefixtures("stack")
def test_deployed_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A deployment that sweeps a bucket again succeeds, and says that it is learnt later."""
    RoutesTable("flushes", boto3.Session()).save(Kept(missed={BUCKET: datetime.now(UTC)}))

    attach_all(Deployed("edgesweep-prod", boto3.Session(), None), [BUCKET], yes=True)

    publishes, later = capsys.readouterr().err.splitlines()
    assert publishes.startswith(f"edgesweep: {BUCKET} publishes its events; ")
    assert later.startswith(f"edgesweep: Events of {BUCKET} may be missed now; learn it ")


@pytest.mark.usefixtures("stack")
def test_learn() -> None:
    """Every object is known afterwards, and judged by from some seconds later on."""
    put("a b.html", "c/é.css")

    result = learn(BUCKET, "--yes")

    assert (result.exit_code, result.stdout) == (0, "Known: 2 of 2 objects\n")
    entries = known("a b.html", "c/é.css").values()
    assert [entry.etag for entry in entries] == ["b1946ac92492d2347c6235b4d2611184"] * 2
    assert all(entry.since for entry in entries)


@pytest.mark.usefixtures("stack")
def test_next_step() -> None:
    """It ends with the result and the next step, for an empty bucket as well."""
    empty = learn(BUCKET, "--yes")
    put("a")
    full = learn(BUCKET, "--yes")

    assert (empty.exit_code, empty.stdout) == (0, "Known: 0 of 0 objects\n")
    assert empty.stderr.startswith(
        "edgesweep: my-site holds no object that edgesweep-prod sweeps; "
    )
    last = full.stderr.splitlines()[-1]
    assert last.startswith("edgesweep: my-site is learnt; ")
    assert "`edgesweep status`" in empty.stderr
    assert "`edgesweep status`" in last


def test_other_region(stack: DeployedStack) -> None:
    """A bucket in another region is refused in one line that says what to do."""
    stack.environment["BUCKET"] = "far-site"
    place = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket="far-site",
        CreateBucketConfiguration=place,  # type: ignore[arg-type]  # a TypedDict
    )

    result = learn("far-site", "--yes", "--region", "us-east-1")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "The bucket far-site is in eu-west-1, not in us-east-1" in result.stderr


@pytest.mark.usefixtures("stack")
def test_cost() -> None:
    """What it takes is said in one line before it begins, at the prices of the region."""
    put("a", "b")

    said, _ = learn(BUCKET, "--yes", "--region", "us-east-1").stderr.splitlines()

    assert said == (
        "edgesweep: my-site holds 2 objects; learning them takes up to 2 HEAD requests, "
        "2 LIST requests, 4 write request units, 2 read request units: less than $0.01 at the "
        "prices of us-east-1"
    )


@pytest.mark.usefixtures("stack")
def test_resume() -> None:
    """What is known is not asked for again."""
    put("a", "b")
    learn(BUCKET, "--yes")
    put("c")

    with calls() as asked:
        result = learn(BUCKET, "--yes")

    assert result.stdout == "Known: 3 of 3 objects\n"
    assert asked.count("s3.HeadObject") == 1


def test_selection(stack: DeployedStack) -> None:
    """What the stack does not sweep is not learnt."""
    stack.environment |= {"EXCLUDE": "/logs/*", "IMMUTABLE": "/assets/*"}
    put("a", "logs/1", "assets/1.js")

    assert learn(BUCKET, "--yes").stdout == "Known: 1 of 1 object\n"
    assert known("a", "logs/1", "assets/1.js").keys() == {(BUCKET, "a")}


@pytest.mark.usefixtures("stack")
def test_nobody_to_ask() -> None:
    """Without a terminal nothing is asked, and nothing done unless it was agreed to."""
    put("a")

    result = learn(BUCKET)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "give --yes" in result.stderr.splitlines()[-1]
    assert known("a") == {}


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (b"y\n", 0, "went"),
        (b"n\n", 1, "Nothing was done"),
        (b"\n", 1, "Nothing was done"),
    ],
)
def test_question(answer: bytes, code: int, said: str) -> None:
    """At a terminal a person is asked, and anything but yes is no."""
    ours, theirs = pty.openpty()
    os.write(ours, answer)

    asked = subprocess.run(
        [sys.executable, "-c", ASK], stdin=theirs, capture_output=True, text=True, check=False
    )

    assert (asked.returncode, "Go? [y/N]" in asked.stderr) == (code, True)
    assert said in asked.stdout + asked.stderr


@pytest.mark.usefixtures("stack")
def test_unreadable() -> None:
    """If no object may be read, `learn` soon says so and names the missing permission."""
    put(*map(str, range(3)))

    with listening("before-call.s3.HeadObject", lambda **_: refusal("403", "Forbidden")):
        result = learn(BUCKET, "--yes")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == (
        "edgesweep: None of 3 objects could be read; "
        "do you have s3:GetObject on arn:aws:s3:::my-site/*?"
    )


@pytest.mark.usefixtures("stack")
def test_partly_unreadable() -> None:
    """Objects that cannot be looked at are counted, and the command fails."""
    put("a", "secret")

    def refuse(params: dict[str, str], **_: object) -> object:
        return refusal("403", "Forbidden") if "secret" in params["url_path"] else None

    with listening("before-call.s3.HeadObject", refuse):
        result = learn(BUCKET, "--yes")

    assert (result.exit_code, result.stdout) == (1, "Known: 1 of 2 objects\n")
    assert result.stderr.splitlines()[-1].startswith("edgesweep: The other objects could not")


@pytest.mark.parametrize(
    ("told", "bucket", "code", "said"),
    [
        ({}, "elsewhere", 2, "edgesweep-prod does not sweep 'elsewhere'; it sweeps other, my-site"),
        ({"CATALOGUE_TABLE": ""}, BUCKET, 2, "deployed with skipUnchanged=false"),
        ({}, "other", 2, "There is no bucket other"),
        ({}, "s3://my-site", 2, "'s3://my-site' is not a bucket name"),
    ],
)
def test_refusal(
    stack: DeployedStack, told: dict[str, str], bucket: str, code: int, said: str
) -> None:
    """A failure is one line."""
    stack.environment |= told

    result = learn(bucket, "--yes")

    assert (result.exit_code, result.stdout) == (code, "")
    (line,) = result.stderr.splitlines()
    assert said in line


@pytest.mark.usefixtures("stack")
def test_progress() -> None:
    """A person sees how far it has come."""
    put("a", "b")

    shown = learn(BUCKET, "--yes", env={"FORCE_COLOR": "1"}).stderr

    assert re.search(r"Learning.*2/2", shown, re.DOTALL)
