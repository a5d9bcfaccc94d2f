"""What the resources of a stack should be: its own template, with every reference filled in.

Only what Edgesweep's template says is understood: `Ref`, `Fn::GetAtt` and `Fn::Sub` of resources
and pseudo parameters. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
# What stands in its place is left out.
_NOTHING = {"Ref": "AWS::NoValue"}
_REFERENCE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Account:
    """Where a stack is.

    Attributes:
        id: the account's number.
        partition: `aws`, or that of China or GovCloud.
        region: the region.
    """

    id: str
    partition: str
    region: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as the template wants it.

    Attributes:
        name: its name in the template.
        kind: its CloudFormation type.
        id: what `Ref` returns: a name, a URL or an id, depending on the type.
        properties: resolved.
    """

    name: str
    kind: str
    id: str
    properties: Mapping[str, Value]


def given(template: Mapping[str, Value]) -> Mapping[str, str]:
    """Return the parameters of the deployment that wrote a template, but for those left out."""
    parameters: Mapping[str, str] = template.get("Metadata", {}).get("Parameters", {})
    return parameters


def resolve(
    template: Mapping[str, Value], ids: Mapping[str, str], account: Account
) -> Sequence[Resource]:
    """Return the resources that were created, in the order of the template.

    Args:
        template: the template, parsed.
        ids: name in the template -> physical id.
        account: where they were created.
    """
    written: Mapping[str, Value] = template.get("Resources", {})
    kinds = {name: resource["Type"] for name, resource in written.items()}
    resolver = _Resolver(kinds, ids, account)
    return [
        Resource(name, kinds[name], ids[name], resolver.value(resource.get("Properties", {})))
        for name, resource in written.items()
        if name in ids
    ]


@dataclass(frozen=True, slots=True)
class _Resolver:
    kinds: Mapping[str, str]
    ids: Mapping[str, str]
    account: Account

    def value(self, value: Value) -> Value:
        """Return a value without references; what is not understood stays as it is."""
        match value:
            case {"Ref": str(name)}:
                return self.ref(name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return self.attribute(name, attribute)
            case {"Fn::Sub": str(text)}:
                return _REFERENCE.sub(lambda found: self.named(found[1]), text)
            case dict():
                return {key: self.value(item) for key, item in value.items() if item != _NOTHING}
            case list():
                return [self.value(item) for item in value if item != _NOTHING]
        return value

    def named(self, reference: str) -> str:
        """Return what stands for `Name` or `Name.Attribute` in a text."""
        name, _, attribute = reference.partition(".")
        return self.attribute(name, attribute) if attribute else self.ref(name)

    def ref(self, name: str) -> str:
        """Return what `Ref` gives."""
        pseudo = {
            "AWS::AccountId": self.account.id,
            "AWS::Partition": self.account.partition,
            "AWS::Region": self.account.region,
        }
        return pseudo.get(name) or self.ids.get(name, f"${{{name}}}")

    def attribute(self, name: str, attribute: str) -> str:
        """Return what `Fn::GetAtt` gives."""
        kind = self.kinds.get(name, "")
        identity = self.ids.get(name, "")
        if kind == QUEUE:
            identity = identity.rpartition("/")[2]  # of its URL
        if attribute == "Arn" and kind in _ARNS:
            place = {"partition": self.account.partition, "region": self.account.region}
            return _ARNS[kind].format(id=identity, account=self.account.id, **place)
        return f"${{{name}.{attribute}}}"


def actions(policy: Mapping[str, Value], effect: str = "Allow") -> Iterator[tuple[str, str]]:
    """Yield each action and resource that the statements of a policy allow, or deny."""
    for statement in _listed(policy.get("Statement", [])):
        if statement["Effect"] == effect:
            for action in _listed(statement.get("Action", [])):
                for resource in _listed(statement.get("Resource", [])):
                    yield action, resource


def _listed(value: Value) -> Sequence[Value]:
    return value if isinstance(value, list) else [value]
