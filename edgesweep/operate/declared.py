"""The deploy parameters as CloudFormation knows them: `budgetUsd` is the parameter `BudgetUsd`."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgesweep.settings import PARAMETERS


def logical(name: str) -> str:
    """Return the name of a parameter in the template."""
    return name[0].upper() + name[1:]


def values_of(accepted: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    """Return the values of the template's parameters, as CloudFormation takes them."""
    return [
        {"ParameterKey": logical(name), "ParameterValue": accepted[name]} for name in PARAMETERS
    ]


def changed(template: Mapping[str, Any], values: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parameters of a deployed stack that are not the default of its template."""
    declared = template.get("Parameters")
    if declared is None:  # 0.1.0 kept them elsewhere, and deployed a demo site by default
        demo = {"demo": "true"} if "SiteBucket" in template.get("Resources", {}) else {}
        return {**template.get("Metadata", {}).get("Parameters", {}), **demo}
    names = {logical(name): name for name in PARAMETERS}
    return {
        names[key]: text
        for key, text in values.items()
        if key in names and text != declared[key].get("Default", "")
    }
