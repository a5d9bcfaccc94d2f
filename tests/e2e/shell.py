"""Runs shell commands as a person at this project's folder does, against an embedded AWS."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.local.aws import ROOT, EmbeddedAws, packaging

_TOOLS = (Path(sys.executable).parent, ROOT / ".envs/awscli/bin", ROOT / "node_modules/.bin")
# Version 1 of the AWS command line asks the real SQS in spite of its environment.
_HERE = 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }'


def run(aws: EmbeddedAws, command: str, more: Mapping[str, str] | None = None) -> str:
    """Run a command, or several, that have to succeed; return what they print.

    Args:
        aws: what they reach.
        command: text for bash.
        more: environment variables beside those that lead to `aws`.
    """
    path = os.pathsep.join([*map(str, _TOOLS), aws.environment["PATH"]])
    with packaging():
        ran = subprocess.run(
            ["bash", "-euc", f"{_HERE}\n{command}"],
            cwd=aws.project,
            env={**aws.environment, "PATH": path, **(more or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout
