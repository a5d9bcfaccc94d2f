"""What every journal promises of the demand, held against memory and against DynamoDB."""

from dataclasses import replace
from datetime import UTC, datetime

from edgesweep.flush.journal import Journal
from edgesweep.flush.pace import LADDER, NOTHING_SEEN
from tests.contract.journals import DynamoDB, InMemory, OverAnother

NOON = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
SEEN = NOTHING_SEEN.after(range(len(LADDER), 0, -1), NOON)


class Contract:
    """The promises; a subclass says who makes them."""

    def test_nothing(self, journal: Journal) -> None:
        """Nothing was seen in the beginning, and that may be kept."""
        journal.remember(NOTHING_SEEN)

        assert journal.demand() == NOTHING_SEEN

    def test_last(self, journal: Journal) -> None:
        """What was kept last comes back as it was."""
        journal.remember(SEEN)
        journal.remember(later := SEEN.after((3,) * len(LADDER), NOON.replace(day=25), bought=7))

        assert journal.demand() == later


class TestInMemory(InMemory, Contract):
    """The journal in memory keeps the promises, so that tests may believe it."""


class TestOverAnother(OverAnother, Contract):
    """It keeps them over another journal."""


class TestDynamoDB(DynamoDB, Contract):
    """The real table keeps them."""

    def test_other_ladder(self, journal: Journal) -> None:
        """Demand that was counted at other prices is forgotten."""
        journal.remember(replace(SEEN, paths=(3.0, 2.0, 1.0)))

        assert journal.demand() == NOTHING_SEEN
