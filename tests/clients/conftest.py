"""An embedded AWS for the clients."""

import os
from collections.abc import Iterator

import pytest

from infra.local.aws import EmbeddedAws, embedded_aws


@pytest.fixture(scope="session", name="aws")
def _aws() -> Iterator[EmbeddedAws]:
    lane = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with embedded_aws(enforce_iam=False, name=f"clients-{lane}") as aws:
        yield aws
