"""The examples say what they must; `tests/e2e/release` runs those that can run here."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from edgesweep.operate.parameters import logical
from edgesweep.settings import PARAMETERS
from infra.local.aws import ROOT

EXAMPLES = ROOT / "examples"
KNOWN = {logical(name) for name in PARAMETERS} | {"CodeBucket"}


def resources() -> dict[str, Any]:
    """Return Terraform's resources by type, of several of a type the last."""
    with (EXAMPLES / "terraform" / "main.tf").open() as file:
        blocks = hcl2.load(file)["resource"]
    return {
        kind.strip('"'): body for block in blocks for kind, named in block.items()
        for body in named.values()
    }  # fmt: skip


def test_terraform() -> None:
    """Terraform's bucket publishes its events, and the template's own parameters are given."""
    found = resources()
    stack = found["aws_cloudformation_stack"]

    assert found["aws_s3_bucket_notification"]["eventbridge"] is True
    assert {"Bucket", "CodeBucket"} <= stack["parameters"].keys() <= KNOWN
    assert stack["capabilities"] == ['"CAPABILITY_IAM"']
    assert "edgesweep-template.json" in stack["template_body"]


def test_cdk_template() -> None:
    """cfn-lint has nothing to say of what CDK synthesises."""
    cfn_lint = str(Path(sys.executable).with_name("cfn-lint"))
    command = [cfn_lint, "--regions", "us-east-1", "--template", str(EXAMPLES / "cdk/stack.yml")]
    said = subprocess.run(command, check=False, capture_output=True, text=True)

    assert said.stdout + said.stderr == ""


def test_cdk_program() -> None:
    """The program is Python, turns the delivery on, and deploys the release's template."""
    text = (EXAMPLES / "cdk" / "app.py").read_text()
    ast.parse(text)

    assert "event_bridge_enabled=True" in text
    assert "edgesweep-template.json" in text


@pytest.mark.parametrize("job", ["plan", "upload"])
def test_workflow(job: str) -> None:
    """Each job of the workflow is one that GitHub starts by its own event."""
    workflow = yaml.safe_load((EXAMPLES / "github" / "edgesweep.yml").read_text())

    assert workflow["jobs"][job]["if"].startswith("github.event_name == ")
    assert workflow["jobs"][job]["runs-on"] == "ubuntu-latest"
