"""The `edgesweep` command: parse, call, print; docs/cli.md says what goes where."""

import sys

from edgesweep import __version__

# For a command that lacks a package.
INSTALL = "install Edgesweep with all that it needs: pipx install ."


def main() -> None:
    """Run the command; the version alone needs none of the libraries that the others import."""
    if sys.argv[1:] == ["--version"]:
        try:
            print(f"edgesweep, version {__version__}", flush=True)  # noqa: T201  # without click
        except OSError:
            pass  # The group fails likewise, and reports it.
        else:
            return
    try:
        from edgesweep.cli import commands  # noqa: PLC0415  # imports click
    except ModuleNotFoundError as error:
        sys.exit(f"edgesweep: {error}; {INSTALL}")
    commands.main()
