"""An embedded AWS for the contracts, and a way to reach it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest

from edgesweep.aws.dynamodb import FlushTable
from infra.local.aws import EmbeddedAws, embedded_aws
from tests.aws import create_table


@pytest.fixture(scope="session", name="embedded")
def _embedded() -> Iterator[EmbeddedAws]:
    lane = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with embedded_aws(enforce_iam=False, name=f"contract-{lane}") as aws:
        yield aws


@pytest.fixture(scope="session", name="flushes")
def _flushes() -> FlushTable:
    return FlushTable("flushes", boto3.Session())


@contextmanager
def reaching(aws: EmbeddedAws) -> Iterator[None]:
    """Lead every client that is made meanwhile into the embedded AWS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        yield


@contextmanager
def new_table(aws: EmbeddedAws, name: str) -> Iterator[None]:
    """Have an empty table for a while."""
    client = aws.client("dynamodb")
    create_table(name, client)
    yield
    client.delete_table(TableName=name)
