"""The `edgesweep` command: parse, call, print; docs/cli.md says what goes where."""

import sys
from contextlib import suppress

from edgesweep import __version__

# For a command that lacks a package.
INSTALL = "install Edgesweep with all that it needs: pipx install ."


def main() -> None:
    """Run the command; the version alone needs none of the libraries that the others import."""
    if sys.argv[1:] == ["--version"]:
        with suppress(OSError):  # the group fails likewise, and reports it
            print(f"edgesweep, version {__version__}", flush=True)  # noqa: T201  # without click
            return
    try:
        from edgesweep.cli import commands  # noqa: PLC0415  # imports click
    except ModuleNotFoundError as error:
        sys.exit(f"edgesweep: {error}; {INSTALL}")
    commands.main()
