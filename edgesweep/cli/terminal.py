"""Shared by all commands: one-line errors, options, and the reading of input."""

import codecs
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal, InvalidOperation
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import click

from edgesweep.errors import BadInput, EdgesweepError

# "The name for a key is a sequence of Unicode characters whose UTF-8 encoding is up to 1,024 bytes
# long." https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MAX_KEY_BYTES = 1_024

# A longer line is no key, and is not read to its end.
_LONGEST_LINE = 2**20

STANDARD_INPUT = "<stdin>"

MAX_DOLLARS = 1_000_000
MAX_DECIMALS = 18


# A shell reports 128 and the signal's number of a command that a signal ended.
class _Interrupted(EdgesweepError):
    exit_code = 130


class _BrokenPipe(EdgesweepError):
    exit_code = 141


@contextmanager
def _ending() -> Iterator[None]:
    """Report the end of a command before click does, which prints an empty line or nothing."""
    try:
        yield
    except (KeyboardInterrupt, click.Abort) as error:
        raise _Interrupted("Interrupted") from error
    except OSError as error:
        _let_go()
        if isinstance(error, BrokenPipeError):
            raise _BrokenPipe from error
        raise EdgesweepError(str(error)) from error


def _let_go() -> None:
    """Discard unwritten output, so that it does not fail again at exit."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


class OneLineErrors(click.Group):
    """A group whose commands fail with one line, never with a stack trace."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401  # as click

        with _ending():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  # as click declares it

        with _ending():
            return super().invoke(ctx)

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ANN401  # as click declares it

        if isinstance(sys.stdout, TextIOWrapper):
            # A name that the terminal cannot show is escaped, as it is on standard error.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            kwargs["standalone_mode"] = False
            code = super().main(*args, **kwargs)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
        except Exception as error:
            text = _text(error)
            if text is None:
                raise
            say(text)
            code = getattr(error, "exit_code", EdgesweepError.exit_code)
        sys.exit(code)


def _text(error: Exception) -> str | None:
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, EdgesweepError):
        return str(error)
    from edgesweep.cli.failures import failure  # noqa: PLC0415  # imports AWS's libraries

    return failure(error)


class Dollars(click.ParamType[Decimal]):
    """A price or an amount, as a decimal."""

    name = "usd"

    def convert(
        self, value: str | Decimal, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:

        with suppress(InvalidOperation):
            dollars = Decimal(value)
            within = dollars.is_finite() and 0 <= dollars <= MAX_DOLLARS
            if within and round(dollars, MAX_DECIMALS) == dollars:
                return dollars
        msg = (
            f"{str(value)!r} is not a number of dollars from 0 to {MAX_DOLLARS:,} with at most "
            f"{MAX_DECIMALS} decimals"
        )
        raise click.BadParameter(msg, ctx, param)


def say(text: str) -> None:
    """Print a message in one line on standard error, unless it is empty."""
    if text:
        click.echo(f"edgesweep: {' '.join(text.split())}", err=True)


def agree(question: str, *, yes: bool) -> None:
    """Ask a person at the terminal to agree, unless `yes`.

    Raises:
        UsageError: there is no terminal.
        EdgesweepError: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask at: give --yes")
    if not click.confirm(question, err=True):
        raise EdgesweepError("Nothing was done")


def aws_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose the AWS account and region."""
    for option in (
        click.option("--profile", help="AWS profile to use.", metavar="NAME"),
        click.option("--region", help="AWS region to use.", metavar="NAME", envvar="AWS_REGION"),
    ):
        command = option(command)
    return command


def read_keys(file: BinaryIO) -> Sequence[str]:
    """Return the object keys of a file, one a line; skip empty lines.

    Raises:
        BadInput: a line is no object key; the text names the file and the line.
    """
    return list(_keys(file, name_of(file)))


def name_of(file: BinaryIO) -> str:
    """Return the path of a file, or a name for standard input."""
    return str(getattr(file, "name", STANDARD_INPUT))


def _keys(file: BinaryIO, name: str) -> Iterator[str]:
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
        raw = line.rstrip(b"\r\n")
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if len(raw) > MAX_KEY_BYTES:
            msg = f"{name}, line {number}: {len(raw):,} bytes; a key has at most {MAX_KEY_BYTES:,}"
            raise BadInput(msg)
        if b"\0" in raw:
            msg = f"{name}, line {number}: a NUL byte; a list of keys is text"
            raise BadInput(msg)
        try:
            key = raw.decode()
        except UnicodeDecodeError as error:
            msg = f"{name}, line {number}: not UTF-8 ({error.reason} at byte {error.start + 1})"
            raise BadInput(msg) from error
        if key:
            yield key
