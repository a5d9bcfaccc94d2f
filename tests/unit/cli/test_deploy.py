"""Which parameters `edgesweep deploy` refuses before it asks AWS."""

import pytest
from click.testing import CliRunner

from edgesweep.cli.commands import main


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("--param", "bucket=a", "--param", "bucket=b"), "bucket"),
        (("--bucket", "a", "--param", "bucket=b"), "bucket"),
        (("--bucket", "a", "--bucket", "b"), "bucket"),
        (("--param", "budgetUsd"), "budgetUsd"),
        (("--param", "budgetUsd="), "budgetUsd"),
    ],
)
def test_parameters(arguments: tuple[str, ...], name: str) -> None:
    """A parameter has a value, and only one: none is silently dropped."""
    result = CliRunner().invoke(main, ["deploy", "--dry-run", *arguments])

    told = f"edgesweep: Give the parameter {name} as NAME=VALUE, and only once\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", told)
