"""Safeties around the flusher: discovery, the recorder, queues and composition."""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from edgesweep import wiring
from edgesweep.aws import cloudfront
from edgesweep.aws.sqs import DeadLetterQueue
from edgesweep.dirty import DirtyRow, chunks
from edgesweep.flush import discovery, gaps, sweeping
from edgesweep.flush.discovery import Discovery
from edgesweep.flush.redrive import Letter
from edgesweep.flush.sweeping import Sweeper
from edgesweep.record.recorder import Recorded, Recorder
from edgesweep.record.unchanged import Checked, UnchangedFilter
from edgesweep.routes import Distribution
from edgesweep.routes.kept import Kept, Tracked
from tests.faults.process import here
from tests.faults.tables import RoutesClient


def reconfiguration_ignored() -> AbstractContextManager[object]:
    """A distribution that is configured otherwise keeps what its edges hold."""
    return mock.patch.object(discovery, "sweep", lambda *_: [])


def swept_before_deployed() -> AbstractContextManager[object]:
    """It forgets everything while edges still work by the configuration before."""
    settled = Discovery._settled

    def hasty(
        self: Discovery, seen: Sequence[Tracked], _deployed: Collection[str], now: datetime
    ) -> Sequence[Tracked]:
        return settled(self, seen, {one.newest.id for one in seen}, now)

    return mock.patch.object(Discovery, "_settled", hasty)


def earlier_configuration_forgotten() -> AbstractContextManager[object]:
    """Changes go by the newest configuration alone, before edges work by it."""
    told = Tracked.found

    def newest(self: Tracked, found: Distribution, now: datetime) -> Tracked:
        return replace(told(self, found, now), earlier=())

    return mock.patch.object(Tracked, "found", newest)


def routes_remembered() -> AbstractContextManager[object]:
    """A recorder that stays warm works by the distributions that it has read first."""
    load = RoutesClient.load

    def once(self: RoutesClient) -> Kept | None:
        if not here().name.startswith("record"):
            return load(self)
        memory = here().environment.memory
        if "kept" not in memory:
            memory["kept"] = load(self)
        kept: Kept | None = memory["kept"]
        return kept

    return mock.patch.object(RoutesClient, "load", once)


def unserved_remembered() -> AbstractContextManager[object]:
    """A change that gets no row, since nobody serves its object, leaves what is known of it."""
    check = UnchangedFilter.check

    def forgetful(self: UnchangedFilter, changes: Any, passed_over: Any = ()) -> Checked:
        del passed_over
        return check(self, changes)

    return mock.patch.object(UnchangedFilter, "check", forgetful)


def everything_acknowledged() -> AbstractContextManager[object]:
    """A message is acknowledged though not every row of it was written."""
    record = Recorder.record

    def content(self: Recorder, messages: Any, now: datetime) -> Recorded:
        return replace(record(self, messages, now), failed={})

    return mock.patch.object(Recorder, "record", content)


def removed_unsent() -> AbstractContextManager[object]:
    """A dead letter is removed although its sending failed."""
    sent = DeadLetterQueue._sent

    def all_of(self: DeadLetterQueue, letters: Sequence[Letter]) -> Sequence[Letter]:
        list(sent(self, letters))
        return letters

    return mock.patch.object(DeadLetterQueue, "_sent", all_of)


def hidden_from_nobody() -> AbstractContextManager[object]:
    """Dead letters that are not due are in front again at once."""
    hide = DeadLetterQueue.hide

    def shown(self: DeadLetterQueue, waits: Mapping[Letter, timedelta]) -> None:
        hide(self, dict.fromkeys(waits, timedelta()))

    return mock.patch.object(DeadLetterQueue, "hide", shown)


def dropped_forgotten() -> AbstractContextManager[object]:
    """A bucket that was not swept for a while counts as one that published its events."""
    real = gaps.looked

    def ours(kept: Kept, buckets: Collection[str], unwired: Collection[str], now: datetime) -> Kept:
        return real(kept, buckets, [one for one in unwired if one in buckets], now)

    return mock.patch.object(gaps, "looked", ours)


def gap_not_swept() -> AbstractContextManager[object]:
    """Where events were missed, edges keep what they hold."""
    return mock.patch.object(gaps, "sweep", lambda *_: [])


def one_shard_read() -> AbstractContextManager[object]:
    """Flushers read the first partition of a distribution."""
    return mock.patch.object(wiring, "recent", lambda *_: lambda: 1)


def shards_remembered() -> AbstractContextManager[object]:
    """A flusher that stays warm reads as many partitions as there were when it began."""

    def first(ask: Callable[[], int], _clock: object) -> Callable[[], int]:
        shards = ask()
        return lambda: shards

    return mock.patch.object(wiring, "recent", first)


@contextmanager
def endless_sweep() -> Iterator[None]:
    """A flush looks at every older row in one tick, and from the start if it is cut off."""

    def whole(_self: Sweeper, rows: Iterator[DirtyRow], _held: object) -> object:
        return chunks(rows)

    with (
        mock.patch.object(Sweeper, "_portion", whole),
        mock.patch.object(sweeping, "NOTED_EVERY", sys.maxsize),
    ):
        yield


def asked_again_unheard() -> AbstractContextManager[object]:
    """The client that asks for invalidations asks again for itself when it was not answered."""
    return mock.patch.object(cloudfront, "CLIENT_CONFIG", cloudfront.READING_CONFIG)


def never_routed() -> AbstractContextManager[object]:
    """Rows that waited for a distribution still wait."""
    return mock.patch.object(Discovery, "route", lambda *_: 0)
