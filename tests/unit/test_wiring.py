"""What use cases are wired with, where it matters how long it is kept."""

from datetime import UTC, datetime
from unittest import mock

import boto3
import pytest
from moto import mock_aws

from edgesweep import wiring
from edgesweep.aws.dynamodb import FlushTable
from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.flush.discovery import REFRESHED
from edgesweep.settings import Settings
from tests.aws import create_table
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
    assert dirty.span("E1") == ()

    FlushTable("flushes").shards(3)
    dirty.add([DirtyRow("E1", Change("site", "a", Kind.CREATED, NOON), NOON, "00", shard=2)])
    clock.return_value += REFRESHED

    assert dirty.span("E1") == (NOON, NOON)
