"""A deployment takes from the stack what it is not given, and drops no bucket by an omission."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.errors import BadInput
from edgesweep.operate.parameters import Remembered, logical
from edgesweep.settings import PARAMETERS, split

STACK = "edgesweep-prod in us-east-1"
NONE = Remembered(STACK, {})
SITE = Remembered(STACK, {"bucket": "a-site,b-site", "budgetUsd": "5"})
DEMO = Remembered(STACK, {"demo": "true", "shards": "3"})

names = st.lists(st.sampled_from(["a-site", "b-site", "c-site"]), unique=True)
befores = names.map(
    lambda buckets: Remembered(STACK, {"bucket": ",".join(buckets)} if buckets else {})
)


def template(**parameters: str) -> Mapping[str, Any]:
    """Return what matters of a template of 0.1.0, which kept its parameters itself."""
    source = "ChangeRule" if "bucket" in parameters else "SiteBucket"
    resources: dict[str, Any] = {"ServerlessDeploymentBucket": {}, "FlushLambdaFunction": {}}
    return {"Resources": {**resources, source: {}}, "Metadata": {"Parameters": parameters}}


@pytest.mark.parametrize(
    ("found", "before"),
    [
        ({}, NONE),
        ({"Resources": {"ServerlessDeploymentBucket": {}}}, NONE),
        (template(bucket="a-site,b-site", budgetUsd="5"), replace(SITE, counts=False)),
        (template(shards="3"), replace(DEMO, counts=False)),
    ],
    ids=["no stack", "failed", "buckets of 0.1.0", "demo of 0.1.0"],
)
def test_reading(found: Mapping[str, Any], before: Remembered) -> None:
    """The template of 0.1.0 says the parameters, and a stack that is not there has none."""
    assert Remembered.of(STACK, found, {}) == before


@given(st.dictionaries(st.sampled_from(sorted(PARAMETERS)), st.text(max_size=3)))
def test_parameters(given_: Mapping[str, str]) -> None:
    """CloudFormation's own parameters say what differs from the defaults of that deployment."""
    declared = {logical(name): {"Default": "then"} for name in PARAMETERS} | {"CodeBucket": {}}
    values = dict.fromkeys(declared, "then") | {logical(k): text for k, text in given_.items()}
    values["Bucket"] = ",".join(split(given_.get("bucket", "a-site")))
    declared["Bucket"] = {}
    found = {"Resources": {"FlushLambdaFunction": {}}, "Parameters": declared}

    before = Remembered.of(STACK, found, values)

    changed = {name: text for name, text in given_.items() if text != "then"}
    bucket = {"bucket": values["Bucket"]} if values["Bucket"] else {}
    assert (
        before.parameters == {name: changed[name] for name in changed if name != "bucket"} | bucket
    )


def test_completion() -> None:
    """What is given counts, then what the stack remembers, then the default."""
    values = SITE.completed({"shards": "2"})

    assert values.keys() == PARAMETERS.keys()
    assert (values["bucket"], values["budgetUsd"], values["shards"]) == ("a-site,b-site", "5", "2")
    assert values["quietSeconds"] == PARAMETERS["quietSeconds"].default
    assert SITE.completed({"budgetUsd": "0"})["budgetUsd"] == "0"


def test_forgotten() -> None:
    """A parameter that this version does not know is left out."""
    assert "colour" not in Remembered(STACK, {"colour": "red"}).completed({})


def test_drop() -> None:
    """A bucket that is dropped by name is swept no longer; the others are."""
    values = SITE.completed({}, ["a-site"])

    SITE.check(values, ["a-site"])
    assert values["bucket"] == "b-site"


_NOTHING = (
    "There is nothing to sweep: give --param bucket=NAME for your bucket, or --param demo=true for "
    "a demo site"
)
_LOST = (
    "Parameter bucket leaves out b-site, which the stack edgesweep-prod in us-east-1 sweeps; name "
    "it as well, or give --param drop=b-site to stop sweeping it"
)
_DEMO = (
    "The stack edgesweep-prod in us-east-1 is a demo site, which bucket=a-site would replace; give "
    "--param demo=false to delete that site, or another --stage"
)


@pytest.mark.parametrize(
    ("before", "given_", "drop", "line"),
    [
        (NONE, {}, [], f"{_NOTHING}; there is no stack edgesweep-prod in us-east-1 to take it fr"),
        (SITE, {}, ["a-site", "b-site"], _NOTHING),
        (SITE, {"bucket": "a-site,c-site"}, [], _LOST),
        (SITE, {"bucket": ""}, [], "Parameter bucket leaves out a-site,b-site, which the stack "),
        (SITE, {}, ["c-site"], "Parameter drop names c-site, which the stack edgesweep-prod in "),
        (SITE, {"bucket": "a-site"}, ["a-site"], "Parameters bucket and drop both name a-site"),
        (SITE, {"demo": "true"}, [], "Parameters bucket=a-site,b-site and demo=true exclude each "),
        (DEMO, {"bucket": "a-site"}, [], _DEMO),
    ],
)
def test_refusal(before: Remembered, given_: Mapping[str, str], drop: list[str], line: str) -> None:
    """One line says what is wrong, with the parameter that mends it."""
    with pytest.raises(BadInput) as refusal:
        before.check(before.completed(given_, drop), drop)

    assert str(refusal.value).startswith(line)


@pytest.mark.parametrize(
    ("before", "given_"), [(DEMO, {"demo": "false", "bucket": "a-site"}), (NONE, {"demo": "true"})]
)
def test_demo(before: Remembered, given_: Mapping[str, str]) -> None:
    """A demo site comes where it is asked for by name, and goes where it is refused by name."""
    values = before.completed(given_)

    before.check(values)
    assert values["demo"] == given_["demo"]


@given(befores, st.none() | names, names)
def test_no_loss(before: Remembered, buckets: list[str] | None, drop: list[str]) -> None:
    """A bucket goes only if it is dropped by name, whatever else is given."""
    values = before.completed({} if buckets is None else {"bucket": ",".join(buckets)}, drop)
    try:
        before.check(values, drop)
    except BadInput:
        return

    assert set(before.buckets) - set(split(values["bucket"])) == set(drop)


@given(st.dictionaries(st.sampled_from(sorted(PARAMETERS)), st.text(max_size=3)))
def test_same_again(parameters: Mapping[str, str]) -> None:
    """Deploying again without a parameter deploys the same."""
    bucket = ",".join(split(parameters.get("bucket", "")))
    before = Remembered(STACK, {**parameters, "bucket": bucket})

    values = before.completed({})

    assert {name: values[name] for name in before.parameters} == before.parameters
