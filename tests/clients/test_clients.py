"""Real clients of S3 sync a site, and nothing that viewers get otherwise is missed.

`make clients` drives all of them.
"""

import pytest

from infra.local.aws import EmbeddedAws
from tests.clients.clients import FEW
from tests.clients.table import HEADED, table


@pytest.mark.parametrize("name", FEW)
def test_client(aws: EmbeddedAws, name: str) -> None:
    """Each change gets its path, and files sent again, or only touched, get none."""
    results = table(aws, name)

    assert {step: one.missed for step, one in results.items() if one.missed} == {}
    assert {step: one.needless for step, one in results.items() if one.needless} == {}
    assert [len(results[step].paths) for step in ("same again", "touched times")] == [0, 0]
    assert results["three edits"].paths == {f"docs/{number}.html" for number in range(3)}
    assert results["one header"].paths == {HEADED}
