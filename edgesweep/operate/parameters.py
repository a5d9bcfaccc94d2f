"""Completes and checks the parameters of a deployment."""

from collections.abc import Mapping
from typing import Any

from edgesweep.errors import BadInput
from edgesweep.operate.remembered import Remembered
from edgesweep.settings import PARAMETERS, budget, checked, split

# Its value resets a parameter, because osls accepts no empty one.
DEFAULT = "default"

_TWICE = (
    "(freePaths is now what the whole account has free, and what others spend is taken off it; "
    "freePaths=default resets it)"
)


def acceptable(stack: str, region: str, values: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the parameters of a deployment over what is there, whose buckets can be swept."""
    from edgesweep.operate import deployed  # noqa: PLC0415  # imports boto3

    before = deployed.remembered(stack, region)
    accepted = accept(values, before)
    deployed.check_buckets(split(accepted["bucket"]), before.buckets, region)
    deployed.check_distributions(split(accepted["distribution"]), region)
    return accepted


def accept(values: Mapping[str, str], before: Remembered | None) -> Mapping[str, Any]:
    """Return the parameters, each within its bounds; BadInput says what is wrong with one.

    Under `given` are those that are not defaults, under `remembered` those that the stack adds.
    The user set `values`, perhaps `drop` among them, and `before` is the stack as it is deployed;
    None if it stays as it is.
    """
    known = (*PARAMETERS, "drop")
    for name in values:
        if name not in known:
            raise BadInput(f"Parameter {name} is unknown; the parameters are {', '.join(known)}")
    texts = {name: text.strip() for name, text in values.items()}
    drop = split(PARAMETERS["bucket"].checked("drop", texts.pop("drop", "")))
    typed = {
        name: PARAMETERS[name].default if text == DEFAULT else text for name, text in texts.items()
    }
    complete = (before or Remembered("", {})).completed(typed, drop)
    given = checked(complete)
    ids = split(given["distribution"])
    if ids and not given["bucket"]:
        raise BadInput(f"Parameter bucket is missing; name the bucket that {ids[0]} serves")
    # Discovery finds at least one distribution; how many is unknown here.
    budget(given, max(1, len(ids)))
    if before:
        before.check(given, drop)
    changed = {name: text for name, text in complete.items() if text != PARAMETERS[name].default}
    remembered = [f"{name}={text}" for name, text in changed.items() if name not in typed]
    if before and not before.counts and int(changed.get("freePaths", 0)):
        remembered.append(_TWICE)
    return {**given, "given": changed, "remembered": " ".join(remembered)}
