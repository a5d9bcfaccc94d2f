"""A wrong deploy parameter is refused with one line, by the rule that the functions go by."""

import io
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from edgesweep.errors import BadInput
from edgesweep.flush.budget import Budget
from edgesweep.operate.parameters import accept, main
from edgesweep.settings import PARAMETERS
from tests.fakes.regions import s3

EXISTING = {"bucket": "my-site", "distribution": "E2QWRUHEXAMPLE"}


def question(stage: str = "prod", region: str | None = None, **given: str) -> dict[str, Any]:
    """Return what a deployment asks."""
    values = {name: one.default for name, one in PARAMETERS.items()} | given
    return {"values": values, "assigned": list(given), "stage": stage, "region": region}


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"budgetUsd": "-5"}, ["budgetUsd", '"-5"', "0 to 999999.99"]),
        ({"budgetUsd": "ten"}, ["budgetUsd", '"ten"', "0 to 999999.99"]),
        ({"freePaths": "1001"}, ["freePaths", '"1001"', "0 to 1000"]),
        (
            {"freePaths": "0"},
            ["freePaths 0 and budgetUsd 0: ", "allowance of 0 paths", "take 2 at least"],
        ),
        ({"freePaths": "1"}, ["freePaths 1", "allowance of 1 paths a month", "take 2 at least"]),
        ({"guaranteeMinutes": "0"}, ["guaranteeMinutes", '"0"', "1 to 9999"]),
        (
            {"guaranteeMinutes": "5"},
            [
                'guaranteeMinutes is "5": A flush every 5 minutes takes 8,928 paths a month, ',
                "$39.64; your budget pays for one every 45 minutes at most\n",
            ],
        ),
        ({"quietSeconds": "301"}, ["quietSeconds", '"301"', "0 to 300"]),
        ({"maxWaitSeconds": "3601"}, ["maxWaitSeconds", '"3601"', "1 to 3600"]),
        ({"maxWaitSeconds": "0"}, ["maxWaitSeconds", '"0"', "1 to 3600"]),
        ({"shards": "0"}, ["shards", '"0"', "1 to 100"]),
        ({"shards": "1.5"}, ["shards", '"1.5"', "a whole number from 1 to 100"]),
        ({"headroom": "15"}, ["headroom", '"15"', "0 to 14"]),
        ({"refetchUsd": "1.1"}, ["refetchUsd", '"1.1"', "dollars from 0 to 1"]),
        ({"refetchUsd": ""}, ["refetchUsd", '""', "dollars from 0 to 1"]),
        ({"missUsd": "5e-6"}, ["missUsd", '"5e-6"', "dollars from 0 to 1"]),
        ({"alarmEmail": "ops"}, ["alarmEmail", '"ops"', "one e-mail address"]),
        ({"stage": "Prod"}, ["stage", '"Prod"', "1 to 20 lower-case letters"]),
        ({"bucket": "My_Site"}, ["bucket", '"My_Site"', "3 to 63"]),
        (
            EXISTING | {"distribution": "E2QWRUHEXAMPLE,d1"},
            ["distribution", '"d1"', "an E followed"],
        ),
        (
            EXISTING | {"distribution": ",".join(f"E2QWRUHEX{n:03}" for n in range(21))},
            ["21 distributions", "at most 20"],
        ),
        (
            EXISTING | {"distribution": "E2QWRUHEXAMPLE,E3QWRUHEXAMPLE", "freePaths": "3"},
            ["freePaths 3", "3 paths a month", "2 distributions take 4 at least"],
        ),
        (
            EXISTING | {"distribution": "E2QWRUHEXAMPLE,E3QWRUHEXAMPLE", "guaranteeMinutes": "60"},
            [
                "2 distributions every 60 minutes takes 1,488 paths a month, $2.44",
                "every 90 minutes",
            ],
        ),
        ({"exclude": "logs/* old/*"}, ["exclude", '"logs/* old/*"', "path pattern"]),
        ({"immutable": "a" * 256}, ["immutable", "path pattern"]),
        ({"include": ",".join(["a" * 200] * 6)}, ["include", "1205 characters", "1000 or fewer"]),
        ({"skipUnchanged": "yes"}, ["skipUnchanged", '"yes"', "true or false"]),
        ({"viewerPaths": "folder"}, ["viewerPaths", '"folder"', "folders, bare"]),
        ({"distribution": "E2QWRUHEXAMPLE"}, ["bucket is missing", "E2QWRUHEXAMPLE"]),
        (EXISTING | {"distribution": "d1.cloudfront.net"}, ["distribution", "d1.cloudfront.net"]),
        (
            EXISTING | {"bucket": ",".join(f"b{n:03}" for n in range(11))},
            ["11 buckets", "at most 10"],
        ),
        ({"dashboard": "yes"}, ["dashboard", '"yes"', "true or false"]),
        ({"permissionsBoundary": "boundary"}, ["permissionsBoundary", '"boundary"', "the ARN of"]),
        ({"budget": "5"}, ["budget is unknown", "budgetUsd"]),
    ],
)
def test_refusal(
    parameters: Mapping[str, str],
    named: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line names the parameter, its value and the bound."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(question(**parameters))))

    assert main() == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert [text for text in named if text not in said.err] == []


def test_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Lists come without repetition, and what is no default is kept as it was given."""
    given = {"bucket": " my-site,other.site, my-site", "budgetUsd": "9"}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(question(**given))))

    assert main() == 0

    answer = json.loads(capsys.readouterr().out)
    assert answer["bucket"] == "my-site,other.site"
    assert answer["given"] == {"bucket": "my-site,other.site, my-site", "budgetUsd": "9"}
    assert answer["quietSeconds"] == "10"


@pytest.mark.parametrize(
    "parameters",
    [
        {"budgetUsd": "39.64", "guaranteeMinutes": "5"},
        {"budgetUsd": "0.01", "freePaths": "0"},
        {"budgetUsd": "none", "guaranteeMinutes": "1"},
        EXISTING,
        {"bucket": "my-site"},
        {"exclude": "logs/*, *.map", "immutable": "assets/*"},
        {"viewerPaths": "none,E2QWRUHEXAMPLE=folders+bare+stems"},
        {"quietSeconds": "0", "maxWaitSeconds": "1", "shards": "100", "headroom": "0"},
        {"refetchUsd": "0", "missUsd": "0.000000000001"},
    ],
)
def test_acceptance(parameters: Mapping[str, str]) -> None:
    """Parameters within their bounds are accepted as they are."""
    assert accept(**question(**parameters))["given"] == parameters


def test_same_refusal() -> None:
    """What a deployment is refused for, the functions refuse in the same words."""
    for distributions, minutes, free in product((1, 3), ("1", "44"), ("7", "1000")):
        given = ",".join(f"E2QWRUHEX{number:03}" for number in range(distributions))
        chosen = {"bucket": "my-site", "distribution": given, "freePaths": free}
        with pytest.raises(BadInput) as refused:
            accept(**question(**chosen, guaranteeMinutes=minutes))
        with pytest.raises(BadInput) as refusal:
            Budget(
                free_paths=int(free),
                guarantee=timedelta(minutes=int(minutes)),
                distributions=distributions,
            )

        assert str(refused.value) == f'Parameter guaranteeMinutes is "{minutes}": {refusal.value}'


@pytest.fixture(name="asked")
def _asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with s3() as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        yield


@pytest.mark.usefixtures("asked")
def test_elsewhere() -> None:
    """A bucket in another region is refused, with what to do."""
    with pytest.raises(BadInput) as refusal:
        accept(**question(region="us-east-1", bucket="nobodys-site,my-site"))

    assert str(refusal.value) == (
        "Parameter bucket names my-site, which is in eu-west-1, not in us-east-1; "
        "deploy a stack with --region eu-west-1 for it"
    )


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("bucket", "region"), [("my-site", "eu-west-1"), ("nobodys-site", "us-east-1")]
)
def test_here(bucket: str, region: str) -> None:
    """A bucket in the stack's region, or wherever S3 does not tell, is not held up."""
    assert accept(**question(region=region, bucket=bucket))["bucket"] == bucket


def test_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where S3 is not to be reached, nothing is held against the bucket."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:1")

    assert accept(**question(region="us-east-1", bucket="my-site"))["bucket"] == "my-site"
