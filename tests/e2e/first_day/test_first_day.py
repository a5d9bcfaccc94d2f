"""The first day of a user who follows the guide to the letter, from a clone to the removal.

A virtual environment stands in for pipx, which need not be installed here: the command is linked
into a folder of the PATH, and its Python is nowhere else.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local.aws import ROOT, EmbeddedAws, embedded_aws
from infra.local.watch import Watch
from tests.e2e.conftest import PATIENCE_SECONDS, SPEED, make_distribution
from tests.e2e.shell import run
from tests.e2e.upgrade.stacks import outputs_of, parameters_of

SITE = "my-site"
GUIDE = (ROOT / "docs" / "deploying.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
PIPX = r"""
pipx() {
    [[ $1 == install ]]
    python3 -m venv --without-pip "$TOOLS/pipx"
    "$PYTHON" -m pip --quiet --disable-pip-version-check --python "$TOOLS/pipx/bin/python" \
        install --no-compile "${@:2}"
    ln -s "$TOOLS/pipx/bin/edgesweep" "$TOOLS/bin/edgesweep"
}
"""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who follows the guide.

    Attributes:
        aws: where.
        clone: the clone of the repository.
        tools: where commands are installed.
        distribution: serves the site.
    """

    aws: EmbeddedAws
    clone: Path
    tools: Path
    distribution: str

    def follow(self, block: str) -> str:
        """Run every command of a block; return what they print, on either stream."""
        node = Path(shutil.which("node") or "node").parent
        folders = (self.tools / "bin", ROOT / ".envs" / "awscli" / "bin", node)
        path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
        text = f"cd {self.clone}\nexec 2>&1\n{PIPX}\n{block}"
        return run(
            self.aws, text, {"PATH": path, "PYTHON": sys.executable, "TOOLS": str(self.tools)}
        )

    @property
    def watch(self) -> Watch:
        """Looks at the stack from outside."""
        return Watch(self.aws, {**outputs_of(self.aws, "prod"), "Distribution": self.distribution})

    def await_sweep(self, key: str, since: datetime) -> None:
        """Return once the edge is fresh."""
        self.watch.await_sweep({f"/{key}": since}, PATIENCE_SECONDS)


def test_six_commands() -> None:
    """A clone, three commands, the next step and an upload: then the first change is swept."""
    install, attach, upload = (block.splitlines() for block in BLOCKS[:3])

    assert len(["git clone", *install, *attach, upload[0]]) <= 6
    assert upload[0].startswith("aws s3 cp ")


@pytest.fixture(scope="module", name="user")
def _user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    clone, tools = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("tools")
    (tools / "bin").mkdir()
    listed = "git ls-files -z --cached --others --exclude-standard"
    subprocess.run(
        ["bash", "-c", f"{listed} | tar -c --null -T - | tar -x -C {clone}"], cwd=ROOT, check=True
    )
    (clone / "index.html").write_text("fresh")
    with embedded_aws(speed=SPEED, name="e2e-first-day") as aws:
        aws.client("s3").create_bucket(Bucket=SITE)
        yield User(aws, clone, tools, make_distribution(aws, SITE))


def test_first_day(user: User) -> None:
    """Each command does what the guide says, and no change is lost from the first on."""
    install, attach, upload, again, remove = BLOCKS

    assert f"Next: edgesweep attach {SITE} --region us-east-1" in user.follow(install)
    assert "+ EventBridgeConfiguration: {}" in user.follow(attach)
    began = datetime.now(UTC)
    user.follow(upload)
    user.await_sweep("index.html", began)
    (invalidation,) = user.watch.invalidations()
    assert invalidation.identity in user.follow("edgesweep flushes --json")

    before = parameters_of(user.aws, "prod")
    said = user.follow(again)
    assert f"Remembered by the stack edgesweep-prod: bucket={SITE}\n" in said
    assert f"Next: upload something to {SITE}, then run edgesweep status" in said
    assert parameters_of(user.aws, "prod") == before
    began = datetime.now(UTC)
    user.aws.client("s3").put_object(Bucket=SITE, Key="late.html", Body=b"late")
    user.await_sweep("late.html", began)

    said = user.follow(remove)
    assert "The tables stay, with their data: " in said
    assert "will not be sent" not in said
    assert user.aws.client("lambda").list_functions()["Functions"] == []
    objects = user.aws.client("s3").list_objects_v2(Bucket=SITE)["Contents"]
    assert [one["Key"] for one in objects] == ["index.html", "late.html"]
