"""One Node process for all stories."""

from collections.abc import Iterator

import pytest

from infra.local.edge.functions import Node
from tests.viewers.world import Remembering


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """Run CloudFront Functions."""
    with Remembering() as node:
        yield node
