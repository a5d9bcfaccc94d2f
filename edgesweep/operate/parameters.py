"""Completes and checks the parameters of a deployment: `python -m edgesweep.operate.parameters`.

`infra/params.js` runs this before it packages or deploys anything, with the arguments of `answer`
as a JSON object on standard input. A wrong parameter gives one line on standard error, exit code 2.
Only a deployment needs more than the standard library, since it asks AWS.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgesweep.errors import BadInput, EdgesweepError
from edgesweep.operate.remembered import Remembered
from edgesweep.settings import PARAMETERS, budget, checked, like, split

# Its value resets a parameter, because osls accepts no empty one.
DEFAULT = "default"

_TWICE = (
    "(freePaths is now what the whole account has free, and what others spend is taken off it; "
    "freePaths=default resets it)"
)

_STAGE = like(
    "prod",
    "[a-z][a-z0-9-]{0,19}",
    "1 to 20 lower-case letters, digits and hyphens, starting with a letter",
)


def answer(command: str, stack: str, region: str, **given: Any) -> Mapping[str, Any]:  # noqa: ANN401  # JSON
    """Return the parameters for a command of osls, and the Python that packages.

    Commands besides `deploy` and `package` need no particular parameters. `given` holds the other
    arguments of `accept`. EdgesweepError says why they cannot be deployed.
    """
    if command not in {"deploy", "package"}:
        return accept(before=None, **given)
    if command == "package":
        accepted = accept(before=Remembered("", {}), **given)
    else:
        from edgesweep.operate import deployed  # noqa: PLC0415  # imports boto3

        before = Remembered.of(f"{stack} in {region}", deployed.template(stack, region))
        accepted = accept(before=before, **given)
        deployed.check_buckets(split(accepted["bucket"]), before.buckets, region)
        deployed.check_distributions(split(accepted["distribution"]), region)
    return {**accepted, "python": _packager()}


def accept(
    values: Mapping[str, str], assigned: Sequence[str], stage: str, before: Remembered | None
) -> Mapping[str, Any]:
    """Return the parameters, each within its bounds.

    Under `given` are those that are not defaults, under `remembered` those that the stack adds.
    BadInput says that one is unknown or out of bounds, or that several contradict each other.
    `values` include `drop`, the user set those whose names are `assigned`, and `before` is the
    stack as it is deployed; None if it stays as it is.
    """
    known = (*PARAMETERS, "drop")
    for name in assigned:
        if name not in known:
            raise BadInput(f"Parameter {name} is unknown; the parameters are {', '.join(known)}")
    _STAGE.checked("stage", stage)
    drop = split(PARAMETERS["bucket"].checked("drop", values["drop"].strip()))
    typed = _typed(values, assigned)
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


def _typed(values: Mapping[str, str], assigned: Sequence[str]) -> Mapping[str, str]:
    """Return the parameters that are set, here or by an edit of serverless.yml."""
    texts = {name: values[name].strip() for name in PARAMETERS}
    return {
        name: PARAMETERS[name].default if text == DEFAULT else text
        for name, text in texts.items()
        if name in assigned or text != PARAMETERS[name].default
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
        print(json.dumps(answer(**json.load(sys.stdin))))  # noqa: T201  # the answer
    except expected as error:
        print(error, file=sys.stderr)  # noqa: T201  # to whoever deploys
        return BadInput.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(respond(answer))
