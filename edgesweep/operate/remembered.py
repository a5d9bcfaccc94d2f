"""The memory of a deployed stack: CloudFormation keeps each of its parameters.

So a deployment has to give only what changes, from whatever checkout it runs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

from edgesweep.errors import BadInput
from edgesweep.operate.declared import changed
from edgesweep.settings import PARAMETERS, split

_GIVE = "give --param bucket=NAME for your bucket, or --param demo=true for a demo site"


@dataclass(frozen=True, slots=True)
class Remembered:
    """The parameters and the buckets of a stack that may exist.

    Attributes:
        stack: its name and region; empty if nobody looked for it.
        parameters: those that are not the default; none without a stack, None if it does not say.
        buckets: existing buckets that it sweeps.
    """

    stack: str
    parameters: Mapping[str, str] | None
    buckets: tuple[str, ...] = ()

    @classmethod
    def of(cls, stack: str, template: Mapping[str, Any], values: Mapping[str, str]) -> Self:
        """Read the template and the parameters of a stack; both are empty if there is no stack.

        A first deployment that failed leaves a stack with a bucket for uploads, and nothing else.
        """
        resources = template.get("Resources", {})
        if "FlushLambdaFunction" not in resources:
            return cls(stack, {})
        parameters = changed(template, values)
        if "Parameters" in template:
            return cls(stack, parameters, split(values["Bucket"]))
        if parameters is not None and "SiteBucket" in resources:
            parameters = {**parameters, "demo": "true"}  # 0.1.0 deployed it by default
        rule = resources.get("ChangeRule", {}).get("Properties", {}).get("EventPattern", {})
        buckets = rule.get("detail", {}).get("bucket", {}).get("name", ())
        return cls(stack, parameters, tuple(buckets))

    def completed(self, given: Mapping[str, str], drop: Collection[str] = ()) -> dict[str, str]:
        """Return every parameter: as given, else as remembered, else its default.

        The buckets to `drop` are forgotten.

        Raises:
            BadInput: the stack does not say its parameters, and they are not given.
        """
        if self.parameters is None and not given.keys() & {"bucket", "demo"}:
            msg = (
                f"The stack {self.stack} does not say with which parameters it was deployed; "
                f"give all of them once, first --param bucket={','.join(self.buckets) or 'NAME'}"
            )
            raise BadInput(msg)
        kept = ",".join(bucket for bucket in self.buckets if bucket not in drop)
        values = {**(self.parameters or {}), "bucket": kept, **given}
        return {name: values.get(name, one.default) for name, one in PARAMETERS.items()}

    def check(self, values: Mapping[str, str], drop: Collection[str] = ()) -> None:
        """Check what a deployment of all these parameters would sweep.

        Raises:
            BadInput: it would drop a bucket that `drop` does not name, or sweep nothing, or a demo
                site and other buckets.
        """
        buckets = split(values["bucket"])
        self._check_dropped(buckets, drop)
        demo = values["demo"] == "true"
        if not demo and not buckets:
            absent = self.stack and not self.parameters
            why = f"; there is no stack {self.stack} to take it from" if absent else ""
            msg = f"There is nothing to sweep: {_GIVE}{why}"
        elif not demo or not buckets:
            return
        elif "demo" in (self.parameters or {}):
            msg = (
                f"The stack {self.stack} is a demo site, which bucket={values['bucket']} would "
                "replace; give --param demo=false to delete that site, or another --stage"
            )
        else:
            msg = f"Parameters bucket={values['bucket']} and demo=true exclude each other"
        raise BadInput(msg)

    def _check_dropped(self, buckets: Collection[str], drop: Collection[str]) -> None:
        for bucket in drop:
            if bucket not in self.buckets:
                msg = f"Parameter drop names {bucket}, which the stack {self.stack} does not sweep"
                raise BadInput(msg)
            if bucket in buckets:
                msg = f"Parameters bucket and drop both name {bucket}"
                raise BadInput(msg)
        lost = ",".join(one for one in self.buckets if one not in buckets and one not in drop)
        if lost:
            msg = (
                f"Parameter bucket leaves out {lost}, which the stack {self.stack} sweeps; "
                f"name it as well, or give --param drop={lost} to sweep it no longer"
            )
            raise BadInput(msg)
