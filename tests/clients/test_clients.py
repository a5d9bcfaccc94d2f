"""Real clients of S3 sync a site, and nothing that viewers get otherwise is missed.

`make clients` drives all of them, and sweeps with a deployed stack.
"""

from collections.abc import Mapping

import pytest

from infra.local.aws import EmbeddedAws
from tests.clients.clients import CLIENTS, FEW, PARTS
from tests.clients.recorded import Recorded
from tests.clients.table import HEADED, Result, bucket_of, steps


@pytest.fixture(scope="module", name="found")
def _found(aws: EmbeddedAws) -> Mapping[str, Mapping[str, Result]]:
    return dict(steps(Recorded(aws, map(bucket_of, FEW)), FEW))


@pytest.mark.parametrize("name", FEW)
def test_client(found: Mapping[str, Mapping[str, Result]], name: str) -> None:
    """Each change gets its path; the same files get none, unless S3 cannot tell that they are."""
    results = {step: by_name[name] for step, by_name in found.items()}

    assert {step: one.missed for step, one in results.items() if one.missed} == {}
    assert {step for step, one in results.items() if one.needless} == {*CLIENTS[name].pays}
    assert [results[step].paths for step in ("same again", "touched times")] == [[], []]
    assert results["three edits"].paths == [f"/docs/{number}.html" for number in range(3)]
    assert results["one header"].paths == [f"/{HEADED}"]
    assert results[PARTS].events == 1
