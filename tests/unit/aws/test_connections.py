"""The tables start quickly: they share clients, and what botocore reads of its models."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.loaders import JSONFileLoader, create_loader
from botocore.session import Session
from moto import mock_aws

from edgesweep.aws.dynamodb import CatalogueTable, DirtyTable, FlushTable, RoutesTable
from edgesweep.flush.others import Looks
from tests.aws import create_catalogue, create_table, listening

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _tables() -> Iterator[None]:
    with mock_aws():
        create_table("flushes")
        create_table("dirty")
        create_catalogue("catalogue")
        yield


def test_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """All items of a table, and its transactions, are reached through one client."""
    made = list[str]()
    create = Session.create_client

    def noted(session: Session, service: str, *arguments: Any, **options: Any) -> object:  # noqa: ANN401  # as botocore
        made.append(service)
        return create(session, service, *arguments, **options)

    monkeypatch.setattr(Session, "create_client", noted)
    table = FlushTable("flushes", boto3.Session())
    table.take("E1", "token", NOON)
    table.ledger("2026-11")
    table.demand()
    table.shards(1)
    table.audit(Looks(), {}, {})

    assert table.looks().revision == 1
    assert made == ["dynamodb"]


def test_account() -> None:
    """A table is read in the account and the region of the session."""
    signed = list[str]()

    def noted(request: AWSPreparedRequest, **_: object) -> None:
        signed.append(str(request.headers["Authorization"]))

    with listening("before-send.dynamodb.GetItem", noted):
        session = boto3.Session("ours", "secret", region_name="eu-west-1")
        create_table("flushes", session.client("dynamodb"))
        FlushTable("flushes", session).ledger("2026-11")

    (credential,) = re.findall(r"Credential=(\w+)/\d+/([\w-]+)/dynamodb", "".join(signed))
    assert credential == ("ours", "eu-west-1")


def test_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tables and services a session reaches, it reads each file of botocore once."""
    read = Counter[str]()
    load = JSONFileLoader.load_file

    def noted(self: JSONFileLoader, path: str) -> object:
        found = load(self, path)
        read[path] += found is not None
        return found

    monkeypatch.setattr(JSONFileLoader, "load_file", noted)
    monkeypatch.setattr(botocore.session, "create_loader", create_loader)
    session = boto3.Session()
    session.client("cloudfront")
    FlushTable("flushes", session).ledger("2026-11")
    RoutesTable("flushes", session).load()
    DirtyTable("dirty", session).span("E1")
    CatalogueTable("catalogue", session).known([("site", "a.html")])

    assert any("dynamodb" in path for path in read)
    assert {path for path, times in read.items() if times > 1} == set()
