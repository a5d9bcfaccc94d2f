"""Publish histories: the objects live at first, and the changes of every deploy.

The simplest is a folder of two files, one JSON object a line:

- `live.jsonl.gz`: the `path` (an object's key) and the `size` (bytes, null if unknown) of each
  object that was live before the first deploy;
- `deploys.jsonl.gz`: the `commit`, the `time` (epoch seconds) and the keys that were `added`,
  `modified` and `deleted` of each deploy, oldest first.

Deploys are streamed; only the sorted list of live paths stays in memory.
"""

import gzip
import json
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from reprlib import repr as excerpt
from typing import Protocol, TypeVar

from edgesweep.dirty import LONG_AGO
from edgesweep.errors import MALFORMED, BadInput
from edgesweep.flush.budget import YEARS, month_of
from edgesweep.paths import viewer_path

T = TypeVar("T")

# A strategy takes about a tenth of a millisecond for each change, so five minutes for all of them.
MOST_CHANGES = 3_000_000

# Receives how many deploys are done, and the total; None for nobody.
Progress = Callable[[int, int], None] | None


@dataclass(frozen=True, slots=True)
class Deploy:
    """One publication of a site: the keys that it wrote, old ones and new, and that it deleted."""

    at: datetime
    written: Sequence[str]
    deleted: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One deploy, in viewer paths."""

    at: datetime  # the time of the deploy, in UTC
    dirty: Sequence[str]  # the changed, added and deleted paths, sorted and distinct
    live: Sequence[str]  # the live paths afterwards, sorted and distinct
    unchanged: Sequence[str] = ()  # unchanged paths that were uploaded
    learnt: bool = False  # whether a catalogue knows these
    heads: int | None = None  # HEAD requests that find the unchanged; None without a catalogue

    @property
    def reported(self) -> Sequence[str]:
        """The paths that a strategy sees as changed, sorted and distinct."""
        return sorted({*self.dirty, *self.unchanged}) if self.unchanged else self.dirty

    def seen(self, *, catalogue: bool) -> "Step":
        """Return the step as seen with a catalogue, or without one."""
        if catalogue and self.learnt:
            return replace(self, unchanged=())
        return self if catalogue or self.heads is None else replace(self, heads=0)


class HistorySource(Protocol):
    """The origin of a history; another process can read it as well."""

    @property
    def name(self) -> str: ...

    def steps(self, progress: Progress = None) -> Iterator[Step]:
        """Yield the steps, oldest first, any number of times; BadInput if it is not well-formed."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The history in a folder, which has its name; an error names the file and the line."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.resolve().name

    def steps(self, progress: Progress = None) -> Iterator[Step]:
        path = self.path / "deploys.jsonl.gz"
        total = sum(1 for _ in _read(path, str)) if progress else 0
        live = _read(self.path / "live.jsonl.gz", _live_key)
        return follow(self.name, live, _read(path, _deploy), total, progress)


@dataclass(frozen=True, slots=True)
class History:
    """A history in memory: the keys before the first deploy, and the deploys, oldest first."""

    name: str
    live: Sequence[str]
    deploys: Sequence[Deploy]

    def steps(self, progress: Progress = None) -> Iterator[Step]:
        return follow(self.name, self.live, self.deploys, len(self.deploys), progress)


@dataclass(frozen=True, slots=True)
class Reuploaded:
    """A history whose every deploy uploads all live objects, as a CI machine does.

    The catalogue is empty at first. Each upload takes one HEAD request, changed or not.
    """

    history: HistorySource

    @property
    def name(self) -> str:
        return self.history.name

    def steps(self, progress: Progress = None) -> Iterator[Step]:
        for known, step in enumerate(self.history.steps(progress)):
            changed = set(step.dirty)
            again = [path for path in step.live if path not in changed]
            yield replace(step, unchanged=again, learnt=known > 0, heads=len(step.live))


@dataclass(frozen=True, slots=True)
class Sampled:
    """The steps of some UTC months of a history; its name says of how many."""

    name: str
    history: HistorySource
    months: frozenset[str]

    def steps(self, progress: Progress = None) -> Iterator[Step]:
        return (step for step in self.history.steps(progress) if month_of(step.at) in self.months)


def sample(history: HistorySource, most: int = MOST_CHANGES) -> HistorySource:
    """Return the history, or evenly spaced months of it with `most` changes at most, or only one.

    We replay a month whole or not at all, since its free paths and its pace are its own. The choice
    depends on the history alone, so another machine replays the same months.
    """
    changes = Counter[str]()
    for step in history.steps():
        changes[month_of(step.at)] += len(step.reported)
    months = sorted(changes)
    for every in count(1):
        chosen = frozenset(months[::every])
        if len(chosen) <= 1 or sum(changes[month] for month in chosen) <= most:
            break
    name = f"{history.name} ({len(chosen)} of {len(months)} months)"
    return history if every == 1 else Sampled(name, history, chosen)


def follow(
    name: str, live: Iterable[str], deploys: Iterable[Deploy], total: int, progress: Progress = None
) -> Iterator[Step]:
    """Yield a step for each of `total` deploys, oldest first, from the keys live before them."""
    paths, before = sorted(set(map(viewer_path, live))), LONG_AGO
    for done, deploy in enumerate(deploys, 1):
        if deploy.at < before or deploy.at.year not in YEARS:
            bound = f"oldest first, from {YEARS[0]} to {YEARS[-1]}"
            raise BadInput(f"{name}: deploy {done:,} is of {deploy.at}; deploys come {bound}")
        before = deploy.at
        present = set(map(viewer_path, deploy.written))
        gone = set(map(viewer_path, deploy.deleted)) - present
        appeared = sorted(path for path in present if not holds(paths, path))
        if appeared or gone:
            # Sorting merges the two sorted runs in one linear pass.
            paths = sorted([path for path in paths if path not in gone] + appeared)
        yield Step(deploy.at, sorted(present | gone), paths)
        if progress:
            progress(done, total)


def holds(paths: Sequence[str], path: str) -> bool:
    """Tell whether sorted `paths` contain `path`."""
    place = bisect_left(paths, path)
    return place < len(paths) and paths[place] == path


def _read(path: Path, parse: Callable[[str], T]) -> Iterator[T]:
    """Yield what each line says; `parse` raises one of `MALFORMED` for a wrong line."""
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):  # noqa: B007  # named in errors
                yield parse(line)
    except FileNotFoundError as error:
        raise BadInput(f"{path} is not there") from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise BadInput(f"{path} cannot be read after line {number}: {error}") from error
    except MALFORMED as error:
        raise BadInput(f"{path}, line {number}: {error}") from error


def _live_key(line: str) -> str:
    match record := json.loads(line):
        case {"path": key, "size": size} if size is None or (type(size) is int and size >= 0):
            return _key(key)
    raise ValueError(f"A live object has a path and a size in bytes or null, not {excerpt(record)}")


def _deploy(line: str) -> Deploy:
    match record := json.loads(line):
        case {
            "commit": str(),
            "time": int(time),
            "added": list(added),
            "modified": list(modified),
            "deleted": list(deleted),
        } if type(time) is int:
            written, gone = [*map(_key, added + modified)], [*map(_key, deleted)]
            return Deploy(LONG_AGO + timedelta(seconds=time), written, gone)
    wanted = "a commit, a time in epoch seconds, and lists of the keys added, modified and deleted"
    raise ValueError(f"A deploy has {wanted}, not {excerpt(record)}")


def _key(key: object) -> str:
    if not isinstance(key, str) or not key:
        raise ValueError(f"A key is text of at least one character, not {excerpt(key)}")
    key.encode()
    return key
