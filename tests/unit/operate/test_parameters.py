"""A wrong deploy parameter is refused with one line, by the rule that the functions go by."""

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from edgesweep.errors import BadInput
from edgesweep.flush.budget import Budget
from edgesweep.operate.parameters import Remembered, accept, logical
from infra.parameters import answer, respond

EXISTING = {"bucket": "my-site", "distribution": "E2QWRUHEXAMPLE"}
BEFORE = Remembered("edgesweep-prod in us-east-1", {"bucket": "my-site", "shards": "3"})


def question(stage: str = "prod", **given: str) -> dict[str, Any]:
    """Return what a deployment asks."""
    return {"values": given, "stage": stage}


def ask(monkeypatch: pytest.MonkeyPatch, command: str, **given: str) -> int:
    """Ask what osls asks for a command, and return the exit code."""
    place = {"command": command, "stack": "edgesweep-prod", "region": "us-east-1"}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(question(**given) | place)))
    return respond(answer)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"budgetUsd": "-5"}, ["budgetUsd", '"-5"', "0 to 999999.99"]),
        ({"budgetUsd": "ten"}, ["budgetUsd", '"ten"', "0 to 999999.99"]),
        ({"freePaths": "1001"}, ["freePaths", '"1001"', "0 to 1000"]),
        (
            {"freePaths": "0"},
            ["freePaths 0 and budgetUsd 0: ", "allowance of 0 paths", "need 2 at least"],
        ),
        ({"freePaths": "1"}, ["freePaths 1", "allowance of 1 paths a month", "need 2 at least"]),
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
        ({"patienceMinutes": "1441"}, ["patienceMinutes", '"1441"', "0 to 1440"]),
        (
            {"patienceMinutes": "61", "guaranteeMinutes": "60"},
            ['patienceMinutes is "61"', "at most guaranteeMinutes, which is 60"],
        ),
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
            ["freePaths 3", "3 paths a month", "2 distributions need 4 at least"],
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
        (
            EXISTING
            | dict.fromkeys(("include", "exclude"), ",".join(f"{n}{'é' * 98}" for n in range(9))),
            ["The parameters have 3,", "bytes together", "at most 2,400"],
        ),
        ({"ignoreMetadata": "a b"}, ["ignoreMetadata", '"a b"', "a name of user metadata"]),
        ({"skipUnchanged": "yes"}, ["skipUnchanged", '"yes"', "true or false"]),
        ({"viewerPaths": "bare+folder"}, ["viewerPaths is \"bare+folder\": 'folder'", "bare, "]),
        ({"viewerPaths": "d1=bare"}, ["viewerPaths", '"d1=bare"', "a distribution id"]),
        ({"errorSeconds": "9"}, ["errorSeconds", '"9"', "a whole number from 10 to 31536000"]),
        ({"spellings": "two"}, ["spellings", '"two"', "all or one"]),
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
    assert ask(monkeypatch, "package", **parameters) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert [text for text in named if text not in said.err] == []


def test_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Lists come without repetition, what is no default is kept, and a Python packages."""
    given = {"bucket": " my-site,other.site, my-site", "budgetUsd": "9"}

    assert ask(monkeypatch, "package", **given) == 0

    answer = json.loads(capsys.readouterr().out)
    values = {one["ParameterKey"]: one["ParameterValue"] for one in answer["values"]}
    assert values.keys() == answer["section"].keys()
    assert values["Bucket"] == "my-site,other.site"
    assert answer["given"] == {"bucket": "my-site,other.site, my-site", "budgetUsd": "9"}
    assert values["QuietSeconds"] == "10"
    assert "pip" in subprocess.check_output([answer["python"], "-m", "pip", "--version"], text=True)


def test_no_pip(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no Python has pip, one line says so before anything is packaged."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setenv("PATH", "/nowhere")

    assert ask(monkeypatch, "package", demo="true") == 2
    assert capsys.readouterr().err == "Packaging the functions needs pip; install it for python3\n"


def test_other_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that deploys nothing needs no parameter."""
    assert ask(monkeypatch, "remove") == 0


