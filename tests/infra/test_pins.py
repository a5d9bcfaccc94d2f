"""What is installed is pinned, and the files that pin it name no host."""

import json
import re

import pytest

from infra.local.aws import ROOT

# One comparator, as the launcher of Serverless Framework 4 reads it; it joins several by commas.
COMPARATOR = re.compile(r"\s*(=|!=|>|<|>=|=>|<=|=<|~|~>|\^)?\s*v?[\dxX*][^\s,]*\s*")


@pytest.mark.parametrize("name", ["aws", "awscli", "clients", "dev", "runtime"])
def test_lock(name: str) -> None:
    """Every requirement of a lock file is one version, with its hashes, and no host."""
    text = (ROOT / f"{name}.lock").read_text()
    lines = re.sub(r"\\\n|^ *#.*$", "", text, flags=re.MULTILINE).splitlines()
    requirements = [line for line in lines if line.strip()]

    assert "://" not in text
    assert [line for line in requirements if not re.search(r"==\S+.*--hash=sha256:", line)] == []


@pytest.mark.parametrize("folder", [".", "tests/clients"])
def test_package_lock(folder: str) -> None:
    """Npm checks every package's content and asks whatever registry is configured."""
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    packages = [package for name, package in lock["packages"].items() if name]

    assert all("integrity" in package for package in packages)
    assert not any("resolved" in package for package in packages)


def test_framework_version() -> None:
    """Serverless Framework 4, a product with a login, cannot take this for its own project."""
    text = (ROOT / "serverless.yml").read_text()
    version = re.findall(r'^frameworkVersion: "(.*)"$', text, re.MULTILINE)

    assert len(version) == 1
    assert not all(COMPARATOR.fullmatch(part) for part in re.split(r"\|\||,", version[0]))
