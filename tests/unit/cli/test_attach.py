"""What `edgesweep attach` and `edgesweep detach` do, print and refuse."""

from collections.abc import Iterator

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from edgesweep.aws.s3 import Bucket
from edgesweep.cli import main
from edgesweep.flush.notifications import EVENTBRIDGE
from tests.fakes.wiring import notifications_of

TOPIC = "arn:aws:sns:us-east-1:123456789012:audit"


@pytest.fixture
def site() -> Iterator[Bucket]:
    """Return the only bucket there is, which notifies a topic."""
    topic = {"Id": "audit", "TopicArn": TOPIC, "Events": ["s3:ObjectRemoved:*"]}
    with notifications_of("site"):
        bucket = Bucket(boto3.client("s3"), "site")
        bucket.replace({"TopicConfigurations": [topic]})
        yield bucket


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, arguments)


def attached(site: Bucket) -> bool:
    """Tell whether EventBridge delivery of the bucket is on."""
    return EVENTBRIDGE in site.notifications()


def test_attach(site: Bucket) -> None:
    """Attaching shows what is kept and what is added, and does it."""
    result = run("attach", "site")

    assert result.exit_code == 0
    kept, added = result.stdout.splitlines()
    assert kept.startswith("  TopicConfigurations: ")
    assert TOPIC in kept
    assert added == "+ EventBridgeConfiguration: {}"
    assert attached(site)
    assert site.notifications()["TopicConfigurations"][0]["TopicArn"] == TOPIC


def test_attach_elsewhere() -> None:
    """A bucket in another region is refused in one line that says what to do."""
    with mock_aws():
        place = {"LocationConstraint": "eu-west-1"}
        boto3.client("s3", region_name="eu-west-1").create_bucket(
            Bucket="far-site",
            CreateBucketConfiguration=place,  # type: ignore[arg-type]  # a TypedDict
        )

        result = run("attach", "far-site", "--region", "us-east-1")

    assert result.exit_code == 2
    assert result.stderr == (
        "edgesweep: The bucket far-site is in eu-west-1, not in us-east-1; "
        "deploy a stack with --region eu-west-1 and attach the bucket there\n"
    )


def test_attach_twice(site: Bucket) -> None:
    """Attaching again says on standard error that there is nothing to change."""
    run("attach", "site")

    result = run("attach", "site")

    assert result.exit_code == 0
    assert result.stderr == "Nothing to change\n"
    assert EVENTBRIDGE not in result.stdout
    assert attached(site)


def test_detach(site: Bucket) -> None:
    """Detaching shows what is removed, does it, and can be repeated."""
    run("attach", "site")

    result = run("detach", "site")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "- EventBridgeConfiguration: {}"
    assert not attached(site)
    assert run("detach", "site").stderr == "Nothing to change\n"


@pytest.mark.parametrize(("command", "before"), [("attach", False), ("detach", True)])
def test_dry_run(site: Bucket, command: str, before: bool) -> None:  # noqa: FBT001  # a parameter
    """A dry run prints the same difference and changes nothing."""
    if before:
        run("attach", "site")

    dry = run(command, "site", "--dry-run")
    assert attached(site) == before
    real = run(command, "site")

    assert dry.exit_code == 0
    assert dry.stdout == real.stdout
    assert attached(site) != before


def test_no_bucket(site: Bucket) -> None:  # noqa: ARG001  # the only one
    """A bucket that is not there is named in one line."""
    result = run("attach", "not-there")

    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("edgesweep: ")
    assert "NoSuchBucket" in line


@pytest.mark.parametrize("command", ["attach", "detach"])
def test_no_argument(command: str) -> None:
    """A command without its bucket is bad use, and says what is missing."""
    result = run(command)

    assert result.exit_code == 2
    assert "Missing argument 'BUCKET'" in result.stderr


def test_unknown_profile(site: Bucket) -> None:  # noqa: ARG001  # never reached
    """A profile that nobody configured is named in one line."""
    result = run("attach", "site", "--profile", "nobody")

    assert result.exit_code == 1
    assert result.stderr == "edgesweep: The config profile (nobody) could not be found\n"


def test_wrong_bucket_name(site: Bucket) -> None:  # noqa: ARG001  # never reached
    """A name that no bucket can have fails in one line that holds it."""
    result = run("attach", "not a bucket")

    assert result.exit_code in {1, 2}
    (line,) = result.stderr.splitlines()
    assert "not a bucket" in line


@pytest.mark.parametrize("command", ["attach", "detach"])
def test_help(command: str) -> None:
    """The help of a command shows how to use it."""
    result = run(command, "-h")

    assert result.exit_code == 0
    assert f"edgesweep {command} my-site" in result.stdout
