"""Completes and checks the parameters of a deployment.

CloudFormation keeps each parameter of a stack, `budgetUsd` as `BudgetUsd`. So a deployment has to
give only what changes, from whatever checkout it runs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from edgesweep.errors import BadInput
from edgesweep.settings import PARAMETERS, budget, checked, split

# Bytes of all values together: "The total size of all environment variables doesn't exceed 4 KB",
# so this leaves room for the names of the variables and of our resources.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
MOST_BYTES = 2_400

DEFAULT = "default"  # resets a parameter, because osls accepts no empty value
_TWICE = (
    "(freePaths is now what the whole account has free, less what others spend of it; "
    "freePaths=default resets it)"
)
_GIVE = "give --param bucket=NAME for your bucket, or --param demo=true for a demo site"


def logical(name: str) -> str:
    """Return the name of a parameter in the template."""
    return name[0].upper() + name[1:]


def values_of(values: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    """Return the values of the template's parameters, as CloudFormation expects them."""
    return [{"ParameterKey": logical(name), "ParameterValue": values[name]} for name in PARAMETERS]


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
    counts: bool = True  # whether its release counts what others spend

    @classmethod
    def of(cls, stack: str, template: Mapping[str, Any], values: Mapping[str, str]) -> Self:
        """Read the template and the parameters of a stack.

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
        """Return every parameter: as given, else as remembered less `drop`, else its default."""
        kept = ",".join(bucket for bucket in self.buckets if bucket not in drop)
        values = {**self.parameters, "bucket": kept, **given}
        return {name: values.get(name, one.default) for name, one in PARAMETERS.items()}

    def check(self, values: Mapping[str, str], drop: Collection[str] = ()) -> None:
        """Raise BadInput if these parameters must not be deployed."""
        buckets, stack = split(values["bucket"]), f"the stack {self.stack}"
        for bucket in drop:
            if bucket not in self.buckets:
                raise BadInput(f"Parameter drop names {bucket}, which {stack} does not sweep")
            if bucket in buckets:
                raise BadInput(f"Parameters bucket and drop both name {bucket}")
        if lost := ",".join(one for one in self.buckets if one not in {*buckets, *drop}):
            keep = f"name it as well, or give --param drop={lost} to stop sweeping it"
            raise BadInput(f"Parameter bucket leaves out {lost}, which {stack} sweeps; {keep}")
        self._check_swept(values["bucket"], demo=values["demo"] == "true")

    def _check_swept(self, buckets: str, *, demo: bool) -> None:
        if not demo and not buckets:
            absent = self.stack and not self.parameters
            why = f"; there is no stack {self.stack} to take it from" if absent else ""
            raise BadInput(f"There is nothing to sweep: {_GIVE}{why}")
        if demo and buckets and "demo" in self.parameters:
            site = f"The stack {self.stack} is a demo site, which bucket={buckets} would replace"
            delete = "give --param demo=false to delete that site, or another --stage"
            raise BadInput(f"{site}; {delete}")
        if demo and buckets:
            raise BadInput(f"Parameters bucket={buckets} and demo=true exclude each other")


def accept(values: Mapping[str, str], before: Remembered | None) -> Mapping[str, Any]:
    """Return the parameters, each within its bounds; BadInput says what is wrong with one.

    `given` has the parameters that differ from the default, `remembered` those that the stack adds.
    The user set `values`, perhaps `drop` among them. `before` is the stack as it is deployed; None
    if the stack stays unchanged.
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
    if (size := len("".join(given.values()).encode())) > MOST_BYTES:
        raise BadInput(f"The parameters have {size:,} bytes together; at most {MOST_BYTES:,} fit")
    ids = split(given["distribution"])
    if ids and not given["bucket"]:
        raise BadInput(f"Parameter bucket is missing; name the bucket that {ids[0]} serves")
    # Discovery finds at least one distribution; how many is unknown here.
    budget(given, max(1, len(ids)))
    if before:
        before.check(given, drop)
    changes = {name: text for name, text in complete.items() if text != PARAMETERS[name].default}
    remembered = [f"{name}={text}" for name, text in changes.items() if name not in typed]
    if before and not before.counts and int(changes.get("freePaths", 0)):
        remembered.append(_TWICE)
    return {**given, "given": changes, "remembered": " ".join(remembered)}
