"""The embedded AWS answers to this machine alone and ends with the process that started it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import boto3
import pytest

from edgesweep.aws.cloudfront import Distributions
from edgesweep.errors import Undiscovered
from infra.local import aws
from infra.local.aws import ROOT, LocalError, embedded_aws
from infra.local.edge.functions import viewer_request

# A program that was started in the background of a shell ignores SIGINT, and so do its children.
START = """
import signal
import time
from infra.local.aws import embedded_aws
signal.signal(signal.SIGINT, signal.default_int_handler)
with embedded_aws(name="signals") as aws:
    print(aws.endpoint, flush=True)
    time.sleep(1_200)
"""
PATIENCE_SECONDS = 600
FUNCTION = b"""
function handler(event) {
  if (event.request.uri.endsWith('/')) event.request.uri += 'index.html';
  return event.request;
}
"""
HANDLER = """
import os
def handler(event, context):
    return {"process": os.getpid(), "told": os.environ["TOLD"]}
"""
# Leaves so many files that removing them takes a while.
LITTER = """
import pathlib, tempfile, time
for name in range(20_000):
    pathlib.Path(tempfile.gettempdir(), str(name)).touch()
pathlib.Path("done").touch()
time.sleep(1_200)
"""


@pytest.fixture(name="owner")
def _owner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", START]
    scratch = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=ROOT, env=scratch, stdout=subprocess.PIPE, text=True
    ) as owner:
        yield owner
        owner.kill()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_end(owner: subprocess.Popen[str], tmp_path: Path, ending: signal.Signals) -> None:
    """However its owner ends, the embedded AWS ends too, and leaves no files."""
    assert owner.stdout is not None
    port = int(urlsplit(owner.stdout.readline()).port or 0)
    assert _answers("127.0.0.1", port)

    owner.send_signal(ending)

    deadline = time.monotonic() + PATIENCE_SECONDS
    while (_answers("127.0.0.1", port) or any(tmp_path.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _answers("127.0.0.1", port)
    assert list(tmp_path.iterdir()) == []


def test_interrupt(tmp_path: Path) -> None:
    """An interrupted command ends only once nothing is left, however much there is to remove."""
    with pytest.raises(KeyboardInterrupt):
        _interrupted(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {"done", "log"}


def test_loopback() -> None:
    """Nothing but loopback reaches the embedded AWS."""
    with embedded_aws(name="loopback") as running:
        port = int(urlsplit(running.endpoint).port or 0)
        outside = {address for address in _addresses() if _answers(address, port)}

    assert outside <= {"127.0.0.1", "127.0.1.1"}


def test_functions() -> None:
    """The live code of a function is run, as it is asked on AWS, and under its own name in IAM."""
    config = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    event = json.dumps(viewer_request("/docs/", "", {"host": "www.example.com"}))
    with embedded_aws(name="functions") as running:
        client = running.client("cloudfront")
        made = client.create_function(Name="index", FunctionConfig=config, FunctionCode=FUNCTION)
        client.publish_function(Name="index", IfMatch=made["ETag"])
        draft = {"IfMatch": made["ETag"], "FunctionConfig": config, "FunctionCode": b"broken"}
        client.update_function(Name="index", **draft)
        user = _user(running, "cloudfront:*Function", "arn:aws:cloudfront::*:function/index")
        functions = Distributions(user("cloudfront"))
        version, stores = functions.live("index")
        output = json.loads(functions.run("index", version, event))
        with pytest.raises(Undiscovered, match="InvalidIfMatchVersion"):
            functions.run("index", made["ETag"], event)
        with pytest.raises(Undiscovered, match="AccessDenied"):
            functions.live("other")

    assert output["request"]["uri"] == "/docs/index.html"
    assert not stores


def test_starts() -> None:
    """A function that is changed starts again: another process, with its new environment."""
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("index.py", HANDLER)
    with embedded_aws(name="starts") as running:
        role = running.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
        client = running.client("lambda")
        client.create_function(
            FunctionName="told",
            Runtime="python3.13",
            Handler="index.handler",
            Role=role["Role"]["Arn"],
            Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": {"TOLD": "first"}},
        )
        first, warm = _answer(client), _answer(client)
        client.update_function_configuration(
            FunctionName="told", Environment={"Variables": {"TOLD": "second"}}
        )
        second = _answer(client)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _runs(first["process"]) and time.monotonic() < deadline:
            time.sleep(0.1)
        ended = not _runs(first["process"])

    assert first == warm
    assert (first["told"], second["told"]) == ("first", "second")
    assert first["process"] != second["process"]
    assert ended


def _answer(client: Any) -> dict[str, Any]:  # noqa: ANN401  # a boto3 client
    answer: dict[str, Any] = json.load(client.invoke(FunctionName="told")["Payload"])
    return answer


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _user(running: aws.EmbeddedAws, action: str, resource: str) -> Callable[[str], Any]:
    """Return how somebody who may do only this gets clients."""
    iam = running.client("iam")
    iam.create_user(UserName="somebody")
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="somebody", PolicyName="only", PolicyDocument=document)
    key = iam.create_access_key(UserName="somebody")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=aws.REGION)
    return partial(session.client, endpoint_url=running.endpoint)


def test_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not installed is said in one line."""
    monkeypatch.setattr(aws, "_OSLS", ROOT / "node_modules" / ".bin" / "missing")

    with pytest.raises(LocalError, match=r"^node_modules/.bin/missing is missing; run `make "):
        embedded_aws().__enter__()


def test_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and profiles of a real account do not reach what is started."""
    monkeypatch.setenv("AWS_PROFILE", "real")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    running = aws.EmbeddedAws("http://127.0.0.1:1", speed=1, log=Path(os.devnull))

    assert "real" not in running.environment.values()
    assert running.environment["AWS_ENDPOINT_URL"] == running.endpoint


def _interrupted(folder: Path) -> None:
    """Run what leaves files, and be interrupted."""
    command = [sys.executable, "-c", LITTER]
    scratch = os.environ | {"TMPDIR": str(folder)}
    deadline = time.monotonic() + PATIENCE_SECONDS
    with (
        (folder / "log").open("w") as log,
        aws._leashed(command, scratch, cwd=folder, log=log.fileno()),  # noqa: SLF001  # what holds
    ):
        while not (folder / "done").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        raise KeyboardInterrupt


def _answers(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def _addresses() -> set[str]:
    """Return this machine's own IPv4 addresses."""
    found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    return {str(address[4][0]) for address in found}
