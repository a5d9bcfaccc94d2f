"""The zip that both functions run holds what they need and nothing else."""

import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

from packaging.requirements import Requirement

from infra.local.aws import ROOT
from tests.infra.conftest import Package

IMPORT = """
import sys
sys.path[:0] = [sys.argv[1]]
import handlers.flush, handlers.record
print(*(name for name in sys.modules if name.partition(".")[0] in {"edgesweep", "handlers"}))
"""
ENTRIES = {"aws_lambda_powertools", "edgesweep", "handlers", "pynamodb", "typing_extensions.py"}


def test_imports(site: Package, tmp_path: Path) -> None:
    """On an interpreter with boto3 alone the handlers import, and use every module of the zip."""
    with ZipFile(site.zip_file) as archive:
        archive.extractall(tmp_path)
    bare = str(ROOT / ".envs" / "aws" / "bin" / "python")
    command = [bare, "-I", "-c", IMPORT, str(tmp_path)]
    imported = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)

    assert _modules(site) - set(imported.stdout.split()) == set()


def test_contents(site: Package) -> None:
    """The zip holds the package, its handlers and their requirements."""
    entries = {PurePosixPath(name).parts[0] for name in _names(site)}

    assert {entry for entry in entries if not entry.startswith(".")} - {
        "requirements.txt"
    } == ENTRIES


def test_pure(site: Package) -> None:
    """Nothing is compiled, so that the zip runs on arm64 wherever it was made."""
    assert [name for name in _names(site) if name.endswith((".so", ".pyd", ".dylib"))] == []


def test_deployed_runtime(site: Package) -> None:
    """Whichever interpreter makes the zip, it holds what the deployed runtime would get."""
    (deployed,) = re.findall(r"^  runtime: python(\S+)$", _text("serverless.yml"), re.MULTILINE)

    pinned = _pinned(deployed)
    assert pinned == _pinned(platform.python_version())
    with ZipFile(site.zip_file) as archive:
        version = archive.read("aws_lambda_powertools/shared/version.py").decode()
    assert f'"{pinned["aws-lambda-powertools"].removeprefix("==")}"' in version


def test_reproducible(packages: Mapping[str, Package]) -> None:
    """Two packages of the same code are the same, byte for byte."""
    site, buckets = (package.zip_file.read_bytes() for package in packages.values())

    assert site == buckets


def _text(name: str) -> str:
    return (ROOT / name).read_text()


def _pinned(interpreter: str) -> Mapping[str, str]:
    """Return the versions that pip installs for a Python, by package."""
    lines = re.findall(r"^(\S+==[^\\]+)", _text("runtime.lock"), re.MULTILINE)
    version = {
        "python_full_version": interpreter,
        "python_version": ".".join(interpreter.split(".")[:2]),
    }
    return {
        one.name: str(one.specifier)
        for one in map(Requirement, lines)
        if one.marker is None or one.marker.evaluate(version)
    }


def _names(package: Package) -> list[str]:
    with ZipFile(package.zip_file) as archive:
        return archive.namelist()


def _modules(package: Package) -> set[str]:
    """Return the names of the zip's own modules."""
    files = [PurePosixPath(name) for name in _names(package) if name.endswith(".py")]
    own = [file for file in files if file.parts[0] in {"edgesweep", "handlers"}]
    return {".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in own}
