"""What every catalogue promises, held against the fake and against DynamoDB."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from edgesweep.aws.dynamodb import CatalogueTable
from edgesweep.record.catalogue import Catalogue, Entry
from tests.aws import create_catalogue
from tests.fakes.catalogue import CatalogueInMemory
from tests.keys import HARD_KEYS

PAGE = ("site", "index.html")
OTHER = ("site", "other.html")
SEEN = Entry("b1946ac9", "f00d")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Contract:
    """The promises; a subclass says who makes them."""

    @pytest.fixture
    def catalogue(self) -> Catalogue:
        """Return an empty catalogue."""
        raise AssertionError

    def test_empty(self, catalogue: Catalogue) -> None:
        """Nothing is known in the beginning."""
        assert catalogue.known([PAGE]) == {}

    def test_nothing_to_do(self, catalogue: Catalogue) -> None:
        """Asking about no object is not an error."""
        assert catalogue.known([]) == {}
        assert catalogue.forget([], "t1") == {}
        assert catalogue.learn({}, "t1") == {}

    @pytest.mark.parametrize(
        "entry", [SEEN, Entry("", ""), Entry("a-2", "f00d", NOON, "v1", NOON, "c3Vt")]
    )
    def test_learn(self, catalogue: Catalogue, entry: Entry) -> None:
        """What was forgotten under a token is learnt under the same token, just as it was set."""
        assert catalogue.forget([PAGE], "t1") == {}
        assert catalogue.known([PAGE]) == {}

        assert catalogue.learn({PAGE: entry}, "t1") == {}

        assert catalogue.known([PAGE]) == {PAGE: entry}

    def test_token_gone(self, catalogue: Catalogue) -> None:
        """Of two tokens the later one counts, and holding the other is not an error."""
        catalogue.forget([PAGE], "t1")
        catalogue.forget([PAGE], "t2")

        assert catalogue.learn({PAGE: SEEN}, "t1") == {}
        assert catalogue.known([PAGE]) == {}

        catalogue.learn({PAGE: SEEN}, "t2")
        assert catalogue.known([PAGE]) == {PAGE: SEEN}

    def test_token_used(self, catalogue: Catalogue) -> None:
        """A token is good for one entry."""
        catalogue.forget([PAGE], "t1")
        catalogue.learn({PAGE: SEEN}, "t1")

        catalogue.learn({PAGE: Entry("other", "other")}, "t1")

        assert catalogue.known([PAGE]) == {PAGE: SEEN}

    def test_forget(self, catalogue: Catalogue) -> None:
        """What is known is forgotten; nothing of it shines through."""
        catalogue.forget([PAGE], "t1")
        catalogue.learn({PAGE: SEEN}, "t1")

        catalogue.forget([PAGE], "t2")

        assert catalogue.known([PAGE]) == {}

    def test_never_forgotten(self, catalogue: Catalogue) -> None:
        """An object that was not forgotten first is not learnt."""
        catalogue.learn({PAGE: SEEN}, "t1")

        assert catalogue.known([PAGE]) == {}

    def test_hard_keys(self, catalogue: Catalogue) -> None:
        """Objects are kept apart by their buckets and by every character of their keys."""
        names = [(bucket, key) for bucket in ("site", "site.b") for key in (*HARD_KEYS, "/a", "a/")]
        entries = {name: Entry(str(number), "") for number, name in enumerate(names)}
        catalogue.forget(names, "t1")

        assert catalogue.learn(entries, "t1") == {}

        assert catalogue.known(names) == entries

    def test_many(self, catalogue: Catalogue) -> None:
        """More objects than one batch holds are all served."""
        names = [("site", str(number)) for number in range(230)]
        catalogue.forget(names, "t1")
        catalogue.learn(dict.fromkeys(names, SEEN), "t1")

        catalogue.forget(names[:60], "t2")

        assert catalogue.known(names) == dict.fromkeys(names[60:], SEEN)


class TestFake(Contract):
    """The fake keeps the promises, so that tests may believe it."""

    @pytest.fixture
    def catalogue(self) -> Catalogue:
        """Return the fake."""
        return CatalogueInMemory()


class TestDynamoDB(Contract):
    """The real table keeps them."""

    @pytest.fixture
    def catalogue(self) -> Iterator[Catalogue]:
        """Return a table in memory."""
        with mock_aws():
            create_catalogue("catalogue")
            yield CatalogueTable("catalogue", boto3.Session())

    def test_forgotten_stands(self, catalogue: Catalogue) -> None:
        """An object that was forgotten has an item, one that was never seen has none."""
        catalogue.forget([PAGE], "t1")
        catalogue.learn({PAGE: SEEN}, "t1")

        catalogue.forget([PAGE], "t2")

        assert [item["pk"]["S"] for item in items()] == ["site/index.html"]

    def test_released(self, catalogue: Catalogue) -> None:
        """Items of release 0.1.0 are understood, those that are known and those that are not."""
        known = {"etag": {"S": "b1946ac9"}, "headers": {"S": "f00d"}}
        surveyed = {**known, "since": {"S": "2026-11-23T12:00:00.000000Z"}}
        for key, held in (("a", known), ("b", surveyed), ("c", {"token": {"S": "t1"}})):
            item = {"pk": {"S": f"site/{key}"}, **held}
            boto3.client("dynamodb").put_item(TableName="catalogue", Item=item)

        entries = catalogue.known([("site", key) for key in "abcd"])

        assert entries == {
            ("site", "a"): SEEN,
            ("site", "b"): Entry("b1946ac9", "f00d", since=NOON),
        }


def items() -> list[dict[str, Any]]:
    """Return the items of the table."""
    return boto3.client("dynamodb").scan(TableName="catalogue")["Items"]
