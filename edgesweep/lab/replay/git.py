"""A git repository of a built site as a publish history: every commit of a branch is a deploy.

Read with git's plumbing, which no configuration changes. A merge is one deploy, its difference from
the first parent. A rename is a deletion and an addition, as it is to a bucket. A
file whose mode alone changed did not change; a symbolic link is an object of its own; a submodule
is none.
"""

import os
import subprocess
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, cast

from edgesweep.errors import BadInput
from edgesweep.lab.replay.history import Deploy, Progress, Step, follow

Commit = tuple[str, datetime]

_CHUNK = 1 << 16
# How the mode of a file and that of a symbolic link begin; a submodule's is 160000.
_OBJECTS = {b"10", b"12"}


@dataclass(frozen=True, slots=True)
class Repository:
    """The history of a branch.

    Attributes:
        path: the repository, bare or not.
        branch: a branch, one of `origin` that has no local copy, or any other revision.
    """

    path: Path
    branch: str

    @property
    def name(self) -> str:
        """The name of the repository's folder."""
        return self.path.resolve().name.removesuffix(".git")

    def steps(self, progress: Progress | None = None) -> Iterator[Step]:
        """Yield the step of every commit.

        The first commit adds all of its files. In a shallow clone, where its parent is not there,
        its files are what was live before.

        Raises:
            BadInput: git is not installed, or there is no such repository or branch.
        """
        commits = self._commits()
        first, _ = commits[0]
        shallow = b"\nparent " in self._output("cat-file", "commit", first).partition(b"\n\n")[0]
        live, skipped = (self._files(first), 1) if shallow else ((), 0)
        deploys = self._deploys(commits, skipped)
        yield from follow(live, deploys, len(commits) - skipped, progress)

    def _commits(self) -> Sequence[Commit]:
        """Return the commits of the branch along first parents, oldest first."""
        lines = self._output(
            "rev-list", "--first-parent", "--reverse", "--timestamp", self._tip()
        ).splitlines()
        times = _forward([int(line.split()[0]) for line in lines])
        try:
            return [
                (line.split()[1].decode(), datetime.fromtimestamp(time, UTC))
                for line, time in zip(lines, times, strict=True)
            ]
        except (ValueError, OverflowError, OSError) as error:
            msg = f"{self.path}: a commit's time is out of range: {error}"
            raise BadInput(msg) from error

    def _tip(self) -> str:
        self._output("rev-parse", "--git-dir")
        for revision in (
            f"refs/heads/{self.branch}",
            f"refs/remotes/origin/{self.branch}",
            self.branch,
        ):
            with suppress(BadInput):
                commit = self._output(
                    "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"
                )
                return commit.decode().strip()
        msg = f"{self.path}: there is no branch {self.branch!r} with a commit"
        raise BadInput(msg)

    def _files(self, commit: str) -> Iterator[str]:
        for entry in self._tokens("ls-tree", "-r", "-z", commit):
            mode, _, name = entry.partition(b" ")
            if mode[:2] in _OBJECTS:
                yield _key(name.partition(b"\t")[2])

    def _deploys(self, commits: Sequence[Commit], skip: int) -> Iterator[Deploy]:
        """Yield the deploys of all commits but the first `skip`."""
        names = [commit for commit, _ in commits]
        pairs = [names[0], *(f"{commit} {parent}" for parent, commit in pairwise(names))]
        tokens = self._tokens(
            *("diff-tree", "--stdin", "--always", "--root", "-r", "-z", "--no-renames"),
            lines=pairs[skip:],
        )
        times = dict(commits)
        for commit, keys in _differences(tokens):
            yield Deploy(commit, times[commit], *map(tuple, keys))

    def _output(self, *arguments: str) -> bytes:
        return b"".join(self._read(arguments))

    def _tokens(self, *arguments: str, lines: Iterable[str] = ()) -> Iterator[bytes]:
        """Yield the tokens that git prints, each of which ends with a NUL."""
        rest = b""
        for chunk in self._read(arguments, lines):
            *tokens, rest = (rest + chunk).split(b"\0")
            yield from tokens

    def _read(self, arguments: Iterable[str], lines: Iterable[str] = ()) -> Iterator[bytes]:
        # Files, not pipes: git may read and complain at any pace while its output is read.
        with TemporaryFile() as said, TemporaryFile() as asked:
            asked.writelines(f"{line}\n".encode() for line in lines)
            asked.seek(0)
            try:
                git = subprocess.Popen(  # noqa: S603  # what a user typed is no option
                    ["git", "-C", self.path, *arguments],  # noqa: S607  # the user's own git
                    stdin=asked,
                    stdout=subprocess.PIPE,
                    stderr=said,
                    env=_environment(),
                )
            except OSError as error:
                msg = f"git cannot be run: {error.strerror}"
                raise BadInput(msg) from error
            with git:
                yield from iter(partial(cast("IO[bytes]", git.stdout).read, _CHUNK), b"")
            if git.returncode:
                said.seek(0)
                complaint = said.read().decode(errors="replace").partition("\n")[0]
                msg = f"{self.path}: {complaint.removeprefix('fatal: ')}"
                raise BadInput(msg)


def _differences(tokens: Iterator[bytes]) -> Iterator[tuple[str, Sequence[list[str]]]]:
    """Yield every commit with the keys it added, modified and deleted.

    https://git-scm.com/docs/git-diff-tree#_raw_output_format
    """
    commit = ""
    keys: Sequence[list[str]] = ()
    for token in tokens:
        if token.startswith(b":"):
            change, key = _change(token), _key(next(tokens))
            if change is not None:
                keys[change].append(key)
            continue
        if commit:
            yield commit, keys
        commit, keys = token.decode(), ([], [], [])
    if commit:
        yield commit, keys


def _change(entry: bytes) -> int | None:
    """Return 0 for an object added, 1 modified, 2 deleted, None for none of these."""
    old_mode, new_mode, old_hash, new_hash, _ = entry[1:].split()
    before = (old_mode[:2], old_hash) if old_mode[:2] in _OBJECTS else None
    after = (new_mode[:2], new_hash) if new_mode[:2] in _OBJECTS else None
    if before == after:
        return None
    if before is None:
        return 0
    return 2 if after is None else 1


def _key(name: bytes) -> str:
    # A key is UTF-8, so other bytes of a name are replaced.
    return name.decode(errors="replace")


def _forward(times: Sequence[int]) -> Sequence[int]:
    """Return times that never go back.

    The longest run of commits whose times do not go back keeps them; every other commit, whose
    clock was wrong, gets the time of the one before it in the run, the first ones that of its
    beginning.
    """
    lasts: list[int] = []  # of the runs of each length, the earliest time that one can end with
    ends: list[int] = []
    before: list[int] = []
    for place, time in enumerate(times):
        length = bisect_right(lasts, time)
        before.append(ends[length - 1] if length else -1)
        lasts[length : length + 1] = [time]
        ends[length : length + 1] = [place]
    place, run = ends[-1], set[int]()
    while place >= 0:
        run.add(place)
        place = before[place]
    now = times[min(run)]
    return [now := time if place in run else now for place, time in enumerate(times)]


def _environment() -> dict[str, str]:
    """Return an environment in which git reads the given repository and prints plain English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "LC_ALL": "C"}
