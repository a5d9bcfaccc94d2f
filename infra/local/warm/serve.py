"""Turns into a copy of itself for each start: `python serve.py`, a listening socket as its input.

It imports what functions need first, and holds what botocore has parsed.
"""

import json
import os
import runpy
import signal
import socket
import sys
import threading
from functools import cache

import boto3
import botocore.session
from botocore.loaders import create_loader

_SERVICES = ("cloudfront", "dynamodb", "s3", "sqs")
# More than a message has: environment, folder and arguments.
_MOST = 2**20


def main() -> None:
    """Serve until the process is ended, or become a function."""
    botocore.session.create_loader = cache(create_loader)
    for service in _SERVICES:
        boto3.Session("none", "none", region_name="us-east-1").client(service)  # type: ignore[call-overload]  # any
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the copies
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as server:
        asked, _ = server.accept()
        while os.fork():
            asked.close()
            asked, _ = server.accept()
    _become(asked)


def _become(asked: socket.socket) -> None:
    """Run a script in place of whoever asks, and end when they end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    said, streams, *_ = socket.recv_fds(asked, _MOST, 3)
    environment, folder, sys.argv = json.loads(said)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    threading.Thread(target=_end_with, args=[asked], daemon=True).start()
    runpy.run_path(sys.argv[0], run_name="__main__")


def _end_with(asked: socket.socket) -> None:
    asked.recv(1)
    os._exit(1)


if __name__ == "__main__":
    main()
