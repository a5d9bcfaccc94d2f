"""The list of commands; each is imported when it runs."""

from importlib import import_module
from typing import Any

import click
from click.shell_completion import get_completion_class

from edgesweep import __version__
from edgesweep.cli.terminal import COMPLETE, OneLineErrors

# Also for a command that is parsed alone: click keeps the options of its help.
_SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True}


class LazyCommand(click.Command):
    """A command that is imported when it runs: the function `name` of `edgesweep.cli.<module>`."""

    def __init__(self, name: str, short_help: str, module: str) -> None:
        super().__init__(name, short_help=short_help)
        self._module = f"edgesweep.cli.{module}"

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401  # as click
        """Parse the arguments as the command itself does, which the context then runs."""
        command: click.Command = getattr(import_module(self._module), str(self.name))
        return command.make_context(*args, **{**_SETTINGS, **kwargs})


@click.group(cls=OneLineErrors, context_settings=_SETTINGS)
@click.version_option(__version__)
def main() -> None:
    """Keep a CloudFront edge fresh when S3 objects change."""


for command in (
    LazyCommand("deploy", "Deploy the release that this installation carries.", "deploy"),
    LazyCommand("remove", "Remove a stack that `deploy` made.", "deploy"),
    LazyCommand("plan", "Print the cheapest paths for changed keys.", "plan"),
    LazyCommand("replay", "Compare strategies over publish histories.", "replay"),
    LazyCommand("attach", "Turn on EventBridge delivery of a bucket.", "bucket"),
    LazyCommand("detach", "Turn off EventBridge delivery of a bucket.", "bucket"),
    LazyCommand("learn", "Learn what a bucket holds.", "bucket"),
    LazyCommand("status", "Show what waits, and what is left of the budget.", "status"),
    LazyCommand("bill", "Show who spends the account's invalidation paths.", "bill"),
    LazyCommand("flushes", "List what was sent, or show one flush in full.", "flushes"),
    LazyCommand("flush", "Flush now, or show what would be sent.", "flush"),
    LazyCommand("wait", "Wait until the edge is fresh.", "wait"),
    LazyCommand("invalidate", "Invalidate paths, whether or not anything changed.", "invalidate"),
    LazyCommand("redrive", "Send dead letters back to the queue.", "redrive"),
    LazyCommand("doctor", "Say what is wrong with a stack, and what mends it.", "doctor"),
):
    main.add_command(command)


@main.command(short_help="Print a script that lets a shell complete commands.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that lets SHELL complete commands and options.

    \b
    echo 'eval "$(edgesweep completion bash)"' >> ~/.bashrc
    echo 'eval "$(edgesweep completion zsh)"' >> ~/.zshrc
    edgesweep completion fish > ~/.config/fish/completions/edgesweep.fish
    """
    script = get_completion_class(shell)
    assert script is not None  # noqa: S101  # click knows each of the choices
    click.echo(script(main, {}, "edgesweep", COMPLETE).source())
