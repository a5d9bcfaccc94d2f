"""The `edgesweep` command: parse, call, print; docs/cli.md says what goes where."""

import sys

# For a command that lacks a package.
INSTALL = "install Edgesweep with all that it needs: pipx install ."


def main() -> None:
    """Run the command, or say in one line which package is missing."""
    try:
        from edgesweep.cli import commands  # noqa: PLC0415  # imports click
    except ModuleNotFoundError as error:
        sys.exit(f"edgesweep: {error}; {INSTALL}")
    commands.main()
