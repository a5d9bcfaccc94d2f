"""The `edgesweep` command: parse, call, print.

Data goes to standard output, messages and progress to standard error. A mistake gets one line and
exit code 2, a failure one line and exit code 1.
"""

from importlib import import_module
from typing import Any

import click

from edgesweep.cli.terminal import OneLineErrors


class LazyCommand(click.Command):
    """A command whose module is imported when it runs; a list of commands needs no more than this.

    Args:
        name: the command's, and its function's.
        short_help: what it does, for a list.
        module: where it is defined, under `edgesweep.cli`.
    """

    def __init__(self, name: str, short_help: str, module: str) -> None:
        super().__init__(name, short_help=short_help)
        self._module = f"edgesweep.cli.{module}"

    def load(self) -> click.Command:
        """Return the command itself."""
        command: click.Command = getattr(import_module(self._module), str(self.name))
        return command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401  # as click
        """Parse the arguments as the command itself does, which the context then runs."""
        return self.load().make_context(*args, **kwargs)


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="edgesweep")
def main() -> None:
    """Keep a CloudFront edge fresh when S3 objects change."""


for command in (
    LazyCommand("plan", "Print the cheapest paths for changed keys.", "plan"),
    LazyCommand("replay", "Compare strategies over publish histories.", "replay"),
    LazyCommand("attach", "Turn on EventBridge delivery of a bucket.", "attach"),
    LazyCommand("detach", "Turn off EventBridge delivery of a bucket.", "attach"),
    LazyCommand("learn", "Learn what a bucket holds.", "learn"),
    LazyCommand("status", "Show what waits, and what is left of the budget.", "status"),
    LazyCommand("flushes", "List what was sent, or show one flush in full.", "flushes"),
    LazyCommand("flush", "Flush now, or show what would be sent.", "flush"),
    LazyCommand("redrive", "Send dead letters back to the queue.", "redrive"),
    LazyCommand("doctor", "Say what is wrong with a stack, and what mends it.", "doctor"),
    LazyCommand("completion", "Print a script that lets a shell complete commands.", "completion"),
):
    main.add_command(command)
