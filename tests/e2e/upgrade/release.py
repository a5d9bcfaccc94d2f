"""The last release, taken from the history: its tree, as it was released."""

import subprocess
from pathlib import Path

from infra.local.aws import ROOT, project


def unpack() -> Path:
    """Unpack the last release into a folder from which it can be deployed.

    Raises:
        AssertionError: the commit is missing; the text says how to fetch it.
    """
    version, commit = Path(__file__).with_name("releases.txt").read_text().split()[-2:]
    tree = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    fetch = f"git fetch --depth=1 origin {commit}"
    assert not tree.returncode, f"Release {version} is not in this clone; `{fetch}` brings it"
    folder = project("release")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=tree.stdout, check=True)
    return folder
