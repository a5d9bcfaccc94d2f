"""A git repository of a built site as a publish history: every commit of a branch is a deploy.

Read with git's plumbing, which no configuration changes. A merge is one deploy, its difference from
the first parent. A rename is a deletion and an addition, as it is to a bucket. A file whose mode
alone changed did not change; a symbolic link is an object of its own; a submodule is none. Bytes of
a name that are not UTF-8 are replaced, since a key is text.
"""

import os
import subprocess
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain, pairwise
from operator import itemgetter
from pathlib import Path
from posixpath import normpath
from tempfile import TemporaryFile
from typing import IO, Any, cast

from edgesweep.errors import BadInput
from edgesweep.lab.history import Deploy, Progress, Step, follow

# How the modes of a file and of a symbolic link begin; a submodule's is 160000.
_OBJECTS = {b"10", b"12"}
_UNPUBLISHED = {".gitattributes", ".gitignore", ".nojekyll", "CNAME"}  # by any tool


@dataclass(frozen=True, slots=True)
class Repository:
    path: Path  # the repository, bare or not
    branch: str  # a branch, one of `origin` that has no local copy, or any other revision
    root: str = ""  # the folder that is the site; if empty, the whole repository is

    @property
    def name(self) -> str:
        path = self.path.resolve()
        return (path.parent if path.name == ".git" else path).name.removesuffix(".git")

    @property
    def _folder(self) -> str:
        return f"{normpath(self.root.strip('/'))}/".removeprefix("./")

    def steps(self, progress: Progress = None) -> Iterator[Step]:
        """Let the first commit add all of its files; in a shallow clone they were live before."""
        commits = self._commits()
        if self._folder and not self._output("ls-tree", [*commits][-1], self._folder):
            raise BadInput(f"{self.path}: the branch {self.branch!r} has no folder {self.root!r}")
        first = next(iter(commits))
        shallow = b"\nparent " in self._output("cat-file", "commit", first).partition(b"\n\n")[0]
        live, skipped = (self._files(first), 1) if shallow else ((), 0)
        deploys = self._deploys(commits, skipped)
        yield from follow(self.name, self._keys(live), deploys, len(commits) - skipped, progress)

    def _commits(self) -> Mapping[str, datetime]:
        """Return the times of the branch's commits along first parents, oldest first."""
        found = self._output("rev-list", "--first-parent", "--reverse", "--timestamp", self._tip())
        times, commits = found.split()[::2], found.decode().split()[1::2]
        try:
            moments = [datetime.fromtimestamp(time, UTC) for time in _forward([*map(int, times)])]
            return dict(zip(commits, moments, strict=True))
        except (ValueError, OverflowError, OSError) as error:
            raise BadInput(f"{self.path}: a commit's time is out of range: {error}") from error

    def _tip(self) -> str:
        self._output("rev-parse", "--git-dir")
        for place in ("refs/heads/", "refs/remotes/origin/", ""):
            revision = f"{place}{self.branch}^{{commit}}"
            with suppress(BadInput):
                found = self._output("rev-parse", "--verify", "--end-of-options", revision)
                return found.decode().strip()
        raise BadInput(f"{self.path}: there is no branch {self.branch!r} with a commit")

    def _files(self, commit: str) -> Iterator[str]:
        for entry in self._tokens("ls-tree", "-r", "-z", commit):
            mode, _, name = entry.partition(b" ")
            if mode[:2] in _OBJECTS:
                yield name.partition(b"\t")[2].decode(errors="replace")

    def _deploys(self, commits: Mapping[str, datetime], skip: int) -> Iterator[Deploy]:
        """Yield the deploys of all commits but the first `skip`.

        https://git-scm.com/docs/git-diff-tree#_raw_output_format
        """
        pairs = [*commits][:1] + [f"{commit} {parent}" for parent, commit in pairwise(commits)]
        command = "diff-tree", "--stdin", "--always", "--root", "-r", "-z", "--no-renames"
        tokens = self._tokens(*command, lines=pairs[skip:])
        commit, written, deleted = "", list[str](), list[str]()
        for token in chain(tokens, [b""]):
            if token.startswith(b":"):
                old_mode, new_mode, old_hash, new_hash, _ = token[1:].split()
                before = (old_mode[:2], old_hash) if old_mode[:2] in _OBJECTS else None
                after = (new_mode[:2], new_hash) if new_mode[:2] in _OBJECTS else None
                name = next(tokens).decode(errors="replace")
                if before != after:
                    (written if after else deleted).append(name)
            else:
                if commit:
                    keys = [*self._keys(written)], [*self._keys(deleted)]
                    yield Deploy(commits[commit], *keys)
                commit, written, deleted = token.decode(), [], []

    def _keys(self, names: Iterable[str]) -> Iterator[str]:
        folder = self._folder
        for name in names:
            if name.startswith(folder) and (key := name.removeprefix(folder)) not in _UNPUBLISHED:
                yield key

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
            # Git reads the given repository and complains in English, whatever the shell says.
            kept = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
            try:
                git = subprocess.Popen(  # noqa: S603  # the user's text is not an option
                    ["git", "-C", self.path, *arguments],  # noqa: S607  # the user's own git
                    stdin=asked,
                    stdout=subprocess.PIPE,
                    stderr=said,
                    env={**kept, "LC_ALL": "C"},
                )
            except OSError as error:
                raise BadInput(f"git cannot be run: {error.strerror}") from error
            with git:
                yield from iter(partial(cast("IO[bytes]", git.stdout).read, 1 << 16), b"")
            if git.returncode:
                said.seek(0)
                complaint = said.read().decode(errors="replace").partition("\n")[0]
                raise BadInput(f"{self.path}: {complaint.removeprefix('fatal: ')}")


def _forward(times: Sequence[int]) -> Sequence[int]:
    """Return times that never go back: we keep the times of the longest run that does not.

    Every other commit, whose clock was wrong, gets the time of the commit before it in the run; the
    first commits get the time at which the run begins.
    """
    # Of the runs of each length, the one with the earliest end: its last time and place, the rest.
    runs: list[tuple[int, int, Any]] = []
    for place, time in enumerate(times):
        length = bisect_right(runs, time, key=itemgetter(0))
        runs[length : length + 1] = [(time, place, runs[max(0, length - 1) : length])]
    rest, kept = runs[-1:], dict[int, int]()
    while rest:
        [(time, place, rest)] = rest
        kept[place] = time
    now = times[min(kept)]
    return [now := kept.get(place, now) for place in range(len(times))]
