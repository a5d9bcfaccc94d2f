"""The template of a stack with its references filled in: the required state of its resources.

It knows the functions of CloudFormation that Edgesweep's template uses.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import not_
from typing import Any

Value = Any  # of a template: JSON
Texts = Mapping[str, str]

QUEUE = "AWS::SQS::Queue"

# How the ARN of a resource follows from its physical id, by type.
_ARNS: Texts = {
    "AWS::DynamoDB::Table": "dynamodb:${AWS::Region}:${AWS::AccountId}:table/${id}",
    "AWS::Events::Rule": "events:${AWS::Region}:${AWS::AccountId}:rule/${id}",
    "AWS::IAM::Role": "iam::${AWS::AccountId}:role/${id}",
    "AWS::Lambda::Function": "lambda:${AWS::Region}:${AWS::AccountId}:function:${id}",
    "AWS::Logs::LogGroup": "logs:${AWS::Region}:${AWS::AccountId}:log-group:${id}:*",
    "AWS::S3::Bucket": "s3:::${id}",
    QUEUE: "sqs:${AWS::Region}:${AWS::AccountId}:${id}",
}
_FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "Fn::Equals": lambda left, right: left == right,
    "Fn::Join": str.join,
    "Fn::Not": not_,
    "Fn::Or": lambda *several: any(several),
    "Fn::Split": lambda between, text: text.split(between),
}
_REFERENCE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as the template describes it."""

    name: str
    kind: str  # its CloudFormation type
    id: str  # what `Ref` returns: a name, a URL or an id, depending on the type
    properties: Mapping[str, Value]  # resolved


def resolve(template: Mapping[str, Value], ids: Texts, values: Texts) -> Sequence[Resource]:
    """Return the resources that have a physical id, in the order of the template.

    `values` has the parameters, the pseudo parameters, and attributes that follow from no id.
    """
    written = {name: one for name, one in template.get("Resources", {}).items() if name in ids}
    known: dict[str, Value] = {"AWS::NoValue": None, **values}
    for name, one in written.items():
        known[name] = identity = ids[name]
        if one["Type"] == QUEUE:
            known[f"{name}.QueueName"] = identity = identity.rpartition("/")[2]  # of its URL
        if one["Type"] in _ARNS:
            arn = {"Fn::Sub": "arn:${AWS::Partition}:" + _ARNS[one["Type"]]}
            known[f"{name}.Arn"] = _Filling({**values, "id": identity}).filled(arn)
    filled = _Filling(known, template.get("Conditions", {})).filled
    return [
        Resource(name, one["Type"], ids[name], filled(one.get("Properties", {})))
        for name, one in written.items()
    ]


def actions(policy: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """Yield each action that a policy allows, and its resource; its principal in a role's trust."""
    for statement in _listed(policy.get("Statement", [])):
        whom = json.dumps(statement.get("Principal"), sort_keys=True)
        if statement["Effect"] == "Allow":
            for action in _listed(statement.get("Action", [])):
                for resource in _listed(statement.get("Resource", whom)):
                    yield action, resource


@dataclass(frozen=True, slots=True)
class _Filling:
    """Fills in references and computes functions; an unknown reference stays as `${Name}`."""

    references: Mapping[str, Value]
    conditions: Mapping[str, Value] = field(default_factory=dict)

    def filled(self, value: Value) -> Value:  # noqa: PLR0911  # one for each form of a value
        """Return a value with all that can be known of it; None for `AWS::NoValue`."""
        match value:
            case {"Ref": str(name)}:
                return self._named(name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self._named(f"{name}.{attribute}")
            case {"Fn::Sub": str(text)}:
                return _REFERENCE.sub(lambda found: self._named(found[1]), text)
            case {"Condition": str(name)}:
                return self.filled(self.conditions[name])
            case {"Fn::If": [str(name), yes, no]}:
                return self.filled(yes if self.filled({"Condition": name}) else no)
            case dict():
                known = {key: self.filled(item) for key, item in value.items()}
                for name, function in _FUNCTIONS.items():
                    if name in known:
                        return function(*known[name])
                return {key: item for key, item in known.items() if item is not None}
            case list():
                return [item for item in map(self.filled, value) if item is not None]
        return value

    def _named(self, name: str) -> Value:
        return self.references.get(name, f"${{{name}}}")


def _listed(value: Value) -> Sequence[Value]:
    return value if isinstance(value, list) else [value]
