"""How a command finds the stack that its options name, and reaches the account that they name."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from edgesweep.cli.deployed import Deployed, stack_command
from edgesweep.cli.terminal import OneLineErrors
from tests.fakes.stack import ENVIRONMENT, OUTPUTS, DeployedStack, deployed

PROFILES = """
[profile other]
aws_access_key_id = of-the-profile
aws_secret_access_key = secret
region = eu-west-1
"""

Seen = list[tuple[str | None, str | None, str | None]]


@pytest.fixture
def seen() -> Seen:
    """Return where each command that was run looked: stack, region and access key."""
    return []


@pytest.fixture
def main(seen: Seen) -> click.Group:
    """Return a group with a command that notes where it looks."""

    @click.group(cls=OneLineErrors)
    def group() -> None:
        """Hold the command."""

    @group.add_command
    @stack_command()
    def look(deployed: Deployed) -> None:
        """Look around."""
        credentials = deployed.session.get_credentials()
        key = credentials.access_key if credentials else None
        seen.append((deployed.stack.name, deployed.session.region_name, key))
        assert deployed.stack.region == deployed.session.region_name
        assert deployed.settings.dirty_table == "dirty"

    return group


@pytest.fixture
def stack() -> Iterator[DeployedStack]:
    """Return the only stack there is."""
    with deployed() as stack:
        yield stack


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be a profile."""
    path = tmp_path / "config"
    path.write_text(PROFILES)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))


def look(main: click.Group, *arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["look", *arguments])


def test_defaults(main: click.Group, stack: DeployedStack, seen: Seen) -> None:
    """Without options it is the stage `prod` in the region and the account of the environment."""
    result = look(main)

    assert (result.exit_code, result.output) == (0, "")
    assert seen == [(stack.name, "us-east-1", "testing")]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("edgesweep-test", ["--stage", "test"]),
        ("mine", ["--stack", "mine"]),
        ("mine", ["--stack", "mine", "--stage", "test"]),
    ],
)
def test_name(main: click.Group, seen: Seen, name: str, arguments: Sequence[str]) -> None:
    """A stack is named by its stage, or in full."""
    with deployed(name):
        result = look(main, *arguments)

    assert (result.exit_code, [stack for stack, _, _ in seen]) == (0, [name])


@pytest.mark.usefixtures("stack", "profiles")
def test_profile(main: click.Group, seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile decides, whatever the environment says, and for every session that is made."""
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv("AWS_DEFAULT_PROFILE", "no-such-profile")
    before = dict(os.environ)

    look(main, "--profile", "other", "--region", "ap-south-1")

    assert seen == [("edgesweep-prod", "ap-south-1", "of-the-profile")]
    assert dict(os.environ) == before


@pytest.mark.usefixtures("stack", "profiles")
@pytest.mark.parametrize(
    ("environment", "options", "region"),
    [
        ({}, "", "us-east-1"),
        ({}, "--profile other", "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "", "eu-west-2"),
        ({"AWS_DEFAULT_REGION": "eu-west-2", "AWS_REGION": "eu-west-3"}, "", "eu-west-3"),
        ({"AWS_REGION": "eu-west-3"}, "--region eu-west-4", "eu-west-4"),
    ],
)
def test_region(
    main: click.Group, seen: Seen, environment: dict[str, str], options: str, region: str
) -> None:
    """The region is that of the options, or else where the same environment deploys to."""
    unset: dict[str, str | None] = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}

    CliRunner(env={**unset, **environment}).invoke(main, ["look", *options.split()])

    assert [where for _, where, _ in seen] == [region]


@pytest.mark.usefixtures("stack")
def test_no_stack(main: click.Group, seen: Seen) -> None:
    """A stack that is not there is named, with the region, and what to say instead."""
    result = look(main, "--stage", "absent", "--region", "eu-west-1")

    told = "There is no stack edgesweep-absent in eu-west-1; say --stage or --stack, and --region"
    assert (result.exit_code, result.stderr) == (1, f"edgesweep: {told}\n")
    assert seen == []


def test_other_stack(main: click.Group) -> None:
    """Somebody else's stack is distinguished from ours."""
    with deployed(outputs={"Bucket": "site"}):
        result = look(main)

    told = "The stack edgesweep-prod in us-east-1 has no output FlushFunction; is it Edgesweep's?"
    assert (result.exit_code, result.stderr) == (1, f"edgesweep: {told}\n")


def test_other_version(main: click.Group) -> None:
    """Settings that this version does not understand are named."""
    with deployed(outputs=OUTPUTS, environment=ENVIRONMENT | {"SHARDS": "many"}):
        result = look(main)

    told = 'Parameter shards is "many"; it must be a whole number from 1 to 100'
    assert (result.exit_code, result.stderr) == (2, f"edgesweep: {told}\n")
