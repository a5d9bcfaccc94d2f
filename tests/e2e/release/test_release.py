"""A release in an empty folder without Node: the README's commands, and CloudFormation alone."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.aws import ROOT, EmbeddedAws, embedded_aws
from infra.local.release import build
from infra.local.watch import Watch, uncovered
from tests.e2e.conftest import PATIENCE_SECONDS, SPEED, Stack, await_true, make_distribution
from tests.e2e.first_day.test_first_day import PIPX
from tests.e2e.shell import run

SITE, OTHER = "my-site", "other-site"
README = (ROOT / "README.md").read_text()
INSTALL, REMOVE = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
(MINUTES,) = re.findall(r"takes less than (\d+) minutes", README)
NO_NODE = "node() { false; }; npm() { false; }; npx() { false; }"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who has the wheel.

    Attributes:
        aws: where.
        folder: holds the wheel, the template, the zip and a page.
        tools: where commands are installed.
        distribution: serves the site.
    """

    aws: EmbeddedAws
    folder: Path
    tools: Path
    distribution: str

    def follow(self, commands: str) -> str:
        """Run commands; return what they print, on either stream."""
        folders = (self.tools / "bin", ROOT / ".envs" / "awscli" / "bin")
        path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
        text = f"cd {self.folder}\nexec 2>&1\n{NO_NODE}\n{PIPX}\n{commands}"
        return run(
            self.aws, text, {"PATH": path, "PYTHON": sys.executable, "TOOLS": str(self.tools)}
        )

    def stack(self, stage: str) -> Stack:
        """Return a deployed stack."""
        (found,) = self.aws.client("cloudformation").describe_stacks(
            StackName=f"edgesweep-{stage}"
        )["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}
        return Stack(self.aws, {**outputs, "Distribution": self.distribution}, SITE)

    def names(self, service: str, call: str, key: str) -> set[str]:
        """Return the names of all things of a kind."""
        found: Any = getattr(self.aws.client(service), call)()[key]
        return {one if isinstance(one, str) else one.get("Name", str(one)) for one in found}

    def notifies(self) -> bool:
        """Tell whether the site publishes its events."""
        s3 = self.aws.client("s3")
        found = s3.get_bucket_notification_configuration(Bucket=SITE)
        return "EventBridgeConfiguration" in found


@pytest.fixture(scope="module", name="user")
def _user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    folder, tools = tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("tools")
    (tools / "bin").mkdir()
    build(folder, "release-e2e")
    (folder / "index.html").write_text("fresh")
    with embedded_aws(speed=SPEED, name="e2e-release") as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket=SITE)
        s3.put_object(Bucket=SITE, Key="old.html", Body=b"old")
        yield User(aws, folder, tools, make_distribution(aws, SITE))


def test_three_commands(user: User) -> None:
    """Three commands, and the first change of an existing bucket is swept, in the time we say."""
    began, started = datetime.now(UTC), time.monotonic()

    said = user.follow(INSTALL)
    Watch(user.aws, user.stack("prod").outputs).await_sweep(
        {"/index.html": began}, PATIENCE_SECONDS
    )

    assert len(INSTALL.splitlines()) == 3
    assert time.monotonic() - started < int(MINUTES) * 60
    assert f"{SITE}: 1 of 1 objects are known" in said
    assert user.notifies()


def test_again(user: User) -> None:
    """Another deployment changes nothing, and a dry run shows a change without making it."""
    before = user.stack("prod").outputs

    again = user.follow("edgesweep deploy --yes")
    dry = user.follow("edgesweep deploy --dry-run --param budgetUsd=5 --json")

    assert "edgesweep-prod is deployed" in again
    assert "Modify" not in again
    planned = json.loads(dry.splitlines()[0])
    assert planned["parameters"] == {"bucket": SITE, "budgetUsd": "5"}
    assert planned["changes"]["FlushLambdaFunction"] == "Modify"
    assert "BudgetAlarm" in planned["changes"]
    assert user.stack("prod").outputs == before
    flush = user.aws.client("lambda").get_function_configuration(
        FunctionName=before["FlushFunction"]
    )
    assert flush["Environment"]["Variables"]["BUDGET_USD"] == "0"


def test_workflow(user: User) -> None:
    """The scripts of the workflow run unchanged: a plan as a comment, the upload, the wait."""
    began = datetime.now(UTC)
    workflow = yaml.safe_load((ROOT / "examples" / "github" / "edgesweep.yml").read_text())
    scripts = {
        step["name"]: step["run"]
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "name" in step
    }
    environment = f"export BUCKET={SITE} SITE={workflow['env']['SITE']} BASE=main PULL_REQUEST=7"
    commit = "git add -A && git -c user.name=a -c user.email=a@example.com commit -qm x"
    user.follow(
        f"mkdir work && cd work && git init -qb main && mkdir public && echo 1 > public/a.html "
        f"&& {commit} && git switch -qc change && echo 2 > public/a.html && {commit}\n"
        "gh() { printf '%s ' \"$@\" > said.txt; }\n"
        f"{environment}\n{scripts['Plan']}\n{scripts['Comment']}\n"
        f"{scripts['Upload']}\n{scripts['Wait']}"
    )

    work = user.folder / "work"
    assert "  /a.html  for a.html\n" in (work / "comment.md").read_text()
    assert (work / "said.txt").read_text().startswith("pr comment 7 --body-file comment.md ")
    uploaded = user.aws.client("s3").get_object(Bucket=SITE, Key="a.html")["Body"].read()
    assert uploaded == b"2\n"
    sent = Watch(user.aws, user.stack("prod").outputs).invalidations()
    assert not uncovered({"/a.html": began}, sent)


