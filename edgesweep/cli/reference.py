"""The reference of the command, generated from its help: `python -m edgesweep.cli.reference`."""

from collections.abc import Iterator

import click

from edgesweep.cli import main

_WIDTH = 80

_TOP = """\
# The command line

<!-- Generated from the code by `make docs`; do not edit. -->

Data goes to standard output, messages and progress to standard error, and nothing is coloured.
`--json` prints the same for machines. A failure is one line; exit codes are 0 for done, 1 for a
failure, 2 for bad use, 130 for interrupted, and 141 if the reader of the output has gone.

Commands about a deployed stack find it by `--stage` (`edgesweep-STAGE`) or `--stack`, in the
account of `--profile` and the region of `--region`. These default to what `npx osls deploy` uses:
the environment, where `AWS_REGION` comes before `AWS_DEFAULT_REGION`, and then `us-east-1`.
Commands run with your own permissions, and name a missing one.
"""


def reference() -> str:
    """Return the reference as Markdown."""
    return "\n".join([_TOP, *_sections()])


def _sections() -> Iterator[str]:
    """Yield a section for the command, and for each of its subcommands."""
    settings = main.context_settings
    top = click.Context(main, info_name="edgesweep", terminal_width=_WIDTH, **settings)
    yield _section(top)
    for name, command in sorted(main.commands.items()):
        yield _section(
            command.make_context(name, [], top, resilient_parsing=True, terminal_width=_WIDTH)
        )


def _section(context: click.Context) -> str:
    return f"## {context.command_path}\n\n```\n{context.command.get_help(context)}\n```\n"


if __name__ == "__main__":
    click.echo(reference(), nl=False)
