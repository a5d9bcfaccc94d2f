"""Readers of a site: the bytes that they get, and how many of their answers the cache holds."""

import random
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from urllib.error import HTTPError
from urllib.request import urlopen

from infra.local.aws import LocalError

_POLL_SECONDS = 0.2
_HIT = "Hit from cloudfront"
_OK = 200
# Characters of an answer.
_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer that a reader got; `at` is when."""

    status: int
    body: bytes
    cached: bool
    at: datetime

    def shows(self, body: bytes | None) -> bool:
        """Tell whether it shows these bytes, or an error for None."""
        if body is None:
            return self.status != _OK
        return (self.status, self.body) == (_OK, body)

    def __str__(self) -> str:
        last = self.body.decode().strip().rpartition("\n")[2]
        text = "..." * (len(last) > _SHOWN) + last[-_SHOWN:]
        return f"{self.status} {text}".strip()


def ask(endpoint: str, path: str) -> Seen:
    """Ask the edge for a path."""
    try:
        with urlopen(endpoint + path, timeout=60) as answer:  # noqa: S310  # ours, on loopback
            return _seen(answer.status, answer.read(), answer.headers["X-Cache"])
    except HTTPError as error:
        with error:
            return _seen(error.code, error.read(), error.headers["X-Cache"])


@dataclass
class Reader:
    """Somebody who keeps reading one page; `seen` holds each answer unlike the last."""

    endpoint: str
    path: str
    seen: list[Seen] = field(default_factory=list)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read during the block, and once before and after it."""
        ended = threading.Event()
        self._look()
        thread = threading.Thread(target=self._read, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        self._look()

    def _read(self, ended: threading.Event) -> None:
        while not ended.wait(_POLL_SECONDS):
            self._look()

    def _look(self) -> None:
        seen = ask(self.endpoint, self.path)
        last = self.seen[-1] if self.seen else None
        if last is None or (seen.status, seen.body) != (last.status, last.body):
            self.seen.append(seen)


@dataclass(frozen=True, slots=True)
class Visits:
    """Requests of readers, how many the cache answered, and how many an emptied one would have."""

    requests: int
    hits: int
    after_everything: int


def visit(endpoint: str, site: Mapping[str, bytes | None], requests: int, seed: int) -> Visits:
    """Let readers visit a swept site, and then every page that they left out.

    Args:
        endpoint: the edge.
        site: path -> the bytes that a reader must get, None for an error; the earlier ones are read
            more often, as Zipf's law has it.
        requests: how many requests are counted.
        seed: which pages they ask for.

    Raises:
        LocalError: a reader got other bytes.
    """
    weights = list(accumulate(1 / rank for rank in range(1, len(site) + 1)))
    asked = random.Random(seed).choices(list(site), cum_weights=weights, k=requests)
    seen = [_checked(endpoint, path, site[path]) for path in asked]
    for path in site.keys() - set(asked):
        _checked(endpoint, path, site[path])
    kept = [path for path in asked if site[path] is not None]
    return Visits(requests, sum(one.cached for one in seen), len(kept) - len(set(kept)))


def await_taken(taken: Collection[str], invalidations: Collection[str], seconds: float) -> None:
    """Wait until the edge has applied some invalidations.

    Raises:
        LocalError: it did not within these seconds.
    """
    deadline = time.monotonic() + seconds
    while not set(invalidations) <= set(taken):
        if time.monotonic() > deadline:
            msg = f"After {seconds:.0f} s the edge has not taken {', '.join(invalidations)}"
            raise LocalError(msg)
        time.sleep(_POLL_SECONDS)


def _checked(endpoint: str, path: str, body: bytes | None) -> Seen:
    seen = ask(endpoint, path)
    if not seen.shows(body):
        msg = f"A reader got old bytes of {path} after the sweep: {seen}"
        raise LocalError(msg)
    return seen


def _seen(status: int, body: bytes, cache: str) -> Seen:
    return Seen(status, body, cache == _HIT, datetime.now(UTC))
