"""A wrong deploy parameter ends the deployment with one line, before it begins."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgesweep.operate.parameters import logical
from edgesweep.settings import PARAMETERS
from infra.local.aws import REGION, ROOT
from tests.fakes.formation import formation

CHECK = """
const [parameters, options, place, staged] = JSON.parse(process.argv[1]);
const values = { 'self:provider.stage': 'prod', 'deployment:': place };
const set = { ...staged, ...parameters };
for (const [name, value] of Object.entries(set)) values[`param:${name}`] = value;
const configuration = { 'params.prod': staged };
const resolve = {
  resolveVariable: async (name) => values[name],
  resolveConfigurationProperty: async (path) => configuration[path.join('.')],
};
options.param ??= Object.entries(parameters).map((one) => one.join('='));
require('./infra/params.js')({ options, ...resolve })
  .then((settings) => console.log(JSON.stringify(settings)));
"""
PLACE = {"command": "package", "stack": "edgesweep-prod", "region": REGION}
EXISTING = {"bucket": "my-site", "distribution": "E2QWRUHEXAMPLE"}


@dataclass(frozen=True, slots=True)
class Osls:
    """Somebody who runs a command of osls.

    Attributes:
        place: what the command does, and where.
        options: options of the command beside the parameters.
        staged: parameters that serverless.yml has for the stage.
        root: the folder of the project.
        environment: changes to the environment.
    """

    place: Mapping[str, object] = field(default_factory=lambda: PLACE)
    options: Mapping[str, object] = field(default_factory=dict)
    staged: Mapping[str, object] = field(default_factory=dict)
    root: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=dict)

    def check(self, **parameters: str) -> subprocess.CompletedProcess[str]:
        """Run the check of the parameters as osls does."""
        given = [parameters, self.options, self.place, self.staged]
        command = [shutil.which("node") or "node", "-e", CHECK, json.dumps(given)]
        return subprocess.run(
            command,
            cwd=self.root,
            env=os.environ | self.environment,
            check=False,
            capture_output=True,
            text=True,
        )

    def accept(self, **parameters: str) -> Any:  # noqa: ANN401  # JSON
        """Return the values for the templates."""
        accepted = self.check(**parameters)
        assert accepted.stderr == ""
        return json.loads(accepted.stdout)


PACKAGE = Osls()
DEPLOY = PLACE | {"command": "deploy", "credentials": {"accessKeyId": "a", "secretAccessKey": "b"}}
DEPLOYED = {
    "Metadata": {"Parameters": {"bucket": "my-site", "budgetUsd": "5"}},
    "Resources": {
        "FlushLambdaFunction": {},
        "ChangeRule": {
            "Properties": {"EventPattern": {"detail": {"bucket": {"name": ["my-site"]}}}}
        },
    },
}


def values_of(accepted: Any) -> Mapping[str, str]:  # noqa: ANN401  # JSON
    """Return the parameters that CloudFormation is given."""
    return {one["ParameterKey"]: one["ParameterValue"] for one in accepted["values"]}


def test_refusal() -> None:
    """A refusal is one line, and nothing else."""
    refused = PACKAGE.check(shards="0")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == 'Parameter shards is "0"; it must be a whole number from 1 to 100\n'


@pytest.mark.parametrize("python", ["missing", "old"])
def test_no_python(tmp_path: Path, python: str) -> None:
    """Where Python cannot be asked, the deployment stops with one line that says so."""
    for name in ("infra", "edgesweep"):
        shutil.copytree(ROOT / name, tmp_path / name)
    if python == "old":
        stub = tmp_path / ".venv" / "bin" / "python"
        stub.parent.mkdir(parents=True)
        stub.write_text("#!/bin/sh\necho Traceback >&2\necho ImportError: StrEnum >&2\nexit 1\n")
        stub.chmod(0o755)

    refused = Osls(root=tmp_path, environment={"PATH": "/nowhere"}).check()

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith("Python 3.11 or later with boto3 is needed, as `pipx install")
    assert refused.stderr.endswith({"old": ": ImportError: StrEnum\n"}.get(python, "ENOENT\n"))


def test_command_python(tmp_path: Path) -> None:
    """The Python of the command `edgesweep` is asked, wherever pipx or uv have installed it."""
    shutil.copytree(ROOT / "infra", tmp_path / "infra")
    shutil.copytree(ROOT / "edgesweep", tmp_path / "edgesweep")
    tools, shims = tmp_path / "venv" / "bin", tmp_path / "shims"
    for folder in (tools, shims):
        folder.mkdir(parents=True)
    (tools / "python").symlink_to(sys.executable)
    (tools / "edgesweep").write_text("")
    (shims / "edgesweep").symlink_to(tools / "edgesweep")

    accepted = Osls(root=tmp_path, environment={"PATH": str(shims)}).check(bucket="my-site")

    assert json.loads(accepted.stdout)["python"] == str(tools / "python")


def test_standard_library(tmp_path: Path) -> None:
    """Any Python checks parameters, whatever is installed in it."""
    given = {"values": {}, "stage": "prod", **PLACE, "command": "remove"}
    command = [sys.executable, "-S", "-m", "infra.parameters"]
    environment = {"PYTHONPATH": str(ROOT)}

    answer = subprocess.run(
        command, cwd=tmp_path, env=environment, check=True, capture_output=True,
        input=json.dumps(given).encode(),
    )  # fmt: skip

    assert values_of(json.loads(answer.stdout))["FreePaths"] == "1000"


@pytest.mark.parametrize("parameters", [{"demo": "true"}, EXISTING, {"bucket": "my-site"}])
def test_acceptance(parameters: Mapping[str, str]) -> None:
    """Parameters within their bounds reach CloudFormation as they are, the others as defaults."""
    values = values_of(PACKAGE.accept(**parameters))

    expected = {name: one.default for name, one in PARAMETERS.items()} | dict(parameters)
    assert values == {logical(name): text for name, text in expected.items()}


@pytest.mark.parametrize("given", ["budgetUsd=", "budgetUsd"])
def test_empty(given: str) -> None:
    """A parameter without a value is refused with the word that resets it."""
    refused = Osls(options={"param": [given]}).check()

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "Parameter budgetUsd has no value; give budgetUsd=default for its default\n"
    )


def test_staged() -> None:
    """Parameters that serverless.yml has for the stage are checked like any other."""
    refused = Osls(staged={"colour": "red"}).check(demo="true")

    assert refused.stderr.startswith("Parameter colour is unknown; the parameters are bucket, ")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, "There is nothing to sweep: "),
        ({"budgetUsd": "5"}, "Parameter budgetUsd comes too late: the package in "),
    ],
)
def test_packaged(tmp_path: Path, given: Mapping[str, str], line: str) -> None:
    """A package is deployed with its own parameters, which are checked, and with no others."""
    state = tmp_path / "serverless-state.json"
    state.write_text('{"service": {"custom": {"deploy": {"given": {}}}}}')
    with formation() as environment:
        osls = Osls(DEPLOY, {"package": str(tmp_path)}, environment=environment)
        refused = osls.check(**given)

    assert refused.returncode == 2
    assert refused.stderr.startswith(line)


def test_remembered() -> None:
    """A deployment without parameters uses the stack's own, and says so in one line."""
    with formation(DEPLOYED) as environment:
        accepted = Osls(DEPLOY, environment=environment).check(shards="3")

    assert accepted.stderr == (
        "Remembered by the stack edgesweep-prod: bucket=my-site budgetUsd=5\n"
    )
    settings = json.loads(accepted.stdout)
    assert values_of(settings)["Bucket"] == "my-site"
    assert settings["given"] == {"bucket": "my-site", "budgetUsd": "5", "shards": "3"}


