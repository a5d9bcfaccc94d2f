"""What tests that run against an AWS in memory share: tables, and what was asked of AWS."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.handlers


def create_table(name: str) -> None:
    """Create a table with the keys that every table of the deployment has."""
    boto3.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )


@contextmanager
def calls() -> Iterator[list[str]]:
    """Yield a list that grows by each call of each client made meanwhile, as `service.Operation`.

    Clients made before are not heard.
    """
    heard: list[str] = []

    def hear(model: Any, **_: object) -> None:  # noqa: ANN401  # botocore's OperationModel
        heard.append(f"{model.service_model.service_name}.{model.name}")

    listener = ("before-call", hear)
    botocore.handlers.BUILTIN_HANDLERS.append(listener)
    try:
        yield heard
    finally:
        botocore.handlers.BUILTIN_HANDLERS.remove(listener)
