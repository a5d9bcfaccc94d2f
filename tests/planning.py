"""The command `edgesweep plan`, as tests run it."""

import json
from typing import Any

from click.testing import CliRunner, Result

from edgesweep.cli.commands import main

BLOG = ["blog/1.html", "blog/2.html", "blog/3.html", "blog/4.html"]


def plan(*arguments: str, stdin: str | bytes = b"", env: dict[str, str] | None = None) -> Result:
    """Run the command."""
    result = CliRunner(env=env).invoke(main, ["plan", *arguments], input=stdin)
    assert isinstance(result.exception, SystemExit | None)
    return result


def planned(*arguments: str, stdin: str | bytes = b"") -> Any:  # noqa: ANN401  # parsed JSON
    """Return what the command prints as JSON."""
    result = plan(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0
    return json.loads(result.stdout)


def lines(*keys: str) -> bytes:
    """Return the content of a file of keys."""
    return "".join(f"{key}\n" for key in keys).encode()
