"""What a person invalidates elsewhere in the account is taken off what the stack may spend."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edgesweep.flush.budget import Budget, Ledger, month_bounds, month_of
from edgesweep.flush.others import Others
from infra.local.aws import EmbeddedAws, embedded_aws
from tests.e2e.conftest import EXISTING, RESTING, Stack, make_distribution
from tests.e2e.permissions.test_permissions import Functions

EDGESWEEP = Path(sys.executable).with_name("edgesweep")
THEIRS, FREE = 900, 1_000


@pytest.fixture(scope="module", name="functions")
def _functions() -> Iterator[Functions]:
    """Deploy a stack, which has not looked at anything yet."""
    with embedded_aws(speed=RESTING, name="e2e-bill") as aws:
        for name in (EXISTING, "elsewhere"):
            aws.client("s3").create_bucket(Bucket=name)
        distribution = make_distribution(aws, EXISTING)
        waits = {"quietSeconds": "0", "maxWaitSeconds": "1", "wake": "false"}
        outputs = aws.deploy("dev", bucket=EXISTING, **waits)
        yield Functions(Stack(aws, {**outputs, "Distribution": distribution}, EXISTING))


def bill(aws: EmbeddedAws, *arguments: str) -> Any:  # noqa: ANN401  # JSON
    """Return what `edgesweep bill` prints."""
    command = [str(EDGESWEEP), "bill", "--stage", "dev", "--json", *arguments]
    return json.loads(
        subprocess.run(command, env=aws.environment, check=True, capture_output=True).stdout
    )


def test_bill(functions: Functions) -> None:
    """The stack behaves as one with 100 left, and the bill shows both to the path."""
    stack, now = functions.stack, datetime.now(UTC)
    other = make_distribution(stack.aws, "elsewhere")
    paths = [f"/page/{number}" for number in range(THEIRS)]
    stack.cli("cloudfront", "create-invalidation", "--distribution-id", other, "--paths", *paths)
    assert functions.flush()
    for number in range(1_200):
        stack.s3.put_object(Bucket=EXISTING, Key=f"{number:04}/old.html", Body=b"")
    for number in range(0, 1_200, 12):
        assert functions.record(f"{number:04}/old.html")

    assert functions.flush()

    sent = [one for one in stack.watch.invalidations() if one]
    found = bill(stack.aws)
    ours = next(one for one in found["spenders"] if one["who"] == "this stack")
    theirs = {"who": "others", "distribution": other, "charged": THEIRS, "by": ""}
    assert sent
    assert found["spenders"] == [ours, theirs]
    assert ours["distribution"] == stack.outputs["Distribution"]
    assert found["charged"] == THEIRS + ours["charged"]
    assert (found["usd"], found["unread"], found["uncounted"]) == (0.0, False, {})
    left = Budget(free_paths=FREE).after(Ledger(THEIRS, Others({"": (0, THEIRS)})))
    can = FREE - THEIRS - left.reserve(now)
    assert 1 <= ours["charged"] <= max(1, can // 2)

    later = month_of(month_bounds(now)[1] + timedelta(days=1))
    assert (bill(stack.aws, "--month", later)["charged"], left.after(Ledger()).allowance) == (
        0,
        FREE,
    )


def test_denied(functions: Functions) -> None:
    """Without the permission to read invalidations all else continues, and the log says so."""
    stack, before = functions.stack, datetime.now(UTC)
    # Looks are an hour apart: as if nobody had looked before.
    stack.aws.client("dynamodb").delete_item(
        TableName=stack.outputs["FlushesTable"], Key={"pk": {"S": "looks"}, "sk": {"S": "looks"}}
    )
    stack.s3.put_object(Bucket=EXISTING, Key="denied.html", Body=b"")
    with functions.without("flush", "cloudfront:ListInvalidations"):
        functions.restart("flush")
        assert functions.record("denied.html")
        assert functions.flush()
    listed = stack.aws.client("cloudfront").list_distributions()["DistributionList"]["Items"]

    uncounted = bill(stack.aws)["uncounted"]

    assert functions.fresh("denied.html", before)
    assert uncounted.keys() == {one["Id"] for one in listed}
    assert all("AccessDenied" in reason for reason in uncounted.values())
