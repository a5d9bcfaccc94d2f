"""Completes and checks the parameters of a deployment: `python -m edgesweep.operate.parameters`.

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
from edgesweep.operate.declared import section, values_of
from edgesweep.operate.remembered import Remembered
from edgesweep.settings import PARAMETERS, Parameter, budget, checked, split

# Its value resets a parameter, because osls accepts no empty one.
DEFAULT = "default"

_TWICE = (
    "(freePaths is now what the whole account has free, and what others spend is taken off it; "
    "freePaths=default resets it)"
)

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
    if command == "deploy":
        accepted = acceptable(stack, region, values, stage)
    else:
        accepted = accept(values, stage, Remembered("", {}) if packages else None)
    kept = {name: accepted[name] for name in ("given", "remembered")}
    python = {"python": _packager()} if packages else {}
    return {**kept, **python, "section": section(), "values": values_of(accepted)}


def acceptable(stack: str, region: str, values: Mapping[str, str], stage: str) -> Mapping[str, Any]:
    """Return the parameters of a deployment over what is there, whose buckets can be swept."""
    from edgesweep.operate import deployed  # noqa: PLC0415  # imports boto3

    before = deployed.remembered(stack, region)
    accepted = accept(values, stage, before)
    deployed.check_buckets(split(accepted["bucket"]), before.buckets, region)
    deployed.check_distributions(split(accepted["distribution"]), region)
    return accepted


def accept(values: Mapping[str, str], stage: str, before: Remembered | None) -> Mapping[str, Any]:
    """Return the parameters, each within its bounds.

    Under `given` are those that are not defaults, under `remembered` those that the stack adds.
    BadInput says that one is unknown or out of bounds, or that several contradict each other.
    The user set `values`, perhaps `drop` among them, and `before` is the stack as it is deployed;
    None if it stays as it is.
    """
    known = (*PARAMETERS, "drop")
    for name in values:
        if name not in known:
            raise BadInput(f"Parameter {name} is unknown; the parameters are {', '.join(known)}")
    _STAGE.checked("stage", stage)
    texts = {name: text.strip() for name, text in values.items()}
    drop = split(PARAMETERS["bucket"].checked("drop", texts.pop("drop", "")))
    typed = {
        name: PARAMETERS[name].default if text == DEFAULT else text for name, text in texts.items()
    }
    complete = (before or Remembered(stage, {})).completed(typed, drop)
    given = checked(complete)
    distributions = split(given["distribution"])
    if distributions and not given["bucket"]:
        first = distributions[0]
        raise BadInput(f"Parameter bucket is missing; name the bucket that {first} serves")
    # Discovery finds at least one distribution; how many is unknown here.
    budget(given, max(1, len(distributions)))
    if before:
        before.check(given, drop)
    changed = {name: text for name, text in complete.items() if text != PARAMETERS[name].default}
    remembered = [f"{name}={text}" for name, text in changed.items() if name not in typed]
    if before and not before.counts and int(changed.get("freePaths", 0)):
        remembered.append(_TWICE)
    return {**given, "given": changed, "remembered": " ".join(remembered)}


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
        print(json.dumps(answer(**json.load(sys.stdin))))  # noqa: T201  # the answer
    except expected as error:
        print(error, file=sys.stderr)  # noqa: T201  # to whoever deploys
        return BadInput.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(respond(answer))