def test_dropped() -> None:
    """A bucket of the stack is dropped by name alone."""
    with formation(DEPLOYED) as environment:
        osls = Osls(DEPLOY, environment=environment)
        refused = osls.check(bucket="other-site")
        accepted = osls.check(bucket="other-site", drop="my-site")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("Parameter bucket leaves out my-site, which the stack ")
    assert values_of(json.loads(accepted.stdout))["Bucket"] == "other-site"


def test_unread() -> None:
    """Where there are no credentials to read the stack with, nothing is deployed."""
    refused = Osls(PLACE | {"command": "deploy", "failure": "no credentials"}).check(demo="true")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "The stack edgesweep-prod in us-east-1 cannot be read, so nothing is deployed: "
        "no credentials\n"
    )


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("package --param=budgetUsd=-5", 'Parameter budgetUsd is "-5"; it must be dollars from 0 '),
        ("package", "There is nothing to sweep: give --param bucket=NAME for your bucket, or --pa"),
        (
            "deploy",
            "The stack edgesweep-prod in us-east-1 cannot be read, so nothing is deployed: ",
        ),
    ],
)
def test_osls(command: str, line: str) -> None:
    """Osls ends with the same line, and packages and deploys nothing."""
    place = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": REGION}
    refused = subprocess.run(
        ["node_modules/.bin/osls", *command.split()],
        cwd=ROOT,
        env=os.environ | place,
        check=False,
        capture_output=True,
        text=True,
    )

    assert refused.returncode == 2
    assert refused.stderr.startswith(line)
    assert refused.stderr.count("\n") == 1
