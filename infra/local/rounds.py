"""Rounds of a pipeline: files change, are synced, and the edge is waited for while people read."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from infra.local.readers import ask

_READERS = 2
_PAUSE_SECONDS = 0.2
_MOST_CHANGED = 5


@dataclass(frozen=True, slots=True)
class Round:
    """The files that changed in a round, and the files of which a reader got old bytes."""

    changed: Sequence[str]
    stale: Sequence[str]


def play(
    folder: Path,
    names: Sequence[str],
    endpoint: str,
    pipeline: Callable[[Path], object],
    random: Random,
) -> Iterator[Round]:
    """Play rounds for ever; in the first one every file is new.

    Args:
        folder: where the site is built.
        names: its files.
        endpoint: the edge.
        pipeline: uploads the folder, and waits until the edge is fresh.
        random: which files change, and which ones people read.
    """
    site: dict[str, bytes] = {}
    while True:
        changed = random.sample(names, random.randint(1, _MOST_CHANGED)) if site else names
        for name in changed:
            site[name] = f"{name} {random.random()}\n".encode()
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(site[name])
        with _reading(endpoint, names, random):
            pipeline(folder)
            stale = [name for name in names if not ask(endpoint, f"/{name}").shows(site[name])]
        yield Round(changed, stale)


@contextmanager
def _reading(endpoint: str, names: Sequence[str], random: Random) -> Iterator[None]:
    """Let people read any of the files during the block, so that the edge keeps what there is."""
    ended = threading.Event()

    def read(chance: Random) -> None:
        while not ended.wait(_PAUSE_SECONDS):
            ask(endpoint, f"/{chance.choice(names)}")

    seeds = [Random(random.random()) for _ in range(_READERS)]
    readers = [threading.Thread(target=read, args=(one,), daemon=True) for one in seeds]
    for reader in readers:
        reader.start()
    try:
        yield
    finally:
        ended.set()
        for reader in readers:
            reader.join()
