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

_STAGE = Parameter(
    "of the stack",
    "prod",
    "1 to 20 lower-case letters, digits and hyphens, starting with a letter",
    "[a-z][a-z0-9-]{0,19}",
)


def answer(command: str, stack: str, region: str, **given: Any) -> Mapping[str, Any]:  # noqa: ANN401  # JSON
    """Return the parameters for a command, their section of the template, and a Python with pip.

    Commands besides `deploy` and `package` need no particular parameters. `given` holds the other
    arguments of `accept`. EdgesweepError says why they cannot be deployed.
    """
    if command not in {"deploy", "package"}:
        return _for_osls(accept(before=None, **given))
    if command == "package":
        accepted = accept(before=Remembered("", {}), **given)
    else:
        accepted = acceptable(stack, region, **given)
    return {**_for_osls(accepted), "python": _packager()}


def _for_osls(accepted: Mapping[str, Any]) -> Mapping[str, Any]:
    pairs = values_of(accepted).items()
    values = [{"ParameterKey": name, "ParameterValue": text} for name, text in pairs]
    kept = {name: accepted[name] for name in ("given", "remembered")}
    return {**kept, "section": section(), "values": values}


def acceptable(stack: str, region: str, **given: Any) -> Mapping[str, Any]:  # noqa: ANN401  # as above
    """Return the parameters of a deployment over what is there, whose buckets can be swept.

    `given` holds the other arguments of `accept`. EdgesweepError says why they cannot be deployed.
    """
    from edgesweep.operate import deployed  # noqa: PLC0415  # imports boto3

    before = deployed.remembered(stack, region)
    accepted = accept(before=before, **given)
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
    drop = split(PARAMETERS["bucket"].checked("drop", values.get("drop", "").strip()))
    typed = {name: _typed(name, text.strip()) for name, text in values.items() if name != "drop"}
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
    return {**given, "given": changed, "remembered": " ".join(remembered)}


def _typed(name: str, text: str) -> str:
    return PARAMETERS[name].default if text == DEFAULT else text


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
