"""What every command shares: one-line errors, options, and how input is read."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO, NoReturn

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.errors import BadInput, EdgesweepError

# "The name for a key is a sequence of Unicode characters whose UTF-8 encoding is up to 1,024 bytes
# long." https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
MAX_KEY_BYTES = 1_024

# What a shell reports of a command that a signal ended: 128 and the signal's number.
_INTERRUPTED = 130
_BROKEN_PIPE = 141


class OneLineErrors(click.Group):
    """A group whose commands fail with one line, never with a stack trace."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ANN401  # as click declares it
        """Run a command and exit."""
        try:
            kwargs["standalone_mode"] = False
            code = super().main(*args, **kwargs)
            sys.stdout.flush()
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
        except click.ClickException as error:
            code = _say(error.format_message(), error.exit_code)
        except EdgesweepError as error:
            code = _say(str(error), error.exit_code)
        except (ClientError, BotoCoreError) as error:
            code = _say(str(error), EdgesweepError.exit_code)
        except click.Abort:
            code = _say("Interrupted", _INTERRUPTED)
        except BrokenPipeError:
            # The reader has gone; what is still buffered must not fail once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = _BROKEN_PIPE
        sys.exit(code)


class Dollars(click.ParamType[Decimal]):
    """A price or an amount, as a decimal."""

    name = "usd"

    def convert(
        self, value: str | Decimal, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Return the decimal that `value` says."""
        try:
            dollars = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is not a number of dollars", param, ctx)
        if not dollars.is_finite() or dollars < 0:
            self.fail(f"{value} is not a number of dollars of at least 0", param, ctx)
        return dollars


def aws_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which AWS account and region are meant."""
    for option in (
        click.option("--profile", help="AWS profile to use.", metavar="NAME"),
        click.option("--region", help="AWS region to use.", metavar="NAME"),
    ):
        command = option(command)
    return command


def session(region: str | None, profile: str | None) -> boto3.Session:
    """Return a session for the options of `aws_options`."""
    return boto3.Session(profile_name=profile, region_name=region)


def read_keys(file: BinaryIO, name: str) -> Sequence[str]:
    """Return the object keys of a file that holds one a line; empty lines are passed over.

    Raises:
        BadInput: a line is no object key; the text names the file and the line.
    """
    return list(_keys(file, name))


def _keys(file: BinaryIO, name: str) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        raw = line.rstrip(b"\r\n")
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


def _say(text: str, code: int) -> int:
    click.echo(f"edgesweep: {' '.join(text.split())}", err=True)
    return code
