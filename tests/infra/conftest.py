"""The deployment as osls compiles it, once for each source of changes."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.aws import ROOT, packaging, working_copy
from tests.handlers.conftest import deployment as deployment  # noqa: PLC0414  # a fixture
from tests.infra.evaluation import Evaluation

EXISTING = {"bucket": "my-site,other-site", "distribution": "E2QWRUHEXAMPLE", "wake": "false"}
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"


@dataclass(frozen=True, slots=True)
class Package:
    """What `osls package` wrote."""

    folder: Path
    stack: str

    @property
    def template_file(self) -> Path:
        """The compiled CloudFormation template."""
        return self.folder / "cloudformation-template-update-stack.json"

    @property
    def zip_file(self) -> Path:
        """What both functions run."""
        return self.folder / "edgesweep.zip"

    @property
    def template(self) -> Any:  # noqa: ANN401  # CloudFormation
        """The template as it is deployed with the parameters of the package."""
        return Evaluation(self.compiled, self.stack, self.values).template

    @property
    def compiled(self) -> Any:  # noqa: ANN401  # CloudFormation
        """The compiled template, which no parameter changes."""
        return json.loads(self.template_file.read_text())

    @property
    def values(self) -> Mapping[str, str]:
        """The values that osls gives to CloudFormation, by parameter."""
        given = self.provider["stackParameters"]
        return {one["ParameterKey"]: one["ParameterValue"] for one in given}

    @property
    def provider(self) -> Any:  # noqa: ANN401  # osls
        """All that osls keeps of its provider."""
        state = json.loads((self.folder / "serverless-state.json").read_text())
        return state["service"]["provider"]

    def resources(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Yield the resources of a type, by logical name."""
        for name, resource in self.template["Resources"].items():
            if resource["Type"] == kind:
                yield name, resource

    def properties(self, name: str) -> Any:  # noqa: ANN401  # CloudFormation
        """Return the properties of one resource."""
        return self.template["Resources"][name]["Properties"]


@pytest.fixture(scope="session", name="packages")
def _packages(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Package]:
    """The demo site of a stage that is kept, and existing buckets of a stage that is not."""
    folder = tmp_path_factory.mktemp("packages")
    return {
        "site": _package(
            folder / "site",
            "prod",
            {"demo": "true", "alarmEmail": "ops@example.com", "budgetUsd": "9"},
        ),
        "buckets": _package(folder / "buckets", "test", EXISTING),
    }


@pytest.fixture(scope="session", name="contrary")
def _contrary(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """An existing bucket whose distributions are found out, and every option the other way."""
    options = {"skipUnchanged": "false", "dashboard": "true", "permissionsBoundary": BOUNDARY}
    folder = tmp_path_factory.mktemp("contrary")
    return _package(folder, "prod", {"bucket": "my-site", **options})


@pytest.fixture(params=["site", "buckets"], name="package")
def _each_package(request: pytest.FixtureRequest, packages: Mapping[str, Package]) -> Package:
    return packages[request.param]


@pytest.fixture(name="site")
def _site(packages: Mapping[str, Package]) -> Package:
    return packages["site"]


@pytest.fixture(name="buckets")
def _buckets(packages: Mapping[str, Package]) -> Package:
    return packages["buckets"]


def _package(folder: Path, stage: str, parameters: Mapping[str, str]) -> Package:
    given = [f"--param={name}={value}" for name, value in parameters.items()]
    osls = str(ROOT / "node_modules" / ".bin" / "osls")
    command = [osls, "package", "--stage", stage, "--package", str(folder)]
    path = os.pathsep.join([str(ROOT / ".envs" / "aws" / "bin"), os.environ["PATH"]])
    with packaging():
        subprocess.run(
            [*command, *given],
            cwd=working_copy(f"package-{folder.name}"),
            env=os.environ | {"PATH": path},
            check=True,
        )
    return Package(folder, f"edgesweep-{stage}")
