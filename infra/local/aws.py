"""An embedded AWS on loopback, and real deployments into it.

Ministack answers on a free port of 127.0.0.1 and osls deploys this project's own serverless.yml to
it, so the compiled template, the zip, the roles and the schedule are those of a real account. It
is no proof of what AWS would say: it hands the record function at most ten messages at a time,
runs the functions on its own interpreter and as long as they take, checks no invalidation path,
knows no CloudFront quota and caches nothing.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import boto3
from botocore.config import Config

from edgesweep.errors import EdgesweepError

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"
ACCOUNT = "000000000000"

_HERE = Path(__file__).parent
_LOCAL = ROOT / ".local"
_PYTHON = ROOT / ".envs" / "aws" / "bin" / "python"
_OSLS = ROOT / "node_modules" / ".bin" / "osls"
# Only what is broken takes this long, on a machine that has much else to do as well.
_START_SECONDS = 300
_DEPLOY_SECONDS = 1_800
# What a new account has; and a slow machine is not flooded by the ticks of a schedule sped up.
_CONCURRENCY = 10
# The deployed functions inherit it.
_PATIENT = {"PYTHONPATH": str(_HERE / "patience")}

_PROJECT = ("serverless.yml", "package.json", "runtime.lock", "edgesweep", "handlers", "infra")
_REQUIREMENTS = ROOT / ".cache" / "python-requirements"


class LocalError(EdgesweepError):
    """The embedded AWS, or a deployment into it, cannot be had."""


@dataclass(frozen=True, slots=True)
class EmbeddedAws:
    """A running embedded AWS.

    Attributes:
        endpoint: its URL.
        speed: how many times faster than on a clock its schedules run.
        log: the file that it and the deployments write to.
        project: the folder that is deployed.
    """

    endpoint: str
    speed: float
    log: Path
    project: Path = ROOT

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables of a program that shall talk to this AWS and to no other."""
        return _environment() | {"AWS_ENDPOINT_URL": self.endpoint}

    def client(self, service: str) -> Any:  # noqa: ANN401  # boto3 makes its clients at run time
        """Return a boto3 client with the permissions of the account's root user."""
        return _client(self.endpoint, service)

    def at_work(self, function: str) -> bool:
        """Tell whether a function is at work that a schedule or a stream has called."""
        return (_ticking(self.log) / function).exists()

    def deploy(self, stage: str, **parameters: str) -> Mapping[str, str]:
        """Deploy a stage with `osls deploy` and return the stack's outputs.

        Raises:
            LocalError: osls refused or failed; the text ends with what it said last.
        """
        given = [f"--param={name}={value}" for name, value in parameters.items()]
        self._osls("deploy", "--stage", stage, *given)
        stacks = self.client("cloudformation").describe_stacks(StackName=f"edgesweep-{stage}")
        outputs = stacks["Stacks"][0]["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def remove(self, stage: str) -> None:
        """Remove a stage with `osls remove`.

        Raises:
            LocalError: osls failed.
        """
        self._osls("remove", "--stage", stage)

    def _osls(self, *arguments: str) -> None:
        command = [str(_OSLS), *arguments, "--region", REGION]
        with (
            packaging(),
            self.log.open("a+") as log,
            _leashed(command, self.environment, cwd=self.project, log=log.fileno()) as osls,
        ):
            start = log.seek(0, os.SEEK_END)
            if _code(osls):
                log.seek(start)
                reason = log.read().rpartition("Error:\n")[2].partition("\n\n")[0]
                msg = f"osls {arguments[0]} failed, see {self.log}: {reason.strip()}"
                raise LocalError(msg)


def project(name: str) -> Path:
    """Return a new folder from which osls deploys; it finds what is installed in those above.

    osls packages in the folder that it deploys from, so each must have its own, and it looks
    through all that is there. The requirements of the zip are installed once, for all of them.
    """
    folder = _LOCAL / "projects" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _REQUIREMENTS.mkdir(parents=True, exist_ok=True)
    (folder / ".cache").symlink_to(_REQUIREMENTS.parent)
    return folder


def working_copy(name: str) -> Path:
    """Return a folder from which osls deploys this project."""
    folder = project(name)
    for entry in _PROJECT:
        if (ROOT / entry).is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / entry, folder / entry, ignore=unwanted)
        else:
            shutil.copy(ROOT / entry, folder / entry)
    return folder


