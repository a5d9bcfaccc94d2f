"""Uploads that change nothing, as a CI machine's `aws s3 sync` makes them, cost nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.e2e.conftest import PATIENCE_SECONDS, Stack

FILES = 1_000
EDITED = ("0007.html", "0070.html", "0700.html")


@pytest.fixture(scope="module", name="stack")
def _stack(stacks: Mapping[str, Stack]) -> Stack:
    return stacks["notified"]


@pytest.fixture(scope="module", name="site")
def _site(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of 1,000 files that is uploaded and swept."""
    folder = tmp_path_factory.mktemp("unchanged")
    sent(stack, lambda: sync(stack, build(folder)))
    return folder


def test_sync(stack: Stack, site: Path) -> None:
    """Every file is rebuilt and uploaded, and three have changed: three paths are sent."""

    def rebuild() -> None:
        build(site)
        for name in EDITED:
            (site / name).write_text("edited\n")
        assert sync(stack, site) == FILES

    assert sent(stack, rebuild) == [{f"/unchanged/{name}" for name in EDITED}]


@pytest.mark.usefixtures("site")
def test_copy(stack: Stack) -> None:
    """An object copied onto itself for another Cache-Control is sent, and nothing else."""
    place = {"Bucket": stack.bucket, "Key": "unchanged/0001.html"}

    def change() -> None:
        stack.s3.copy_object(
            **place, CopySource=place, CacheControl="no-store", MetadataDirective="REPLACE"
        )

    assert sent(stack, change) == [{"/unchanged/0001.html"}]


def test_put(stack: Stack, site: Path) -> None:
    """The same bytes uploaded under another Cache-Control are sent, the same header again not."""
    body = (site / "0002.html").read_bytes()

    def change() -> None:
        stack.s3.put_object(
            Bucket=stack.bucket,
            Key="unchanged/0002.html",
            Body=body,
            ContentType="text/html",
            CacheControl="no-store",
        )

    assert sent(stack, change) == [{"/unchanged/0002.html"}]
    assert sent(stack, change) == []


def test_headers(stack: Stack) -> None:
    """Headers that viewers see are sent; the times that rclone and s3cmd keep are not."""
    changes: Mapping[str, Mapping[str, object]] = {
        "type": {"ContentType": "text/plain"},
        "redirect": {"WebsiteRedirectLocation": "/elsewhere"},
        "user": {"Metadata": {"author": "somebody"}},
        "mtime": {"Metadata": {"mtime": "1732600000.5"}},
        "s3cmd": {"Metadata": {"s3cmd-attrs": "atime:1/mtime:2/mode:33188"}},
        "same": {},
    }

    def upload(*, changed: bool) -> None:
        for name, header in changes.items():
            place = {"Bucket": stack.bucket, "Key": f"headers/{name}", "Body": b"page"}
            stack.s3.put_object(
                **place, **{"ContentType": "text/html", **(header if changed else {})}
            )

    sent(stack, lambda: upload(changed=False))
    paths = [{f"/headers/{name}" for name in ("type", "redirect", "user")}]
    assert sent(stack, lambda: upload(changed=True)) == paths


@pytest.mark.usefixtures("site")
def test_learn(stack: Stack) -> None:
    """The command adds what the catalogue of a deployed stack does not know."""
    dynamodb, table = stack.aws.client("dynamodb"), stack.outputs["CatalogueTable"]
    key = {"pk": {"S": f"{stack.bucket}/unchanged/0003.html"}}
    dynamodb.delete_item(TableName=table, Key=key)

    edgesweep = Path(sys.executable).with_name("edgesweep")
    command = [str(edgesweep), "learn", stack.bucket, "--yes", "--stage", "test"]
    said = subprocess.run(
        command, env=stack.aws.environment, check=True, capture_output=True, text=True
    )

    _, known, _, objects, _ = said.stdout.split()
    assert known == objects
    assert "since" in dynamodb.get_item(TableName=table, Key=key)["Item"]


def build(folder: Path) -> Path:
    """Write every file, younger than any object."""
    later = time.time() + 60
    for number in range(FILES):
        file = folder / f"{number:04}.html"
        file.write_text(f"page {number}\n")
        os.utime(file, (later, later))
    return folder


def sync(stack: Stack, folder: Path) -> int:
    """Upload what seems new by its size and time; return how many files did."""
    said = stack.cli("s3", "sync", "--no-progress", str(folder), f"s3://{stack.bucket}/unchanged")
    return said.count("upload: ")


def sent(stack: Stack, change: Callable[[], object]) -> Sequence[set[str]]:
    """Return the paths of each invalidation that a change leads to."""
    before = {one.identity for one in stack.watch.invalidations()}
    with stack.resting_schedule():
        change()
        await_nothing(stack.watch.messages)
    await_nothing(stack.watch.waiting)
    return [set(one.paths) for one in stack.watch.invalidations() if one.identity not in before]


def await_nothing(count: Callable[[], int]) -> None:
    """Return once nothing is counted twice in a row."""
    deadline, quiet = time.monotonic() + PATIENCE_SECONDS, 0
    while quiet < 2:
        assert time.monotonic() < deadline, f"{count()} still wait"
        quiet = 0 if count() else quiet + 1
        time.sleep(0.5)
