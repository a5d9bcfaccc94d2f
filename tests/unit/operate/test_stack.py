"""A deployment asks AWS what it replaces, and stops in one line where AWS does not say."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from unittest import mock

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from edgesweep.errors import BadInput, EdgesweepError
from edgesweep.operate import stack
from tests.configured import config_of

HERE = "us-east-1"
SESSION = boto3.Session(region_name=HERE)
ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/edgesweep-prod/1"
STACK = {
    "StackId": ID,
    "StackName": "edgesweep-prod",
    "CreationTime": datetime(2026, 11, 1, tzinfo=UTC),
    "StackStatus": "UPDATE_COMPLETE",
}


@pytest.fixture(name="answers")
def _answers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """A service of AWS, by default CloudFormation, whose answers a test gives."""
    client = SESSION.client(getattr(request, "param", "cloudformation"))
    monkeypatch.setattr("boto3.Session.client", lambda _session, _service: client)
    with Stubber(client) as stubber:
        yield stubber


def test_parameters(answers: Stubber) -> None:
    """The parameters are those of the stack that is there, compared with its own template."""
    values = {"Bucket": "my-site", "Shards": "3", "Headroom": "2"}
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
    declared = {name: {"Default": "2"} for name in values}
    template = {"Resources": {"FlushLambdaFunction": {}}, "Parameters": declared}
    named = {"StackName": "edgesweep-prod"}
    answers.add_response("describe_stacks", {"Stacks": [STACK | {"Parameters": given}]}, named)
    answers.add_response("get_template", {"TemplateBody": json.dumps(template)}, {"StackName": ID})

    before = stack.remembered("edgesweep-prod", SESSION)

    assert before.parameters == {"bucket": "my-site", "shards": "3"}
    assert before.buckets == ("my-site",)


def test_no_stack(answers: Stubber) -> None:
    """Without the stack there is nothing to replace."""
    missing = "Stack with id edgesweep-prod does not exist"
    answers.add_client_error("describe_stacks", "ValidationError", missing)

    before = stack.remembered("edgesweep-prod", SESSION)

    assert (before.parameters, before.buckets) == ({}, ())


@pytest.mark.parametrize("denied", ["describe_stacks", "get_template"])
def test_denied(answers: Stubber, denied: str) -> None:
    """A stack that may not be read does not count as missing."""
    if denied == "get_template":
        answers.add_response("describe_stacks", {"Stacks": [STACK]})
    answers.add_client_error(denied, "AccessDenied", "You may not")

    with pytest.raises(EdgesweepError, match=r"^The stack edgesweep-prod in us-east-1 cannot be r"):
        stack.remembered("edgesweep-prod", SESSION)


@pytest.fixture
def _site() -> Iterator[None]:
    with mock_aws():
        boto3.client("s3", region_name=HERE).create_bucket(Bucket="my-site")
        yield


@pytest.mark.usefixtures("_site")
def test_buckets() -> None:
    """A bucket that is missing is refused; one that the stack sweeps, with the way to drop it."""
    stack.check_buckets(["my-site"], [], SESSION)
    with pytest.raises(
        BadInput, match=r"^There is no bucket gone; create it, or correct its name$"
    ):
        stack.check_buckets(["my-site", "gone"], ["my-site"], SESSION)
    with pytest.raises(BadInput, match=r"or give --param drop=gone to stop sweeping it$"):
        stack.check_buckets(["my-site", "gone"], ["gone"], SESSION)


@pytest.mark.parametrize(
    ("look", "what"),
    [
        (lambda: stack.remembered("its", SESSION), "stack its in us-east-1"),
        (lambda: stack.check_buckets(["my-site"], [], SESSION), "bucket my-site"),
    ],
)
def test_unreachable(
    look: Callable[[], object], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an answer nothing is deployed, and one line says so."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with pytest.raises(EdgesweepError) as failure:
        look()

    (line,) = str(failure.value).splitlines()
    assert line.startswith(f"The {what} cannot be ")
    assert "so nothing is deployed: Could not connect" in line


@pytest.mark.parametrize("answers", ["cloudfront"], indirect=True)
def test_for_tenants(answers: Stubber) -> None:
    """A distribution for tenants only is refused in one line; one that may not be read is not."""
    config = config_of("oac")
    answers.add_client_error("get_distribution_config", "AccessDenied")
    answers.add_response("get_distribution_config", {"DistributionConfig": config})
    config = {**config, "ConnectionMode": "tenant-only"}
    answers.add_response("get_distribution_config", {"DistributionConfig": config})

    with pytest.raises(
        BadInput, match=r"^The distribution E3 accepts invalidations by tenant only"
    ):
        stack.check_distributions(["E1", "E2", "E3"], SESSION)


def test_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an answer of CloudFront nothing is deployed."""
    broken = mock.Mock(side_effect=EndpointConnectionError(endpoint_url="cloudfront"))
    client = mock.Mock(get_distribution_config=broken)
    monkeypatch.setattr("boto3.Session.client", lambda *_: client)

    with pytest.raises(EdgesweepError, match=r"^The distribution E1 cannot be checked, so nothi"):
        stack.check_distributions(["E1"], SESSION)