def test_change(user: User) -> None:
    """A deployment removes what its dry run names, keeps the data that it names, and adds a bucket.

    Nothing wakes a flush any more, and no upload is skipped.
    """
    before = user.stack("prod").outputs
    fewer = f"--bucket {SITE},{OTHER} --param wake=false --param skipUnchanged=false"

    dry = user.follow(f"aws s3 mb s3://{OTHER}\nedgesweep deploy --dry-run {fewer}")
    assert user.stack("prod").outputs == before
    said = user.follow(f"edgesweep deploy --yes {fewer}")

    removed = re.findall(r"^Remove +(\w+)$", dry, re.MULTILINE)
    assert {"WakeLambdaFunction", "WakeRole", "CataloguePolicy"} <= set(removed)
    assert re.findall(r"^Retain +(\w+)$", dry, re.MULTILINE) == ["CatalogueTable"]
    for text in (dry, said):
        assert "CatalogueTable leaves the stack, but stays with its data" in text
    after = user.stack("prod").outputs
    assert after["Buckets"] == f"{SITE},{OTHER}"
    assert before.keys() - after.keys() == {"WakeFunction", "CatalogueTable"}
    left = user.aws.client("cloudformation").describe_stack_resources(StackName="edgesweep-prod")
    names = {one["LogicalResourceId"] for one in left["StackResources"]}
    assert not names & {*removed, "CatalogueTable"}
    for found in (
        user.names("lambda", "list_functions", "Functions"),
        user.names("iam", "list_roles", "Roles"),
    ):
        assert found
        assert not [one for one in found if "-wake" in one.lower()]
    tables = user.names("dynamodb", "list_tables", "TableNames")
    assert before["CatalogueTable"] in tables
    table = user.aws.client("dynamodb").describe_table(TableName=after["DirtyTable"])["Table"]
    assert not table.get("StreamSpecification", {}).get("StreamEnabled")


def test_removal(user: User) -> None:
    """A removal leaves the tables, the zip and the site, and the site publishes no events.

    A bucket that is gone does not stop it.
    """
    tables = user.names("dynamodb", "list_tables", "TableNames")

    said = user.follow(f"aws s3 rb s3://{OTHER}\n{REMOVE}")

    assert said.endswith("edgesweep-prod is removed\n")
    assert "The tables stay, with their data: " in said
    assert user.names("lambda", "list_functions", "Functions") == set()
    assert user.names("dynamodb", "list_tables", "TableNames") == tables
    assert not user.notifies()
    zips = user.aws.client("s3").list_objects_v2(Bucket="edgesweep-releases-000000000000-us-east-1")
    assert [one["Key"] for one in zips["Contents"]] == [
        path.name for path in user.folder.glob("*.zip")
    ]


def test_cloudformation_alone(user: User) -> None:
    """CloudFormation deploys the template as it is; what it takes and we refuse sends nothing."""
    bad = "BudgetUsd=0 GuaranteeMinutes=1"
    user.follow(
        "aws cloudformation deploy --stack-name edgesweep-alone --capabilities CAPABILITY_IAM "
        f"--template-file edgesweep-template.json --parameter-overrides Bucket={SITE} {bad}"
    )
    stack = user.stack("alone")
    user.follow(f"edgesweep attach {SITE}")
    user.aws.client("s3").put_object(Bucket=SITE, Key="held.html", Body=b"held")
    await_true(lambda: "held.html" in stack.dirty_keys())

    answer = user.aws.client("lambda").invoke(FunctionName=stack.outputs["FlushFunction"])

    assert "FunctionError" in answer
    assert "held.html" in stack.dirty_keys()
    with pytest.raises(AssertionError, match="BudgetUsd"):
        user.follow(
            "aws cloudformation deploy --stack-name edgesweep-alone --capabilities CAPABILITY_IAM "
            "--template-file edgesweep-template.json --parameter-overrides BudgetUsd=ten"
        )


def test_no_release() -> None:
    """An installation of a clone says in one line that it carries nothing to deploy."""
    refused = subprocess.run(
        [ROOT / ".venv/bin/edgesweep", "deploy", "--bucket", SITE, "--yes"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "edgesweep: This installation carries no release; `make release` builds a wheel with one\n"
    )


def test_cdk(user: User) -> None:
    """The template is one resource of another stack, and its functions come with that stack."""
    url = "https://s3.amazonaws.com/my-artifacts/edgesweep-template.json"
    user.follow(
        "aws s3 mb s3://my-artifacts\n"
        "for file in edgesweep-*.zip edgesweep-template.json; do\n"
        '  aws s3 cp "$file" s3://my-artifacts/\n'
        "done\n"
        "aws cloudformation deploy --stack-name site --capabilities CAPABILITY_IAM "
        f"--template-file {ROOT}/examples/cdk/stack.yml "
        f"--parameter-overrides CodeBucket=my-artifacts TemplateUrl={url}"
    )
    (found,) = user.aws.client("cloudformation").describe_stacks(StackName="site")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}
    s3 = user.aws.client("s3")

    notified = s3.get_bucket_notification_configuration(Bucket=outputs["Bucket"])
    configuration = user.aws.client("lambda").get_function_configuration(
        FunctionName=outputs["FlushFunction"]
    )
    assert "EventBridgeConfiguration" in notified
    assert configuration["Environment"]["Variables"]["BUCKET"] == outputs["Bucket"]
    assert configuration["Environment"]["Variables"]["BUDGET_USD"] == "5"
