"""Reads lists of object keys, as people, git and the AWS CLI write them."""

import codecs
import os
import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from edgesweep.cli.terminal import say
from edgesweep.dirty import MAX_KEY_BYTES, count
from edgesweep.errors import BadInput

# A longer line is not a key, and is not read to its end.
_LONGEST_LINE = 2**20

STANDARD_INPUT = "<stdin>"

# Git encloses a name "in double-quotes and escap[es] those characters with backslashes in the same
# way C escapes control characters", and only if there are any.
# https://git-scm.com/docs/git-config#Documentation/git-config.txt-corequotePath
_QUOTED = re.compile(rb'"(?:[^"\\]*\\([abtnvfr"\\]|[0-3][0-7]{2}))+[^"\\]*"')

# An object's URL, alone or in the output of `aws s3 sync`, cp, mv or rm. A progress message may
# come before it, its end hidden by spaces. https://docs.aws.amazon.com/cli/latest/reference/s3/sync.html
_URL = re.compile(
    rb"(.*\r)?(?:\(dryrun\) )?(?:(?:upload|copy|move): .* to |delete: )?"
    rb"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/(?P<key>.+?)(?(1) *)",
    re.DOTALL,
)
_ODD = re.compile(r"\.{0,2}/|.*s3://", re.DOTALL)
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_keys(file: BinaryIO, *, null: bool = False) -> Sequence[str]:
    """Return the object keys of a file, one a line, or with `null` each ended by a NUL byte.

    If all lines begin with `./` or `/`, the keys leave it out. A message says which lines may not
    be keys; BadInput names a line that cannot be a key.
    """
    name = name_of(file)
    keys = list(_keys(file, name, null=null))
    if null or not keys:
        return keys
    if all(key.startswith("./") for key in keys):
        return [key[2:] for key in keys]
    if all(key.startswith("/") for key in keys):
        say(f"{name}: all lines begin with /, so we read them as viewer paths; -0 reads keys")
        return [key[1:] for key in keys]
    if odd := [key for key in keys if _ODD.match(key)]:
        say(f"{name}: {count(len(odd), 'line')} read as a key without a change, such as {odd[0]!r}")
    return keys


def keys_below(folder: Path) -> Iterator[str]:
    """Yield the keys of the files below a folder, as `aws s3 sync` does: it follows links."""
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [one for one in folders if not _leads_back(Path(parent, one))]
        for file in filter(Path.is_file, (Path(parent, one) for one in names)):
            yield _key(os.fsencode(file.relative_to(folder).as_posix()), repr(str(file)))


def _leads_back(path: Path) -> bool:
    return path.is_symlink() and path.resolve() in map(Path.resolve, path.parents)


def name_of(file: BinaryIO) -> str:
    """Return the path of a file, or a name for standard input."""
    return str(getattr(file, "name", STANDARD_INPUT))


def _keys(file: BinaryIO, name: str, *, null: bool) -> Iterator[str]:
    if null:
        raws = enumerate(file.read().split(b"\0"), 1)
        yield from (_key(raw, f"{name}, entry {number}") for number, raw in raws if raw)
        return
    for number, line in enumerate(_lines(file, name), 1):
        raw = line.rstrip(b"\r\n")
        if _QUOTED.fullmatch(raw):
            raw = raw[1:-1].decode("unicode_escape").encode("latin-1")
        elif url := _URL.fullmatch(raw):
            raw = url["key"]
        if raw:
            yield _key(raw, f"{name}, line {number}")


def _lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the lines in UTF-8, without a byte order mark."""
    first = file.readline(_LONGEST_LINE)
    if first.startswith(_WIDE):
        try:
            file = BytesIO((first + file.read()).decode("utf-16").encode())
        except UnicodeError as error:
            raise BadInput(f"{name}: not UTF-16, although it has its byte order mark") from error
        first = file.readline(_LONGEST_LINE)
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from iter(lambda: file.readline(_LONGEST_LINE), b"")


def _key(raw: bytes, place: str) -> str:
    if len(raw) > MAX_KEY_BYTES:
        raise BadInput(f"{place}: {len(raw):,} bytes; a key has at most {MAX_KEY_BYTES:,}")
    if b"\0" in raw:
        raise BadInput(f"{place}: a NUL byte; lists that are separated by them need --null")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{place}: not UTF-8 ({error.reason} at byte {error.start + 1})") from error
