"""What every keeper of the demand promises, held against the fake and against DynamoDB."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from moto import mock_aws

from edgesweep.aws.dynamodb import FlushTable
from edgesweep.flush.journal import Journal
from edgesweep.flush.pace import LADDER, NOTHING_SEEN
from tests.aws import create_table
from tests.fakes.journal import JournalInMemory

NOON = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
SEEN = NOTHING_SEEN.after(range(len(LADDER), 0, -1), NOON)


class Contract:
    """The promises; a subclass says who makes them."""

    @pytest.fixture
    def keeper(self) -> Journal:
        """Return a keeper that has kept nothing."""
        raise AssertionError

    def test_nothing(self, keeper: Journal) -> None:
        """Nothing was seen in the beginning, and that may be kept."""
        keeper.remember(NOTHING_SEEN)

        assert keeper.demand() == NOTHING_SEEN

    def test_last(self, keeper: Journal) -> None:
        """What was kept last comes back as it was."""
        keeper.remember(SEEN)
        keeper.remember(later := SEEN.after((3,) * len(LADDER), NOON.replace(day=25)))

        assert keeper.demand() == later


class TestFake(Contract):
    """The fake keeps the promises, so that tests may believe it."""

    @pytest.fixture
    def keeper(self) -> Journal:
        """Return the fake."""
        return JournalInMemory()


class TestDynamoDB(Contract):
    """The real table keeps them."""

    @pytest.fixture
    def keeper(self) -> Iterator[Journal]:
        """Return a table in memory."""
        with mock_aws():
            create_table("flushes")
            yield FlushTable("flushes")

    def test_other_ladder(self, keeper: Journal) -> None:
        """Demand that was counted at other prices is forgotten."""
        keeper.remember(replace(SEEN, paths=(3.0, 2.0, 1.0)))

        assert keeper.demand() == NOTHING_SEEN
