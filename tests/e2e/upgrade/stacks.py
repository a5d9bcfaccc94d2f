"""A stack as CloudFormation has it while it updates one release to another."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.aws import EmbeddedAws
from tests.infra.evaluation import Evaluation

Template = Mapping[str, Any]


def outputs_of(aws: EmbeddedAws, stage: str) -> Mapping[str, str]:
    """Return a stack's outputs."""
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=_name(stage))["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def template_of(aws: EmbeddedAws, stage: str) -> Template:
    """Return the template that a stack was deployed from, as its parameters and code make it."""
    stack = aws.client("cloudformation").get_template(StackName=_name(stage))
    template: Template = stack["TemplateBody"]
    for function in _functions(template):
        bucket = outputs_of(aws, stage)["ServerlessDeploymentBucketName"]
        function["Code"]["S3Bucket"] = bucket
    if "Parameters" not in template:  # as before 0.2.0
        return template
    made = Evaluation(template, _name(stage), parameters_of(aws, stage)).template
    return {name: part for name, part in made.items() if name not in {"Parameters", "Conditions"}}


def parameters_of(aws: EmbeddedAws, stage: str) -> Mapping[str, str]:
    """Return a stack's parameters."""
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=_name(stage))["Stacks"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}


def of_stage(template: Template, old: str, new: str) -> Template:
    """Return a template for another stage; the code of its functions stays where it is."""
    made: Template = json.loads(json.dumps(template).replace(old, new))
    for function, copy in zip(_functions(template), _functions(made), strict=True):
        copy["Code"] = function["Code"]
    return made


def half_updated(old: Template, new: Template, late: str) -> Template:
    """Return the template of a stack before CloudFormation gets to one of its resources.

    It gets to those that depend on that one afterwards, and removes old ones when all are done.
    """
    waiting = {late}
    while more := {
        name
        for name, resource in new["Resources"].items()
        if name not in waiting and any(one in json.dumps(resource) for one in waiting)
    }:
        waiting |= more
    ready = {name: one for name, one in new["Resources"].items() if name not in waiting}
    return {**old, "Resources": {**old["Resources"], **ready}}


def put_stack(aws: EmbeddedAws, stage: str, template: Template, verb: str) -> None:
    """Create or update a stack, as `verb` says, and return once that is done."""
    formation, name = aws.client("cloudformation"), _name(stage)
    getattr(formation, f"{verb}_stack")(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    waiter = formation.get_waiter(f"stack_{verb}_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 900})


def _functions(template: Template) -> Iterator[dict[str, Any]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            yield resource["Properties"]


def _name(stage: str) -> str:
    return f"edgesweep-{stage}"
