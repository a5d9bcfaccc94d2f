"""The deploy parameters as CloudFormation knows them: `budgetUsd` is the parameter `BudgetUsd`."""

from collections.abc import Mapping
from typing import Any

from edgesweep.settings import LONGEST, PARAMETERS, Parameter


def logical(name: str) -> str:
    """Return the name of a parameter in the template."""
    return name[0].upper() + name[1:]


def section() -> Mapping[str, Mapping[str, Any]]:
    """Return the section `Parameters` of the template.

    CloudFormation refuses most of what our commands refuse. The functions refuse the rest when they
    start: then an alarm goes off, and changes wait.
    """
    return {logical(name): _declared(name, one) for name, one in PARAMETERS.items()}


def values_of(accepted: Mapping[str, str]) -> Mapping[str, str]:
    """Return the values of the template's parameters."""
    return {logical(name): accepted[name] for name in PARAMETERS}


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


def changed(template: Mapping[str, Any], values: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the parameters of a deployed stack that are not their default.

    Return None if the stack does not say. Releases before 0.2.0 had no parameters of CloudFormation
    and kept these in the template.

    Args:
        template: of the stack.
        values: its parameters, as CloudFormation describes them.
    """
    declared = template.get("Parameters")
    if declared is None:
        kept: Mapping[str, str] | None = template.get("Metadata", {}).get("Parameters")
        return kept
    given = {name: values.get(logical(name)) for name in PARAMETERS}
    return {
        name: text
        for name, text in given.items()
        if text is not None and text != declared[logical(name)].get("Default", "")
    }