def test_package(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A package remembers nothing, so it has to be given what it sweeps."""
    assert ask(monkeypatch, "package") == 2
    assert capsys.readouterr().err == (
        "There is nothing to sweep: give --param bucket=NAME for your bucket, or --param "
        "demo=true for a demo site\n"
    )


def test_remembered() -> None:
    """The answer says which parameters come from the stack, and keeps them."""
    accepted = accept({"budgetUsd": "9"}, BEFORE)

    assert accepted["remembered"] == "bucket=my-site shards=3"
    assert accepted["given"] == {"bucket": "my-site", "shards": "3", "budgetUsd": "9"}


@pytest.mark.parametrize("text", ["default", " default ", "1"])
def test_reset(text: str) -> None:
    """A parameter is reset by its default or by that word, and is remembered no longer."""
    accepted = accept({"shards": text}, BEFORE)

    assert accepted["shards"] == "1"
    assert accepted["given"] == {"bucket": "my-site"}


def test_dropped() -> None:
    """A dropped bucket is swept no longer; that it was dropped is not remembered."""
    accepted = accept({"bucket": "other", "drop": "my-site"}, BEFORE)

    assert accepted["given"] == {"bucket": "other", "shards": "3"}


@pytest.mark.parametrize(
    "parameters",
    [
        {"budgetUsd": "39.64", "guaranteeMinutes": "5"},
        {"budgetUsd": "0.01", "freePaths": "0"},
        {"budgetUsd": "none", "guaranteeMinutes": "1"},
        EXISTING,
        {"bucket": "my-site"},
        {"exclude": "logs/*, *.map", "immutable": "assets/*"},
        {"ignoreMetadata": "build, ci-*"},
        {"viewerPaths": "none,E2QWRUHEXAMPLE=folders+bare+stems"},
        {"viewerPaths": "E2QWRUHEXAMPLE=strip=/app+/images/{key}*+/{key}/w=*"},
        {"errorSeconds": "86400", "spellings": "one"},
        {"quietSeconds": "0", "maxWaitSeconds": "1", "shards": "100", "headroom": "0"},
        {"refetchUsd": "0", "missUsd": "0.000000000001"},
    ],
)
def test_acceptance(parameters: Mapping[str, str]) -> None:
    """Parameters within their bounds are accepted as they are."""
    assert accept(parameters, None)["given"] == parameters


def test_same_refusal() -> None:
    """What a deployment is refused for, the functions refuse in the same words."""
    for distributions, minutes, free in product((1, 3), ("1", "44"), ("7", "1000")):
        given = ",".join(f"E2QWRUHEX{number:03}" for number in range(distributions))
        chosen = {"bucket": "my-site", "distribution": given, "freePaths": free}
        with pytest.raises(BadInput) as refused:
            accept(dict(**chosen, guaranteeMinutes=minutes), None)
        with pytest.raises(BadInput) as refusal:
            Budget(
                free_paths=int(free),
                guarantee=timedelta(minutes=int(minutes)),
                distributions=distributions,
            )

        assert str(refused.value) == f'Parameter guaranteeMinutes is "{minutes}": {refusal.value}'


@pytest.mark.parametrize(
    ("release", "free", "said"),
    [
        ("0.1.0", "100", True),
        ("0.1.0", "0", False),
        ("0.1.0", "1000", False),
        ("0.2.0", "100", False),
    ],
)
def test_counted_twice(release: str, free: str, said: bool) -> None:  # noqa: FBT001  # a case
    """An upgrade says so if `freePaths` leaves out what others spend, which is now counted."""
    kept = {"bucket": "my-site", "freePaths": free, "budgetUsd": "1"}
    values = {logical(name): text for name, text in kept.items()}
    templates: Mapping[str, Mapping[str, Any]] = {
        "0.1.0": {"Metadata": {"Parameters": kept}},
        "0.2.0": {"Parameters": {name: {} for name in values}},
    }
    template = {"Resources": {"FlushLambdaFunction": {}}, **templates[release]}
    before = Remembered.of("edgesweep-prod", template, values)

    accepted = accept({"bucket": "my-site"}, before)

    assert ("what the whole account has free" in accepted["remembered"]) is said
