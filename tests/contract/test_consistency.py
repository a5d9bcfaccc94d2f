"""Every read of a table is strongly consistent: what was written before is seen."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import boto3
import pytest
from moto import mock_aws

from edgesweep.aws.dynamodb import CatalogueTable, DirtyTable, FlushTable, RoutesTable
from edgesweep.errors import Overtaken
from tests.aws import create_catalogue, create_table, listening

NAME, FLUSH = ("site", "index.html"), "2026-11-23T12:00:00.000000Z#f1"
READS: Mapping[str, Callable[[boto3.Session], object]] = {
    "span": lambda session: DirtyTable("dirty", session, lambda: 2).span("E1"),
    "rows": lambda session: list(DirtyTable("dirty", session, lambda: 2).read("E1")),
    "count": lambda session: DirtyTable("dirty", session, lambda: 2).count("E1"),
    "lease": lambda session: FlushTable("flushes", session).lease("E1"),
    "flush": lambda session: FlushTable("flushes", session).load("E1", FLUSH),
    "ledger": lambda session: FlushTable("flushes", session).ledger("2026-11").paths,
    "demand": lambda session: FlushTable("flushes", session).demand(),
    "distributions": lambda session: RoutesTable("flushes", session).load(),
    "catalogue": lambda session: CatalogueTable("catalogue", session).known([NAME]),
}


@contextmanager
def reads() -> Iterator[list[tuple[str, bool]]]:
    """Yield a list that grows by each read made meanwhile, and whether it is consistent."""
    heard: list[tuple[str, bool]] = []

    def hear(model: Any, params: Mapping[str, Any], **_: object) -> None:  # noqa: ANN401  # botocore's OperationModel
        asked = json.loads(params["body"])
        tables = asked["RequestItems"].values() if model.name == "BatchGetItem" else [asked]
        if model.name in ("BatchGetItem", "GetItem", "Query", "Scan"):
            heard.append((model.name, all(one.get("ConsistentRead") for one in tables)))

    with listening("before-call.dynamodb", hear):
        yield heard


@pytest.mark.parametrize("name", READS)
def test_consistent(name: str) -> None:
    """A read asks DynamoDB for what was written last."""
    with mock_aws(), reads() as heard:
        for table in ("dirty", "flushes"):
            create_table(table)
        create_catalogue("catalogue")

        with suppress(Overtaken):
            READS[name](boto3.Session())

    assert heard
    assert all(consistent for _, consistent in heard)
