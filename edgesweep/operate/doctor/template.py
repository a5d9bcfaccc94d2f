"""The template of a stack with its references filled in: the required state of its resources.

It resolves `Ref`, `Fn::GetAtt` and `Fn::Sub`, the functions that Edgesweep's template uses.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

# A value of a template: JSON.
Value = Any

QUEUE = "AWS::SQS::Queue"

# How the ARN of a resource follows from its physical id, by type.
_ARNS: Mapping[str, str] = {
    "AWS::DynamoDB::Table": "arn:{partition}:dynamodb:{region}:{account}:table/{id}",
    "AWS::Events::Rule": "arn:{partition}:events:{region}:{account}:rule/{id}",
    "AWS::IAM::Role": "arn:{partition}:iam::{account}:role/{id}",
    "AWS::Lambda::Function": "arn:{partition}:lambda:{region}:{account}:function:{id}",
    "AWS::Logs::LogGroup": "arn:{partition}:logs:{region}:{account}:log-group:{id}:*",
    "AWS::S3::Bucket": "arn:{partition}:s3:::{id}",
    QUEUE: "arn:{partition}:sqs:{region}:{account}:{id}",
}
NO_STREAMS: Mapping[str, str] = MappingProxyType({})
_NOTHING = {"Ref": "AWS::NoValue"}
_REFERENCE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as the template describes it."""

    name: str
    kind: str  # its CloudFormation type
    id: str  # what `Ref` returns: a name, a URL or an id, depending on the type
    properties: Mapping[str, Value]  # resolved


def resolve(
    template: Mapping[str, Value],
    ids: Mapping[str, str],
    account: Mapping[str, str],
    streams: Mapping[str, str] = NO_STREAMS,
) -> Sequence[Resource]:
    """Return the resources that have a physical id, in the order of the template.

    `account` holds the `account` of the stack, its `partition` (such as aws) and the `region`, and
    `streams` the ARN of each table's stream, which does not follow from an id.
    """
    written: Mapping[str, Value] = template.get("Resources", {})
    kinds = {name: resource["Type"] for name, resource in written.items() if name in ids}
    arns = {f"{name}.StreamArn": arn for name, arn in streams.items()}
    references = {**dict(_references(kinds, ids, account)), **arns}
    return [
        Resource(name, kind, ids[name], _filled(written[name].get("Properties", {}), references))
        for name, kind in kinds.items()
    ]


def actions(policy: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """Yield each action that a policy allows, and on what; a role's trust names whom instead."""
    for statement in _listed(policy.get("Statement", [])):
        whom = json.dumps(statement.get("Principal"), sort_keys=True)
        if statement["Effect"] == "Allow":
            for action in _listed(statement.get("Action", [])):
                for resource in _listed(statement.get("Resource", whom)):
                    yield action, resource


def _references(
    kinds: Mapping[str, str], ids: Mapping[str, str], account: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the values of `Name`, `Name.Attribute` and pseudo parameters."""
    yield "AWS::AccountId", account["account"]
    yield "AWS::Partition", account["partition"]
    yield "AWS::Region", account["region"]
    for name, kind in kinds.items():
        identity = ids[name]
        yield name, identity
        if kind == QUEUE:
            identity = identity.rpartition("/")[2]  # of its URL
            yield f"{name}.QueueName", identity
        if kind in _ARNS:
            yield f"{name}.Arn", _ARNS[kind].format(id=identity, **account)


def _filled(value: Value, references: Mapping[str, str]) -> Value:
    """Return a value with its references filled in; others stay as `${Name}`."""
    match value:
        case {"Ref": str(name)}:
            return references.get(name, f"${{{name}}}")
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return references.get(f"{name}.{attribute}", f"${{{name}.{attribute}}}")
        case {"Fn::Sub": str(text)}:
            return _REFERENCE.sub(lambda found: references.get(found[1], found[0]), text)
        case dict():
            kept = ((key, item) for key, item in value.items() if item != _NOTHING)
            return {key: _filled(item, references) for key, item in kept}
        case list():
            return [_filled(item, references) for item in value if item != _NOTHING]
    return value


def _listed(value: Value) -> Sequence[Value]:
    return value if isinstance(value, list) else [value]
