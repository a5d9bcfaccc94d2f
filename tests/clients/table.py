"""Sites that clients sync step by step, and what Edgesweep makes of each step."""

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from edgesweep.record.headers import fingerprints
from infra.local.aws import EmbeddedAws
from infra.local.watch import Invalidation
from tests.clients.clients import CLIENTS, PARTS, Client

SECONDS = 300
# Most of a client's time is its start.
_AT_ONCE = 3
HEADED = "docs/3.html"
# Larger than the parts of 8 MiB in which the clients upload it.
LARGE = "film.txt"
FILES = 11


def _write(folder: Path) -> None:
    (folder / "docs").mkdir()
    for number in range(8):
        (folder / f"docs/{number}.html").write_text(f"page {number}")
    (folder / "c++.html").write_text("plus")
    (folder / "style.css").write_text("p {}")
    (folder / LARGE).write_bytes(bytes(range(256)) * (9 << 12))


def _leave(_: Path) -> None:
    """Change nothing."""


def _touch(folder: Path) -> None:
    for path in folder.rglob("*.*"):
        os.utime(path)


def _edit(folder: Path) -> None:
    for number in range(3):
        (folder / f"docs/{number}.html").write_text(f"edited {number}")


def _rename(folder: Path) -> None:
    (folder / "docs/4.html").rename(folder / "docs/four.html")


def _remove(folder: Path) -> None:
    for number in (5, 6):
        (folder / f"docs/{number}.html").unlink()


@dataclass(frozen=True)
class Step:
    """What happens to a folder, and which command uploads it or one of its files."""

    prepare: Callable[[Path], None]
    command: Callable[[Client], Sequence[str]] = lambda client: client.sync
    key: str = ""


STEPS: Mapping[str, Step] = {
    "first sync": Step(_write),
    "same again": Step(_leave),
    "touched times": Step(_touch),
    "three edits": Step(_edit),
    "rename": Step(_rename),
    "two removals": Step(_remove),
    "one header": Step(_leave, lambda client: client.header, HEADED),
    PARTS: Step(_leave, lambda client: client.parts, LARGE),
}


@dataclass(frozen=True)
class Swept:
    """How many events a bucket published, and the invalidations that came of them."""

    events: int
    sent: Sequence[Invalidation]


class Sweeper(Protocol):
    """Edgesweep, which sweeps buckets of an embedded AWS."""

    aws: EmbeddedAws

    def changing(self) -> AbstractContextManager[object]:
        """Sweep nothing during the block."""

    def sweep(self) -> Mapping[str, Swept]:
        """Sweep what changed; return for each bucket what came of it."""


@dataclass(frozen=True)
class Result:
    """What came of a step.

    Attributes:
        events: how many S3 published.
        paths: the quoted paths of the invalidations.
        missed: objects of which viewers get something else, and that no path matches.
        needless: objects of which they get the same, and that a path matches.
    """

    events: int
    paths: Sequence[str]
    missed: frozenset[str]
    needless: frozenset[str]


Viewed = Mapping[str, tuple[str, str]]


def bucket_of(name: str) -> str:
    """Return the bucket of a client."""
    return "-".join(re.findall("[a-z0-9]+", name))


def steps(sweeper: Sweeper, names: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Result]]]:
    """Let clients take every step; yield its title, and what came of it for each."""
    before: dict[str, Viewed] = {name: {} for name in names}
    with tempfile.TemporaryDirectory() as home:
        folders = {name: Path(home) / bucket_of(name) / "site" for name in names}
        for folder in folders.values():
            folder.mkdir(parents=True)
        for title, step in STEPS.items():
            with sweeper.changing(), ThreadPoolExecutor(_AT_ONCE) as pool:
                take = partial(_take, step, sweeper.aws)
                list(pool.map(take, folders.keys(), folders.values()))
            swept = sweeper.sweep()
            after = {name: _viewed(sweeper.aws, bucket_of(name)) for name in names}
            yield title, {n: _result(before[n], after[n], swept[bucket_of(n)]) for n in names}
            before = after


def _viewed(aws: EmbeddedAws, bucket: str) -> Viewed:
    """Return what viewers get of each object: a digest of its bytes, and one of its headers."""
    s3 = aws.client("s3")

    def viewed(key: str) -> tuple[str, str]:
        answer: Any = s3.get_object(Bucket=bucket, Key=key)
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return hashlib.sha256(answer["Body"].read()).hexdigest(), fingerprints(headers)[0]

    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {held["Key"]: viewed(held["Key"]) for held in listed}


def _result(before: Viewed, after: Viewed, swept: Swept) -> Result:
    keys = {*before, *after}
    changed = {key for key in keys if before.get(key) != after.get(key)}
    hit = {key for key in keys if any(one.matches(f"/{key}") for one in swept.sent)}
    paths = [path for one in swept.sent for path in one.paths]
    return Result(swept.events, paths, frozenset(changed - hit), frozenset(hit - changed))


def _take(step: Step, aws: EmbeddedAws, name: str, folder: Path) -> None:
    step.prepare(folder)
    client = CLIENTS[name]
    names = {
        "folder": str(folder),
        "bucket": bucket_of(name),
        "endpoint": aws.endpoint,
        "host": aws.endpoint.removeprefix("http://"),
        "key": step.key,
    }
    command = [part.format(**names) for part in step.command(client)]
    more = {name: value.format(**names) for name, value in client.environment.items()}
    environment = {**aws.environment, **more, "HOME": str(folder.parent)}
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert not ran.returncode, f"{command}: {ran.stderr[-2_000:]}"
