"""A release is one with the framework's deployment, and the same tree gives the same bytes."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from infra.local.release import build
from tests.infra.conftest import BOUNDARY, Package
from tests.infra.evaluation import Evaluation
from tests.infra.test_template import MOST_BYTES

STACK = "edgesweep-prod"
CHOICES: Mapping[str, Mapping[str, str]] = {
    "one bucket": {"Bucket": "my-site"},
    "named": {
        "Bucket": "my-site,other-site", "Distribution": "E2QWRUHEXAMPLE,E3QWRUHEXAMPLE",
        "Others": "ignore",
    },
    "demo": {"Bucket": "", "Demo": "true", "AlarmEmail": "ops@example.com", "BudgetUsd": "9"},
    "contrary": {
        "Bucket": "my-site", "SkipUnchanged": "false", "Dashboard": "true",
        "PermissionsBoundary": BOUNDARY,
    },
}  # fmt: skip


@pytest.fixture(scope="session", name="releases")
def _releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two builds of this tree."""
    first, second = (tmp_path_factory.mktemp(name) for name in ("first", "second"))
    build(first, "release-first")
    build(second, "release-second")
    return first, second


@pytest.fixture(name="released")
def _released(releases: tuple[Path, Path]) -> Any:  # noqa: ANN401  # CloudFormation
    return json.loads((releases[0] / "edgesweep-template.json").read_text())


def test_same_bytes(releases: tuple[Path, Path]) -> None:
    """Built twice, the template, the zip and the wheel have the same bytes."""
    first, second = ({path.name: path.read_bytes() for path in one.iterdir()} for one in releases)

    assert len(first) == 3
    assert first == second


def test_key(releases: tuple[Path, Path], released: Any) -> None:  # noqa: ANN401  # CloudFormation
    """The zip lies under a name made of its hash, which all functions look for."""
    (archive,) = releases[0].glob("*.zip")
    keys = [
        resource["Properties"]["Code"]["S3Key"]
        for resource in released["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    ]

    assert keys == [archive.name] * 3
    assert archive.name == f"edgesweep-{hashlib.sha256(archive.read_bytes()).hexdigest()}.zip"


def test_wheel(releases: tuple[Path, Path]) -> None:
    """The wheel carries the very template and zip."""
    (wheel,), (archive,) = releases[0].glob("*.whl"), releases[0].glob("*.zip")
    with ZipFile(wheel) as carried:
        assert carried.read("edgesweep/release/edgesweep.zip") == archive.read_bytes()
        template = carried.read("edgesweep/release/template.json")
    assert template == (releases[0] / "edgesweep-template.json").read_bytes()
    assert len(template) <= MOST_BYTES


def test_lint(releases: tuple[Path, Path]) -> None:
    """cfn-lint has nothing to say."""
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--regions", "us-east-1"]
    template = str(releases[0] / "edgesweep-template.json")
    said = subprocess.run(
        [*command, "--template", template], check=False, capture_output=True, text=True
    )

    assert said.stdout + said.stderr == ""


@pytest.mark.parametrize("choice", CHOICES)
def test_same_resources(site: Package, released: Any, choice: str) -> None:  # noqa: ANN401  # CloudFormation
    """Resource by resource, CloudFormation alone makes what the framework makes."""
    ours, theirs = (
        Evaluation(template, STACK, CHOICES[choice]).template
        for template in (released, site.compiled)
    )
    for section in ("Resources", "Outputs"):
        expected = {k: v for k, v in theirs[section].items() if not k.startswith("Serverless")}
        assert ours[section].keys() == expected.keys()
        for name, wanted in expected.items():
            assert _without_code(ours[section][name]) == _without_code(wanted)


def test_same_parameters(site: Package, released: Any) -> None:  # noqa: ANN401  # CloudFormation
    """A release takes the framework's parameters, and the bucket of the zip besides."""
    assert released["Parameters"].keys() - site.compiled["Parameters"].keys() == {"CodeBucket"}
    assert released["Conditions"].keys() - site.compiled["Conditions"].keys() == {"HasCodeBucket"}
    for section in ("Parameters", "Conditions"):
        theirs = site.compiled[section]
        assert {name: released[section][name] for name in theirs} == theirs


def _without_code(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = resource.get("Properties", {})
    return {**resource, "Properties": {k: v for k, v in properties.items() if k != "Code"}}
