"""Publish histories: the objects live at first, and the changes of every deploy.

A source of a history has a name and yields its steps, any number of times. The simplest is a folder
of two files, one JSON object a line:

- `live.jsonl.gz`: the `path` (an object's key) and the `size` (bytes, null if unknown) of each
  object that was live before the first deploy;
- `deploys.jsonl.gz`: the `commit`, the `time` (epoch seconds) and the keys that were `added`,
  `modified` and `deleted` of each deploy, oldest first.

The deploys stream past: what is held is the list of live paths, which is kept sorted.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from reprlib import repr as excerpt
from typing import Protocol, TypeVar

from edgesweep.errors import BadInput
from edgesweep.lab.replay.reach import holds
from edgesweep.paths import viewer_path

T = TypeVar("T")

# Receives how many deploys are done, and the total.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Deploy:
    """One publication of a site, by its keys."""

    commit: str
    at: datetime
    added: tuple[str, ...]
    modified: tuple[str, ...]
    deleted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One deploy, in viewer paths.

    Attributes:
        at: the time of the deploy, in UTC.
        dirty: the changed paths, sorted and distinct, including added ones, which have events too.
        live: the live paths afterwards, sorted and distinct.
        unknown: unchanged paths that were uploaded and that no catalogue knows yet.
        unchanged: the other unchanged paths that were uploaded.
        heads: HEAD requests that find the unchanged; None without a catalogue.
    """

    at: datetime
    dirty: Sequence[str]
    live: Sequence[str]
    unknown: Sequence[str] = ()
    unchanged: Sequence[str] = ()
    heads: int | None = None

    @property
    def reported(self) -> Sequence[str]:
        """The paths that a strategy sees as changed, sorted and distinct."""
        if not (self.unknown or self.unchanged):
            return self.dirty
        return sorted({*self.dirty, *self.unknown, *self.unchanged})

    def seen(self, *, catalogue: bool) -> "Step":
        """Return the step as seen with a catalogue, or without one."""
        if catalogue:
            return replace(self, unchanged=())
        return self if self.heads is None else replace(self, heads=0)


class HistorySource(Protocol):
    """The origin of a history; another process can read it as well."""

    @property
    def name(self) -> str:
        """The name of the history."""

    def steps(self, progress: Progress | None = None) -> Iterator[Step]:
        """Yield the steps, oldest first.

        Raises:
            BadInput: there is no well-formed history.
        """


@dataclass(frozen=True, slots=True)
class Folder:
    """The history in a folder."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    def steps(self, progress: Progress | None = None) -> Iterator[Step]:
        """Read the folder; an error names the file and the line."""
        path = self.path / "deploys.jsonl.gz"
        total = sum(1 for _ in _lines(path)) if progress else 0
        live = _parsed(self.path / "live.jsonl.gz", _live_key)
        return follow(live, _parsed(path, _deploy), total, progress)


@dataclass(frozen=True, slots=True)
class History:
    """A history that is held in memory.

    Attributes:
        name: its name.
        live: the keys before the first deploy, in any order.
        deploys: oldest first.
    """

    name: str
    live: Sequence[str]
    deploys: Sequence[Deploy]

    def steps(self, progress: Progress | None = None) -> Iterator[Step]:
        """Follow the deploys."""
        return follow(self.live, self.deploys, len(self.deploys), progress)


def follow(
    live: Iterable[str],
    deploys: Iterable[Deploy],
    total: int,
    progress: Progress | None = None,
) -> Iterator[Step]:
    """Yield what a strategy is asked at every deploy.

    Args:
        live: the keys before the first deploy, in any order.
        deploys: oldest first.
        total: how many there are.
        progress: called after each of them.
    """
    paths = sorted(set(map(viewer_path, live)))
    for done, deploy in enumerate(deploys, 1):
        present = set(map(viewer_path, deploy.added + deploy.modified))
        gone = set(map(viewer_path, deploy.deleted)) - present
        paths = _published(paths, present, gone)
        yield Step(deploy.at, sorted(present | gone), paths)
        if progress:
            progress(done, total)


def _published(live: list[str], present: set[str], gone: set[str]) -> list[str]:
    appeared = sorted(path for path in present if not holds(live, path))
    if not (appeared or gone):
        return live
    # Sorting merges the two sorted runs in one linear pass.
    return sorted([path for path in live if path not in gone] + appeared)


def _parsed(path: Path, parse: Callable[[object], T]) -> Iterator[T]:
    for number, line in enumerate(_lines(path), 1):
        try:
            parsed = parse(json.loads(line))
        except (ValueError, OSError, OverflowError, RecursionError) as error:
            msg = f"{path}, line {number}: {error}"
            raise BadInput(msg) from error
        yield parsed


def _lines(path: Path) -> Iterator[str]:
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):  # noqa: B007  # told if reading breaks off
                yield line
    except FileNotFoundError as error:
        msg = f"{path} is not there"
        raise BadInput(msg) from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        msg = f"{path} cannot be read after line {number}: {error}"
        raise BadInput(msg) from error


def _live_key(record: object) -> str:
    match record:
        case {"path": str(key), "size": size} if size is None or (type(size) is int and size >= 0):
            return _key(key)
    msg = f"A live object has a path and a size in bytes or null, not {excerpt(record)}"
    raise ValueError(msg)


def _deploy(record: object) -> Deploy:
    match record:
        case {
            "commit": str(commit),
            "time": int(time),
            "added": list(added),
            "modified": list(modified),
            "deleted": list(deleted),
        } if type(time) is int:
            moment = datetime.fromtimestamp(time, UTC)
            return Deploy(commit, moment, _keys(added), _keys(modified), _keys(deleted))
    msg = (
        "A deploy has a commit, a time in epoch seconds, and lists of the keys added, modified "
        f"and deleted, not {excerpt(record)}"
    )
    raise ValueError(msg)


def _keys(keys: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(_key, keys))


def _key(key: object) -> str:
    if not isinstance(key, str) or not key:
        msg = f"A key is text of at least one character, not {excerpt(key)}"
        raise ValueError(msg)
    key.encode()
    return key
