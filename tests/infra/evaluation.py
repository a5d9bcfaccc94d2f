"""What CloudFormation makes of a template and parameters before it knows any resource."""

from collections.abc import Mapping
from typing import Any

_NOTHING = {"Ref": "AWS::NoValue"}


class Evaluation:
    """A template whose parameters and conditions are filled in; references to resources stay."""

    def __init__(self, template: Mapping[str, Any], stack: str, values: Mapping[str, str]) -> None:
        defaults = {name: one.get("Default") for name, one in template["Parameters"].items()}
        self._values = {**defaults, **values, "AWS::StackName": stack}
        self._conditions = template.get("Conditions", {})
        self.template = {
            **template,
            **{name: self._kept(template[name]) for name in ("Resources", "Outputs")},
        }

    def _kept(self, named: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: {key: self._value(item) for key, item in one.items() if key != "Condition"}
            for name, one in named.items()
            if "Condition" not in one or self._holds(one["Condition"])
        }

    def _holds(self, condition: Any) -> bool:  # noqa: ANN401  # CloudFormation
        match condition:
            case str(name) | {"Condition": str(name)}:
                return self._holds(self._conditions[name])
            case {"Fn::Not": [one]}:
                return not self._holds(one)
            case {"Fn::Or": list(several)}:
                return any(map(self._holds, several))
            case {"Fn::Equals": [left, right]}:
                return bool(self._value(left) == self._value(right))
        raise AssertionError(condition)

    def _value(self, value: Any) -> Any:  # noqa: ANN401, PLR0911  # CloudFormation; one for each function
        match value:
            case {"Ref": str(name)} if name in self._values:
                return self._values[name]
            case {"Fn::Sub": str(text)}:
                for name, known in self._values.items():
                    text = text.replace(f"${{{name}}}", str(known))
                return {"Fn::Sub": text} if "${" in text else text
            case {"Fn::If": [str(name), yes, no]}:
                return self._value(yes if self._holds(name) else no)
            case {"Fn::Join": [str(between), parts]}:
                known = self._value(parts)
                texts = all(isinstance(part, str) for part in known)
                return between.join(known) if texts else {"Fn::Join": [between, known]}
            case {"Fn::Split": [str(between), text]}:
                return self._value(text).split(between)
            case dict():
                pairs = ((key, self._value(item)) for key, item in value.items())
                return {key: item for key, item in pairs if item != _NOTHING}
            case list():
                return [item for item in map(self._value, value) if item != _NOTHING]
        return value
