"""The pages on pipelines and on changes that do not show up, followed command by command."""

import re
from collections.abc import Mapping
from contextlib import nullcontext

import pytest

from infra.local.aws import ROOT
from tests.e2e.conftest import Stack
from tests.e2e.shared.test_operating import FLUSHING, LOOKING
from tests.e2e.shell import run

DOCS = ROOT / "docs"
PIPELINE = (DOCS / "ci.md").read_text()
BUILD = "cd $(mktemp -d) && mkdir build && echo new > build/index.html"


def blocks(page: str) -> list[str]:
    """Return the blocks of commands that can be run here."""
    return re.findall(r"^```sh\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)


def follow(stack: Stack, block: str) -> str:
    """Run a block; where it flushes, the schedule does not get in its way."""
    flushes = re.search(r"edgesweep flush\b", block)
    with stack.resting_schedule() if flushes else nullcontext():
        return run(stack.aws, f"{BUILD}\n{block.replace('my-site', stack.bucket)}")


@pytest.mark.parametrize(("page", "count"), [("troubleshooting.md", 5), ("ci.md", 4)])
def test_commands(stacks: Mapping[str, Stack], page: str, count: int) -> None:
    """Every command succeeds, one after the other, while something changes."""
    stack = stacks["attached"]
    stack.s3.put_object(Bucket=stack.bucket, Key="index.html", Body=page.encode())

    printed = [follow(stack, block) for block in blocks(page)]

    assert len(printed) == count
    assert printed[0]
    stack.s3.delete_object(Bucket=stack.bucket, Key="index.html")


def test_rights() -> None:
    """The page on pipelines names the permissions with which the commands are tested."""
    rows = re.findall(r"^\| `(status|flush)`.* \| (.*) \|$", PIPELINE, re.MULTILINE)
    told = {name: tuple(re.findall(r"`(\w+:\w+)`", cell)) for name, cell in rows}

    assert told == {"status": LOOKING, "flush": FLUSHING}