@contextmanager
def packaging() -> Iterator[None]:
    """Let nobody else package meanwhile if that installs the requirements of the zip."""
    _LOCAL.mkdir(exist_ok=True)
    with (_LOCAL / "requirements.lock").open("w") as lock:
        if not _installed():
            fcntl.flock(lock, fcntl.LOCK_EX)
        if _installed():
            fcntl.flock(lock, fcntl.LOCK_UN)
        yield


def _installed() -> bool:
    """Tell whether the requirements of the zip were installed as they are pinned now."""
    pinned = (ROOT / "runtime.lock").stat().st_mtime
    return any(
        done.stat().st_mtime > pinned for done in _REQUIREMENTS.glob("*/.completed_requirements")
    )


@contextmanager
def embedded_aws(
    *, speed: float = 1, enforce_iam: bool = True, name: str = "aws"
) -> Iterator[EmbeddedAws]:
    """Start an embedded AWS and stop it, with all that runs in it, however the block ends.

    Args:
        speed: how many times faster than on a clock schedules run.
        enforce_iam: whether a call that no policy allows is refused.
        name: names the log file, `.local/<name>.log`, and the working copy that is deployed.

    Raises:
        LocalError: something is not installed, or the embedded AWS does not answer.
    """
    for needed in (_PYTHON, _OSLS):
        if not needed.exists():
            msg = f"{needed.relative_to(ROOT)} is missing; run `make install`"
            raise LocalError(msg)
    _LOCAL.mkdir(exist_ok=True)
    log = _LOCAL / f"{name}.log"
    log.write_text("")
    shutil.rmtree(_ticking(log), ignore_errors=True)
    _ticking(log).mkdir()
    port = _free_port()
    with (
        log.open("a") as sink,
        _leashed(
            [str(_PYTHON), str(_HERE / "emulator.py"), str(speed), str(_ticking(log))],
            _environment() | _options(port, enforce_iam=enforce_iam) | _PATIENT,
            cwd=_LOCAL,
            log=sink.fileno(),
        ) as process,
    ):
        endpoint = f"http://127.0.0.1:{port}"
        _await_health(endpoint, process, log)
        yield EmbeddedAws(endpoint, speed, log, working_copy(name))


@cache
def _client(endpoint: str, service: str) -> Any:  # noqa: ANN401  # as above
    session = boto3.Session("test", "test", region_name=REGION)
    patient = Config(read_timeout=_DEPLOY_SECONDS)  # a function is called as long as it runs
    return session.client(service, endpoint_url=endpoint, config=patient)  # type: ignore[call-overload]  # any


def _options(port: int, *, enforce_iam: bool) -> dict[str, str]:
    return {
        "AUTH": str(enforce_iam).lower(),
        "CLOUDTRAIL_RECORDING": "1",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": str(_CONCURRENCY),
        "LOG_LEVEL": "WARNING",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "SFTP_ENABLED": "0",
    }


def _environment() -> dict[str, str]:
    """Return this process's environment without what could lead to a real account."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON", "SLS_", "SERVERLESS_"))
    }
    return inherited | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": REGION,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CI": "1",
        "NO_PROXY": "127.0.0.1",
        "NO_UPDATE_NOTIFIER": "1",
        "PATH": os.pathsep.join([str(_PYTHON.parent), os.environ.get("PATH", os.defpath)]),
        "SLS_AWS_MONITORING_FREQUENCY": "300",
        "SLS_NOTIFICATIONS_MODE": "off",
        "SLS_TELEMETRY_DISABLED": "1",
    }


@contextmanager
def _leashed(
    command: Sequence[str], environment: Mapping[str, str], *, cwd: Path, log: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that ends with the block, or with this process, whatever ends it."""
    with subprocess.Popen(
        [sys.executable, str(_HERE / "leash.py"), *command],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=cwd,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.communicate()  # an interrupted Popen waits for a quarter of a second only


def _code(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(_DEPLOY_SECONDS)
    except subprocess.TimeoutExpired as error:
        msg = f"osls is not done after {_DEPLOY_SECONDS} s"
        raise LocalError(msg) from error


def _ticking(log: Path) -> Path:
    return log.with_suffix(".ticking")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_health(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"{endpoint}/_ministack/health", timeout=1):  # noqa: S310  # ours, on loopback
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    msg = f"The embedded AWS does not answer at {endpoint} after {_START_SECONDS} s, see {log}"
    raise LocalError(msg)
