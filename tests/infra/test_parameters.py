"""A wrong deploy parameter ends the deployment with one line, before it begins."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from edgesweep.settings import PARAMETERS
from infra.local.aws import REGION, ROOT
from tests.fakes.regions import s3

CHECK = """
const [parameters, stage, region, defaults] = JSON.parse(process.argv[1]);
const values = { 'self:provider.stage': stage, 'self:provider.region': region };
for (const [name, value] of Object.entries(parameters)) values[`param:${name}`] = value;
const options = { param: Object.keys(parameters).map((name) => `${name}=`) };
const resolve = {
  resolveVariable: async (name) => values[name],
  resolveConfigurationProperty: async (path) => ({ 'params.default': defaults })[path.join('.')],
};
require('./infra/params.js')({ options, ...resolve })
  .then((settings) => console.log(JSON.stringify(settings)));
"""
DEFAULTS = {name: one.default for name, one in PARAMETERS.items()}
EXISTING = {"bucket": "my-site", "distribution": "E2QWRUHEXAMPLE"}


def check(
    stage: str = "prod", root: Path = ROOT, path: str | None = None, **parameters: str
) -> subprocess.CompletedProcess[str]:
    """Run the check of the parameters as osls does."""
    given = json.dumps([DEFAULTS | parameters, stage, REGION, DEFAULTS])
    command = [shutil.which("node") or "node", "-e", CHECK, given]
    environment = os.environ | ({} if path is None else {"PATH": path})
    return subprocess.run(
        command, cwd=root, env=environment, check=False, capture_output=True, text=True
    )


def test_refusal() -> None:
    """A refusal is one line, and nothing else."""
    refused = check(shards="0")

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

    refused = check(root=tmp_path, path="/nowhere")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith(
        "The parameters cannot be checked without Python 3.11 or later"
    )
    assert refused.stderr.endswith({"old": ": ImportError: StrEnum\n"}.get(python, "ENOENT\n"))


def test_standard_library(tmp_path: Path) -> None:
    """Any Python checks parameters, whatever is installed in it."""
    given: dict[str, object] = {"values": DEFAULTS, "assigned": [], "stage": "prod", "region": None}
    command = [sys.executable, "-S", "-m", "edgesweep.operate.parameters"]
    environment = {"PYTHONPATH": str(ROOT)}

    answer = subprocess.run(
        command, cwd=tmp_path, env=environment, check=True, capture_output=True,
        input=json.dumps(given).encode(),
    )  # fmt: skip

    assert json.loads(answer.stdout)["freePaths"] == "1000"


@pytest.mark.parametrize(
    ("parameters", "source"),
    [({}, "site"), (EXISTING, "buckets"), ({"bucket": "my-site"}, "buckets")],
)
def test_acceptance(parameters: Mapping[str, str], source: str) -> None:
    """Parameters within their bounds choose what is deployed."""
    accepted = check("prod", ROOT, None, **parameters)

    assert accepted.stderr == ""
    assert json.loads(accepted.stdout)["source"] == source


@pytest.mark.parametrize(
    ("distribution", "ends", "lists"),
    [
        ("", ["/*"], True),
        ("E2QWRUHEXAMPLE, E3QWRUHEXAMPLE", ["/E2QWRUHEXAMPLE", "/E3QWRUHEXAMPLE"], False),
    ],
)
def test_distributions(distribution: str, ends: list[str], lists: bool) -> None:  # noqa: FBT001  # a parameter
    """Only a stack that finds out its distributions may list them and invalidate any."""
    settings = json.loads(check(bucket="my-site", distribution=distribution).stdout)
    arns = [arn["Fn::Sub"] for arn in settings["distributionArns"]]

    assert [arn[arn.rindex("/") :] for arn in arns] == ends
    assert ("cloudfront:ListDistributions" in json.dumps(settings["discover"])) is lists


@pytest.mark.parametrize("skip", [True, False])
def test_skip_unchanged(skip: bool) -> None:  # noqa: FBT001  # a parameter
    """A catalogue, and its name for the recorder, are there just where it is wanted."""
    settings = json.loads(check(skipUnchanged=str(skip).lower()).stdout)

    assert bool(settings["catalogue"]) is skip
    assert settings["catalogueTable"] == ({"Ref": "CatalogueTable"} if skip else "")


@pytest.mark.parametrize(
    ("budget", "warning"),
    [("0", None), ("0.00", None), ("0.01", 0.008), ("39.64", 31.712), ("none", None)],
)
def test_budget_alarm(budget: str, warning: float | None) -> None:
    """A budget has an alarm at 80 % of it, to a fraction of a cent; 0 and no limit have none."""
    settings = json.loads(check(budgetUsd=budget).stdout)

    assert settings.get("budgetWarning") == warning
    assert settings["budgetAlarm"] == ({} if warning is None else "${file(infra/budget.yml)}")


def test_elsewhere() -> None:
    """A deployment is refused for a bucket in another region; whatever else is done is not."""
    command = ["node_modules/.bin/osls", "deploy", "--region=us-east-1", "--param=bucket=my-site"]
    with s3() as endpoint:
        environment = os.environ | {"AWS_ENDPOINT_URL": endpoint, "NO_PROXY": "127.0.0.1"}
        refused = subprocess.run(
            command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
        )

    assert refused.returncode == 2
    assert refused.stderr.startswith("Parameter bucket names my-site, which is in eu-west-1, not ")
    assert refused.stderr.count("\n") == 1


def test_osls() -> None:
    """Osls ends with the same line, and packages nothing."""
    command = ["node_modules/.bin/osls", "package", "--param=budgetUsd=-5"]
    refused = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    assert refused.returncode == 2
    assert refused.stderr.startswith('Parameter budgetUsd is "-5"; it must be dollars from 0 to ')
    assert refused.stderr.count("\n") == 1


def test_defaults() -> None:
    """serverless.yml declares each parameter, with a default that costs nothing."""
    text = (ROOT / "serverless.yml").read_text().replace("!Ref", "").replace("!GetAtt", "")
    declared = yaml.safe_load(text.replace("!Sub", ""))["params"]["default"]

    assert {name: json.dumps(value).strip('"') for name, value in declared.items()} == DEFAULTS
