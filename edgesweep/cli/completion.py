"""`edgesweep completion`: lets a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

from edgesweep.cli.terminal import COMPLETE


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that lets SHELL complete commands and options.

    \b
    echo 'eval "$(edgesweep completion bash)"' >> ~/.bashrc
    echo 'eval "$(edgesweep completion zsh)"' >> ~/.zshrc
    edgesweep completion fish > ~/.config/fish/completions/edgesweep.fish
    """  # noqa: D301  # \b tells click to keep the lines
    script = get_completion_class(shell)
    assert script is not None  # noqa: S101  # click knows each of the choices
    click.echo(script(context.find_root().command, {}, "edgesweep", COMPLETE).source())
