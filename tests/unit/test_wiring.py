"""The composition root hands on the parameters of a deployment, and rereads those that change."""

from datetime import UTC, datetime
from typing import Any, cast
from unittest import mock

import boto3
import pytest
from moto import mock_aws

from edgesweep import wiring
from edgesweep.aws.dynamodb import FlushTable
from edgesweep.cover import Limits, Prices
from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.flush.discovery import REFRESH_EVERY
from edgesweep.flush.flusher import Flusher
from edgesweep.flush.policy import Policy, Quota
from edgesweep.operate.dry_run import JournalInMemory
from edgesweep.routes import Behaviour, Distribution, Origin, Routes
from edgesweep.settings import Settings
from tests.aws import create_table
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.listing import ListingInMemory
from tests.fakes.stack import ENVIRONMENT

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@mock_aws
def test_more_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flusher that is running reads the partitions that a recorder has begun to use since."""
    create_table("dirty")
    create_table("flushes")
    clock = mock.Mock(return_value=NOON)
    monkeypatch.setattr(wiring, "now", clock)
    dirty = wiring.Adapters.real(Settings.from_mapping(ENVIRONMENT), boto3.Session()).dirty
    assert dirty.span("E1") is None

    FlushTable("flushes", boto3.Session()).shards(3)
    dirty.add([DirtyRow("E1", Change("site", "a", Kind.CREATED, NOON), NOON, "00", shard=2)])
    clock.return_value += REFRESH_EVERY

    assert dirty.span("E1") == (NOON, NOON)


SITE = Distribution("E1", (Behaviour(origins=(Origin("site"),)),))


def wired(policy: Policy, listing: ListingInMemory) -> Flusher:
    """Return a flusher that reaches nothing but a bucket."""
    nothing = cast("Any", None)
    adapters = wiring.Adapters(
        DirtyRowsInMemory(), JournalInMemory(), nothing, nothing, nothing, listing
    )
    return wiring.flusher(adapters, Routes([SITE]), policy, print)


def test_headroom() -> None:
    """The wildcards that are left to people bind the sender as well as the policy."""
    policy = Policy(quota=Quota(3_000, 1))

    assert wired(policy, ListingInMemory({})).sender.quota == policy.quota


def test_survey() -> None:
    """The lease is kept before each page of a listing."""
    listing = ListingInMemory({"site": [f"{n}.html" for n in range(10)]}, page_size=2)
    kept: list[int] = []
    flusher = wired(Policy(), listing)

    flusher.survey(
        "E1",
        ["/0.html", "/9.html"],
        Prices(),
        Limits(1, 1),
        lambda: kept.append(len(listing.asked)),
    )

    assert kept == list(range(5))


@mock_aws
def test_shards_first() -> None:
    """Readers know every shard before a recorder writes to it."""
    create_table("dirty")
    create_table("flushes")

    wiring.recorder(Settings.from_mapping({**ENVIRONMENT, "SHARDS": "3"}), boto3.Session())

    assert FlushTable("flushes", boto3.Session()).shards(1) == 3


def test_now() -> None:
    """The time of this machine is in UTC, whatever its time zone."""
    assert wiring.now().tzinfo is UTC
