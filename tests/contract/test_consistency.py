"""Every read of a table is strongly consistent: what was written before is seen."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from moto import mock_aws

from edgesweep.aws.dynamodb import CatalogueTable, DirtyTable, FlushTable, RoutesTable
from edgesweep.errors import Overtaken
from tests.aws import create_catalogue, create_table, listening

READS: Mapping[str, Callable[[], object]] = {
    "span": lambda: DirtyTable("dirty", lambda: 2).span("E1"),
    "rows": lambda: list(DirtyTable("dirty", lambda: 2).read("E1")),
    "count": lambda: DirtyTable("dirty", lambda: 2).count("E1"),
    "lease": lambda: FlushTable("flushes").lease("E1"),
    "flush": lambda: FlushTable("flushes").load("E1", "2026-11-23T12:00:00.000000Z#f1"),
    "ledger": lambda: FlushTable("flushes").ledger("2026-11").paths,
    "demand": lambda: FlushTable("flushes").demand(),
    "distributions": lambda: RoutesTable("flushes").load(),
    "catalogue": lambda: CatalogueTable("catalogue").known([("site", "index.html")]),
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
            READS[name]()

    assert heard
    assert all(consistent for _, consistent in heard)
