"""The memory of a deployed stack: CloudFormation keeps each parameter, `budgetUsd` as `BudgetUsd`.

So a deployment has to give only what changes, from whatever checkout it runs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from edgesweep.errors import BadInput
from edgesweep.settings import PARAMETERS, split

_GIVE = "give --param bucket=NAME for your bucket, or --param demo=true for a demo site"


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


@dataclass(frozen=True, slots=True)
class Remembered:
    """The parameters of a stack that may exist."""

    stack: str  # its name and region; empty if nobody looked for it
    parameters: Mapping[str, str]  # those that are not the default; none without a stack
    counts: bool = True  # whether it is of a release that counts what others spend

    @classmethod
    def of(cls, stack: str, template: Mapping[str, Any], values: Mapping[str, str]) -> Self:
        """Read the template and the parameters of a stack; both are empty if there is no stack.

        A first deployment that failed leaves a stack with a bucket for uploads, and nothing else.
        """
        if "FlushLambdaFunction" not in template.get("Resources", {}):
            return cls(stack, {})
        return cls(stack, changed(template, values), "Parameters" in template)

    @property
    def buckets(self) -> Sequence[str]:
        """The existing buckets that the stack sweeps."""
        return split(self.parameters.get("bucket", ""))

    def completed(self, given: Mapping[str, str], drop: Collection[str] = ()) -> dict[str, str]:
        """Return every parameter: as given, else as remembered, else its default.

        The buckets to `drop` are forgotten.
        """
        kept = ",".join(bucket for bucket in self.buckets if bucket not in drop)
        values = {**self.parameters, "bucket": kept, **given}
        return {name: values.get(name, one.default) for name, one in PARAMETERS.items()}

    def check(self, values: Mapping[str, str], drop: Collection[str] = ()) -> None:
        """Raise BadInput if a deployment of all these parameters is not to be made.

        It would drop a bucket that `drop` does not name, or sweep nothing, or a demo site and
        other buckets.
        """
        buckets, stack = split(values["bucket"]), f"the stack {self.stack}"
        for bucket in drop:
            if bucket not in self.buckets:
                raise BadInput(f"Parameter drop names {bucket}, which {stack} does not sweep")
            if bucket in buckets:
                raise BadInput(f"Parameters bucket and drop both name {bucket}")
        if lost := ",".join(one for one in self.buckets if one not in {*buckets, *drop}):
            keep = f"name it as well, or give --param drop={lost} to sweep it no longer"
            raise BadInput(f"Parameter bucket leaves out {lost}, which {stack} sweeps; {keep}")
        self._check_swept(values["bucket"], demo=values["demo"] == "true")

    def _check_swept(self, buckets: str, *, demo: bool) -> None:
        if not demo and not buckets:
            absent = self.stack and not self.parameters
            why = f"; there is no stack {self.stack} to take it from" if absent else ""
            raise BadInput(f"There is nothing to sweep: {_GIVE}{why}")
        if demo and buckets and "demo" in self.parameters:
            raise BadInput(
                f"The stack {self.stack} is a demo site, which bucket={buckets} would replace; "
                "give --param demo=false to delete that site, or another --stage"
            )
        if demo and buckets:
            raise BadInput(f"Parameters bucket={buckets} and demo=true exclude each other")
