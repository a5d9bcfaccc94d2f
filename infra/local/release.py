"""Builds the files of a release: `python -m infra.local.release FOLDER`.

The folder gets the template, the zip under a name made of its hash, and the wheel that carries
both. The same tree gives the same bytes.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from edgesweep import __version__
from infra.local.aws import ROOT, packaging, working_copy

# osls names functions and logs after it, where the template of a release names the stack.
STACK = "edgesweep-prod"
# The oldest moment that a zip can hold.
_THEN = (1980, 1, 1, 0, 0, 0)
_CODE_BUCKET = "edgesweep-releases-${AWS::AccountId}-${AWS::Region}"
_WHEEL = ("pyproject.toml", "README.md", "LICENSE")


def build(folder: Path, copy: str = "release") -> None:
    """Build a release in a folder; `copy` names the working copy that is packaged."""
    project = working_copy(copy)
    packaged = _packaged(project)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("edgesweep-*"):
        old.unlink()
    carried = project / "edgesweep" / "release"
    carried.mkdir()
    _pack(packaged / "edgesweep.zip", carried / "edgesweep.zip")
    key = f"edgesweep-{hashlib.sha256((carried / 'edgesweep.zip').read_bytes()).hexdigest()}.zip"
    compiled = json.loads((packaged / "cloudformation-template-update-stack.json").read_text())
    text = json.dumps(template(compiled, key), separators=(",", ":"))
    (carried / "template.json").write_text(text)
    shutil.copy(carried / "template.json", folder / "edgesweep-template.json")
    shutil.copy(carried / "edgesweep.zip", folder / key)
    for name in _WHEEL:
        shutil.copy(ROOT / name, project / name)
    hatch = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder.resolve())]
    subprocess.run(hatch, cwd=project, check=True)


def template(compiled: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the template that CloudFormation alone deploys, of the one that osls compiled.

    It differs in three points: it has no bucket for uploads, it takes the zip from a bucket that
    is there, and it names things after the stack.
    """
    code = {
        "S3Bucket": {"Fn::If": ["HasCodeBucket", {"Ref": "CodeBucket"}, {"Fn::Sub": _CODE_BUCKET}]},
        "S3Key": key,
    }
    made: dict[str, Any] = _named_after_stack(compiled)
    for section in ("Resources", "Outputs"):
        made[section] = {k: v for k, v in made[section].items() if not k.startswith("Serverless")}
    for resource in made["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = code
    meaning = "bucket of this region that holds the zip; empty: edgesweep-releases-ACCOUNT-REGION"
    made["Parameters"]["CodeBucket"] = {"Type": "String", "Default": "", "Description": meaning}
    made["Conditions"]["HasCodeBucket"] = {"Fn::Not": [{"Fn::Equals": [{"Ref": "CodeBucket"}, ""]}]}
    return {**made, "Description": f"Edgesweep {__version__}"}


def _named_after_stack(value: Any) -> Any:  # noqa: ANN401  # CloudFormation
    match value:
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": text.replace(STACK, "${AWS::StackName}")}
        case str(text) if STACK in text:
            return {"Fn::Sub": text.replace(STACK, "${AWS::StackName}")}
        case dict():
            return {key: _named_after_stack(item) for key, item in value.items()}
        case list():
            return [_named_after_stack(item) for item in value]
    return value


def _packaged(project: Path) -> Path:
    """Let osls package; its parameters change nothing that is packaged."""
    osls = [str(ROOT / "node_modules/.bin/osls"), "package", "--stage", "prod", "--package", "out"]
    with packaging():
        subprocess.run([*osls, "--param=bucket=my-site"], cwd=project, env=os.environ, check=True)
    return project / "out"


def _pack(source: Path, target: Path) -> None:
    """Rewrite a zip: in the order of names, without times, permissions or a maker's marks."""
    with ZipFile(source) as read, ZipFile(target, "w") as written:
        for name in sorted(read.namelist()):
            entry = ZipInfo(name, _THEN)
            entry.compress_type, entry.create_system = ZIP_DEFLATED, 3
            entry.external_attr = 0o644 << 16
            written.writestr(entry, read.read(name))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
