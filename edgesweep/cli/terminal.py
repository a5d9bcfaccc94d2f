"""Shared by all commands: one-line errors, messages and options."""

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from decimal import Decimal, InvalidOperation
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NoReturn, TypedDict

import click

from edgesweep.errors import BadInput, EdgesweepError, TimedOut

MAX_DOLLARS = 1_000_000
MAX_DECIMALS = 18

COMPLETE = "_EDGESWEEP_COMPLETE"  # the variable of a shell that requests completions

# Whether `--json` was given, to a command line that can be parsed or not.
_JSON: ContextVar[bool] = ContextVar("json", default=False)

# A shell reports 128 plus the signal's number for a command that a signal ended.
INTERRUPTED = 130
BROKEN_PIPE = 141


class Message(TypedDict):
    """A line on standard error."""

    message: str


class Failure(TypedDict):
    """The last line on standard error of a command that failed."""

    error: str
    exit_code: Annotated[int, "as in the table"]


EXIT_CODES: Mapping[int, str] = {
    0: "done",
    EdgesweepError.exit_code: "failed, or `doctor` found faults",
    BadInput.exit_code: "bad use: an option, an argument or a file is wrong",
    TimedOut.exit_code: "`wait` took longer than its `--timeout`",
    INTERRUPTED: "interrupted",
    BROKEN_PIPE: "the reader of the output has gone",
}


class OneLineErrors(click.Group):
    """A group whose commands fail with one line, never with a stack trace."""

    def main(  # type: ignore[override]  # of click's arguments these are given
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **_: object
    ) -> NoReturn:
        """Run a command, or complete one for a shell; exit."""
        if isinstance(sys.stdout, TextIOWrapper):
            # A name that the terminal cannot show is escaped, as it is on standard error.
            sys.stdout.reconfigure(errors="backslashreplace")
        given = sys.argv[1:] if args is None else list(args)
        token, code, name = _JSON.set("--json" in given), 0, prog_name or "edgesweep"
        try:
            self._main_shell_completion({}, name, COMPLETE)
            _check_none_empty(given)
            with self.make_context(name, given) as context:
                self.invoke(context)
        except click.exceptions.Exit as ended:
            code = ended.exit_code
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # ours are raised again
            text, code = _failure(error)
            _print(text, Failure(error=_line(text), exit_code=code))
        finally:
            _JSON.reset(token)
        sys.exit(code)


def _check_none_empty(given: Sequence[str]) -> None:
    for before, one in pairwise(["edgesweep", *given]):
        # Such as a shell's unset variable, which would stand for a default.
        if not one or re.fullmatch("--[^=]*=", one):
            raise click.UsageError(f"The value after {one or before} is empty")


def _failure(error: BaseException) -> tuple[str, int]:
    """Return the line and the exit code of a failure; a mistake of our own is raised again."""
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    if isinstance(error, EdgesweepError):
        return str(error), error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "Interrupted", INTERRUPTED
    if isinstance(error, OSError):
        # Discard unwritten output, so that it does not fail again at exit.
        with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return ("", BROKEN_PIPE) if isinstance(error, BrokenPipeError) else (str(error), 1)
    from edgesweep.operate.failures import failure  # noqa: PLC0415  # imports AWS's libraries

    text = failure(error)
    if text is None:
        raise error
    return text, EdgesweepError.exit_code


def usd(text: str | Decimal, other: str = "") -> Decimal:
    """Return an amount in dollars, as the type of an option; an error says `other` too."""
    with suppress(InvalidOperation):
        dollars = Decimal(text)
        within = dollars.is_finite() and 0 <= dollars <= MAX_DOLLARS
        if within and round(dollars, MAX_DECIMALS) == dollars:
            return dollars
    bound = f"from 0 to {MAX_DOLLARS:,} with at most {MAX_DECIMALS} decimals"
    raise click.BadParameter(f"{str(text)!r} is not {other}a number of dollars {bound}")


def machine() -> bool:
    """Tell whether a program reads what the command prints."""
    return _JSON.get()


def say(*texts: str) -> None:
    """Print each message that is not empty on a line of standard error."""
    for text in texts:
        _print(text, Message(message=_line(text)))


def suggest(text: str) -> None:
    """Tell a person the result and the next step."""
    if not machine():
        say(text)


def _print(text: str, as_json: Message | Failure) -> None:
    if text:
        line = json.dumps(as_json) if machine() else f"edgesweep: {printable(_line(text))}"
        click.echo(line, err=True)


def _line(text: str) -> str:
    return " ".join(text.split())


def printable(line: str) -> str:
    """Escape invisible characters: those of a key may move the cursor or end a line."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line)


def check_terminal() -> None:
    """Raise UsageError if there is no terminal to ask at."""
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask at: give --yes")


def agree(question: str, *, yes: bool) -> None:
    """Ask a person to agree, unless `yes`; EdgesweepError if not, UsageError without a terminal."""
    if not yes:
        check_terminal()
        if not click.confirm(question, err=True):
            raise EdgesweepError("Nothing was done")


def bucket_name(_: click.Context, param: click.Parameter, name: str | None) -> str | None:
    """Return a name that a bucket can have, as the callback of a parameter does."""
    if name is not None:
        from edgesweep.settings import PARAMETERS  # noqa: PLC0415  # takes long

        if not PARAMETERS["bucket"].fits(name):
            raise click.BadParameter(f"{name!r} is not {PARAMETERS['bucket'].bound}", param=param)
    return name


def aws_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose the AWS account and region."""
    where = click.option("--region", help="AWS region to use.", metavar="NAME", envvar="AWS_REGION")
    return where(click.option("--profile", help="AWS profile to use.", metavar="NAME")(command))
