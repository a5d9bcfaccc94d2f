"""Lets a cold start of a function take little of this machine's time; imported by ministack.

A function starts as a copy of one process that has imported boto3 and read what it knows of the
services, and its code is compiled once. It still finds nothing but boto3 beside its zip.
"""

import compileall
import hashlib
import os
import socket
import subprocess
import sys
from functools import cache
from io import BytesIO
from pathlib import Path
from py_compile import PycInvalidationMode
from shutil import make_archive
from tempfile import mkdtemp
from typing import Any
from zipfile import ZipFile

_HERE = Path(__file__).parent
_START = _HERE / "start.py"


def start_warm(lambda_runtime: Any) -> None:  # noqa: ANN401  # ministack's own
    """Let ministack start functions that way: Python runs their workers, wherever it comes from."""
    place = os.path.join(mkdtemp(), "starts")  # noqa: PTH118  # a socket's name
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(place)
        server.listen()
        subprocess.Popen([sys.executable, str(_HERE / "serve.py")], stdin=server.fileno())
    os.environ["EDGESWEEP_STARTS"] = place
    worker = lambda_runtime._PYTHON_WORKER_SCRIPT  # noqa: SLF001  # it has no option for it
    lambda_runtime._detect_runtime_binary = lambda _: (str(_START), worker)  # noqa: SLF001


@cache
def compiled(code_zip: bytes) -> bytes:
    """Return the zip of a function with its modules compiled, from a file if one has it.

    The code is unpacked at another place for each start: Python must trust what is compiled.
    """
    kept = Path("compiled", f"{hashlib.sha256(code_zip).hexdigest()}.zip")
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        folder = mkdtemp()
        with ZipFile(BytesIO(code_zip)) as archive:
            archive.extractall(folder)
        trusted = PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(folder, quiet=2, invalidation_mode=trusted)
        Path(make_archive(mkdtemp(), "zip", folder)).replace(kept)
    return kept.read_bytes()
