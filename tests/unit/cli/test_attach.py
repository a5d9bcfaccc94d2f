"""What `edgesweep attach` and `edgesweep detach` do, print and refuse."""

import json
from collections.abc import Iterator

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from edgesweep.aws.s3 import Bucket
from edgesweep.cli.commands import main
from edgesweep.flush.gaps import EVENTBRIDGE
from tests.aws import listening
from tests.fakes.stack import Answered, answer, refusal
from tests.fakes.wiring import notifications_of

TOPIC = "arn:aws:sns:us-east-1:123456789012:audit"


@pytest.fixture
def rules() -> Iterator[list[Answered]]:
    """Let EventBridge have no rules; return the list of its answers, of which it gives the last."""
    answers = [answer({"Rules": []})]
    with listening("before-call.events.ListRules", lambda **_: answers[-1]):
        yield answers


@pytest.fixture
def site(rules: list[Answered]) -> Iterator[Bucket]:  # noqa: ARG001  # asked by every detach
    """Return the only bucket there is, which notifies a topic."""
    topic = {"Id": "audit", "TopicArn": TOPIC, "Events": ["s3:ObjectRemoved:*"]}
    with notifications_of("site"):
        bucket = Bucket(boto3.client("s3"), "site")
        bucket.replace({"TopicConfigurations": [topic]})
        yield bucket


def rule(name: str, **pattern: object) -> dict[str, str]:
    """Return a rule of EventBridge that is enabled."""
    return {"Name": name, "State": "ENABLED", "EventPattern": json.dumps(pattern)}


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
        "a stack with --region eu-west-1 can sweep it\n"
    )


def test_attach_twice(site: Bucket) -> None:
    """Attaching again says on standard error that there is nothing to change."""
    assert "S3 takes about five minutes until it reports changes" in run("attach", "site").stderr

    result = run("attach", "site")

    assert result.exit_code == 0
    assert result.stderr.startswith("edgesweep: Nothing to change: site publishes its events; ")
    assert EVENTBRIDGE not in result.stdout
    assert attached(site)


def test_detach(site: Bucket) -> None:
    """Detaching shows what is removed, does it, and can be repeated."""
    run("attach", "site")

    result = run("detach", "site")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "- EventBridgeConfiguration: {}"
    assert not attached(site)
    assert "Nothing to change: site publishes no events" in run("detach", "site").stderr


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

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "edgesweep: There is no bucket not-there; create it, or correct its name\n"
    )


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


@pytest.mark.parametrize("command", ["attach", "detach"])
@pytest.mark.parametrize("name", ["not a bucket", "s3://site", "site/"])
def test_wrong_bucket_name(site: Bucket, command: str, name: str) -> None:  # noqa: ARG001  # never reached
    """A name that no bucket can have fails in one line that holds it and says how names look."""
    result = run(command, name)

    assert result.exit_code == 2
    assert result.stderr == (
        f"edgesweep: Invalid value for 'BUCKET': {name!r} is not a bucket name: 3 to 63 lower-case "
        "letters, digits, dots and hyphens\n"
    )


def test_next_step(site: Bucket) -> None:  # noqa: ARG001  # the only one
    """Each ends with one line that says the result and the next step, for people alone."""
    for command, result, step in [
        ("attach", "site publishes its events", "edgesweep learn site"),
        ("detach", "site publishes no events", "edgesweep attach site"),
    ]:
        (dry,) = run(command, "site", "--dry-run").stderr.splitlines()
        (line,) = run(command, "site").stderr.splitlines()

        assert f"`edgesweep {command} site`" in dry
        assert line.startswith(f"edgesweep: {result}; `{step}`")
        assert run(command, "site", "--json").stderr == ""


def test_json(site: Bucket) -> None:  # noqa: ARG001  # the only one
    """Machines read whether anything changed, and what is kept."""
    first, again = (json.loads(run("attach", "site", "--json").stdout) for _ in range(2))

    assert (first["bucket"], first["changed"], again["changed"]) == ("site", True, False)
    assert first["kept"].keys() == {"TopicConfigurations"}


def test_other_rules(site: Bucket, rules: list[Answered]) -> None:
    """Detaching first names the rules that may use the delivery, and no others."""
    run("attach", "site")
    found = [
        rule("audit", source=["aws.s3"], detail={"bucket": {"name": ["other", "site"]}}),
        rule("prefixes", source=[{"prefix": "aws."}], detail={"bucket": {"name": ["site"]}}),
        rule("everything", source=["aws.s3"]),
        rule("arns", resources=["arn:aws:s3:::site"]),
        rule("elsewhere", source=["aws.s3"], detail={"bucket": {"name": ["other"]}}),
        rule("instances", source=["aws.ec2"]),
        {"Name": "schedule", "State": "ENABLED", "ScheduleExpression": "rate(1 day)"},
        rule("asleep", source=["aws.s3"]) | {"State": "DISABLED"},
    ]
    rules.append(answer({"Rules": found}))

    for options in (["--dry-run"], []):
        line, _ = run("detach", "site", *options).stderr.splitlines()

        used = "audit, prefixes, everything, arns"
        assert line == f"edgesweep: These EventBridge rules may use the delivery: {used}"
    assert not attached(site)


def test_unknown_rules(site: Bucket, rules: list[Answered]) -> None:
    """If the rules may not be read, `detach` says so and continues."""
    run("attach", "site")
    rules.append(refusal("AccessDeniedException", "Not you"))

    line, _ = run("detach", "site").stderr.splitlines()

    assert line == (
        "edgesweep: The users of the delivery are unknown: You may not call ListRules: Not you"
    )
    assert not attached(site)


@pytest.mark.parametrize("command", ["attach", "detach"])
def test_help(command: str) -> None:
    """The help of a command shows how to use it."""
    result = run(command, "-h")

    assert result.exit_code == 0
    assert f"edgesweep {command} my-site" in result.stdout
