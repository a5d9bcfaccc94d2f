"""Completes and checks the parameters of a deployment: `python -m infra.parameters`.

`infra/params.js` runs this before it packages or deploys anything, with the arguments of `answer`
as a JSON object on standard input. A wrong parameter gives one line on standard error, exit code 2.
Only a deployment needs more than the standard library, since it asks AWS.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from edgesweep.errors import BadInput, EdgesweepError
from edgesweep.operate.parameters import Remembered, accept, logical, values_of
from edgesweep.settings import LONGEST, PARAMETERS, Parameter

_STAGE = Parameter(
    "of the stack",
    "1 to 20 lower-case letters, digits and hyphens, starting with a letter",
    "[a-z][a-z0-9-]{0,19}",
    "prod",
)


def answer(
    command: str, stack: str, region: str, values: Mapping[str, str], stage: str
) -> Mapping[str, Any]:
    """Return the parameters for a command of osls, their section, and a Python that packages.

    Commands besides `deploy` and `package` need no particular parameters. EdgesweepError says why
    those of the user cannot be deployed.
    """
    packages = command in {"deploy", "package"}
    _STAGE.checked("stage", stage)
    if command == "deploy":
        accepted = _deployable(stack, region, values)
    else:
        accepted = accept(values, Remembered("", {}) if packages else None)
    kept = {name: accepted[name] for name in ("given", "remembered")}
    python = {"python": _packager()} if packages else {}
    return {**kept, **python, "section": section(), "values": values_of(accepted)}


def _deployable(stack: str, region: str, values: Mapping[str, str]) -> Mapping[str, Any]:
    import boto3  # noqa: PLC0415  # packaging does without

    from edgesweep.operate.stack import acceptable  # noqa: PLC0415  # likewise

    return acceptable(stack, boto3.Session(region_name=region), values)


def section() -> Mapping[str, Mapping[str, Any]]:
    """Return the section `Parameters` of the template.

    CloudFormation refuses most of what our commands refuse. The functions refuse the rest when they
    start: then an alarm goes off, and changes wait.
    """
    return {logical(name): _declared(name, one) for name, one in PARAMETERS.items()}


def _declared(name: str, parameter: Parameter) -> Mapping[str, Any]:
    one = f"({parameter.pattern})"
    pattern = f"{one}(,{one})*" if parameter.most > 1 else one
    # A stack without a bucket is a mistake, so the bucket alone has no default.
    default = {} if name == "bucket" else {"Default": parameter.default}
    return {
        "Type": "String",
        **default,
        "Description": parameter.meaning,
        "AllowedPattern": f"^({pattern}){'' if parameter.default else '?'}$",
        "ConstraintDescription": f"must be {parameter.bound}",
        "MaxLength": LONGEST,
    }


def _packager() -> str:
    """Return a Python that has pip, which installs what the functions need."""
    for python in filter(None, (sys.executable, shutil.which("python3"))):
        tried = subprocess.run([python, "-c", "import pip"], capture_output=True, check=False)  # noqa: S603  # a Python
        if not tried.returncode:
            return python
    raise BadInput("Packaging the functions needs pip; install it for python3")


def respond(answer: Callable[..., object], *failures: type[Exception]) -> int:
    """Print the answer to the question on standard input; return the exit code."""
    expected: tuple[type[Exception], ...] = (EdgesweepError, *failures)
    try:
        print(json.dumps(answer(**json.load(sys.stdin))))
    except expected as error:
        print(error, file=sys.stderr)
        return BadInput.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(respond(answer))
