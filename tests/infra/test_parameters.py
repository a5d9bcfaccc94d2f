"""A wrong deploy parameter ends the deployment with one line, before it begins."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product

import pytest
import yaml

from edgesweep.errors import BadInput
from edgesweep.flush.budget import Budget
from infra.local.aws import REGION, ROOT

CHECK = """
const [parameters, stage, region, defaults] = JSON.parse(process.argv[1]);
const values = { 'self:provider.stage': stage, 'self:provider.region': region };
for (const [name, value] of Object.entries(parameters)) values[`param:${name}`] = value;
const options = { param: Object.keys(parameters).map((name) => `${name}=`) };
const resolve = {
  resolveVariable: async (name) => values[name],
  resolveConfigurationProperty: async (path) => ({ 'params.default': defaults })[path.join('.')],
};
require('./infra/params.js')({ options, ...resolve })
  .then((settings) => console.log(JSON.stringify(settings)));
"""
DEFAULTS = {
    "bucket": "", "distribution": "", "budgetUsd": "0", "freePaths": "1000",
    "guaranteeMinutes": "", "alarmEmail": "", "include": "", "exclude": "", "immutable": "",
    "viewerPaths": "", "skipUnchanged": "true", "quietSeconds": "10", "maxWaitSeconds": "300",
    "shards": "1", "headroom": "2", "refetchUsd": "0.0000052", "missUsd": "0",
    "dashboard": "false", "permissionsBoundary": "",
}  # fmt: skip
EXISTING = {"bucket": "my-site", "distribution": "E2QWRUHEXAMPLE"}


def check(stage: str = "prod", **parameters: str) -> subprocess.CompletedProcess[str]:
    """Run the check of the parameters as a deployment does."""
    given = json.dumps([DEFAULTS | parameters, stage, REGION, DEFAULTS])
    command = ["node", "-e", CHECK, given]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"budgetUsd": "-5"}, ["budgetUsd", '"-5"', "0 to 999999.99"]),
        ({"budgetUsd": "ten"}, ["budgetUsd", '"ten"', "0 to 999999.99"]),
        ({"freePaths": "1001"}, ["freePaths", '"1001"', "0 to 1000"]),
        ({"freePaths": "0"}, ["freePaths 0", "budgetUsd 0", "2 or more"]),
        ({"freePaths": "1"}, ["freePaths 1", "1 paths a month", "2 or more"]),
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
            ["freePaths 3", "3 paths a month", "4 or more"],
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
def test_refusal(parameters: Mapping[str, str], named: list[str]) -> None:
    """One line names the parameter, its value and the bound."""
    refused = check(**parameters)

    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert [text for text in named if text not in refused.stderr] == []


@pytest.mark.parametrize(
    ("parameters", "source"),
    [
        ({}, "site"),
        ({"budgetUsd": "39.64", "guaranteeMinutes": "5"}, "site"),
        ({"budgetUsd": "0.01", "freePaths": "0"}, "site"),
        ({"budgetUsd": "none", "guaranteeMinutes": "1"}, "site"),
        (EXISTING, "buckets"),
        (EXISTING | {"bucket": "my-site, other.site"}, "buckets"),
        ({"bucket": "my-site"}, "buckets"),
        ({"exclude": "logs/*, *.map", "immutable": "assets/*"}, "site"),
        ({"viewerPaths": "none,E2QWRUHEXAMPLE=folders+bare+stems"}, "site"),
        ({"quietSeconds": "0", "maxWaitSeconds": "1", "shards": "100", "headroom": "0"}, "site"),
        ({"refetchUsd": "0", "missUsd": "0.000000000001"}, "site"),
    ],
)
def test_acceptance(parameters: Mapping[str, str], source: str) -> None:
    """Parameters within their bounds choose what is deployed."""
    accepted = check(**parameters)

    assert accepted.stderr == ""
    assert json.loads(accepted.stdout)["source"] == source


@pytest.mark.parametrize(
    ("distribution", "ends", "lists"),
    [
        ("", ["/*"], True),
        ("E2QWRUHEXAMPLE, E3QWRUHEXAMPLE", ["/E2QWRUHEXAMPLE", "/E3QWRUHEXAMPLE"], False),
    ],
)
def test_distributions(distribution: str, ends: list[str], lists: bool) -> None:  # noqa: FBT001  # a parameter
    """Only a stack that finds out its distributions may list them and invalidate any."""
    settings = json.loads(check(bucket="my-site", distribution=distribution).stdout)
    arns = [arn["Fn::Sub"] for arn in settings["distributionArns"]]

    assert [arn[arn.rindex("/") :] for arn in arns] == ends
    assert ("cloudfront:ListDistributions" in json.dumps(settings["discover"])) is lists


@pytest.mark.parametrize("skip", [True, False])
def test_skip_unchanged(skip: bool) -> None:  # noqa: FBT001  # a parameter
    """A catalogue, and its name for the recorder, are there just where it is wanted."""
    settings = json.loads(check(skipUnchanged=str(skip).lower()).stdout)

    assert bool(settings["catalogue"]) is skip
    assert settings["catalogueTable"] == ({"Ref": "CatalogueTable"} if skip else "")


@pytest.mark.parametrize(
    ("budget", "warning"),
    [("0", None), ("0.00", None), ("0.01", 0.008), ("39.64", 31.712), ("none", None)],
)
def test_budget_alarm(budget: str, warning: float | None) -> None:
    """A budget has an alarm at 80 % of it, to a fraction of a cent; 0 and no limit have none."""
    settings = json.loads(check(budgetUsd=budget).stdout)

    assert settings.get("budgetWarning") == warning
    assert settings["budgetAlarm"] == ({} if warning is None else "${file(infra/budget.yml)}")


def test_same_refusal() -> None:
    """What a deployment is refused for, the functions refuse in the same words."""
    for distributions, minutes, free in product((1, 3), ("1", "44"), ("7", "1000")):
        given = ",".join(f"E2QWRUHEX{number:03}" for number in range(distributions))
        chosen = {"bucket": "my-site", "distribution": given, "freePaths": free}
        refused = check(**chosen, guaranteeMinutes=minutes).stderr
        with pytest.raises(BadInput) as refusal:
            Budget(
                free_paths=int(free),
                guarantee=timedelta(minutes=int(minutes)),
                distributions=distributions,
            )

        assert refused == f'Parameter guaranteeMinutes is "{minutes}": {refusal.value}\n'


@pytest.fixture(name="s3")
def _s3() -> Iterator[str]:
    """Stand in for S3, which refuses strangers and tells them where the bucket is."""

    class Refusal(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(403)
            if self.path != "/nobodys-site":
                self.send_header("x-amz-bucket-region", "eu-west-1")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def osls(*arguments: str, endpoint: str) -> subprocess.CompletedProcess[str]:
    """Run osls where S3 answers at an endpoint."""
    environment = os.environ | {"AWS_ENDPOINT_URL": endpoint, "NO_PROXY": "127.0.0.1"}
    command = ["node_modules/.bin/osls", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )


def test_elsewhere(s3: str) -> None:
    """A bucket in another region is refused before anything is deployed, with what to do."""
    given = "--param=bucket=nobodys-site,my-site"

    refused = osls("deploy", "--region=us-east-1", given, endpoint=s3)

    assert refused.returncode == 2
    assert refused.stderr == (
        "Parameter bucket names my-site, which is in eu-west-1, not in us-east-1; "
        "deploy a stack with --region eu-west-1 for it\n"
    )


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_here(s3: str, region: str) -> None:
    """A bucket in the stack's region, or wherever S3 does not tell, is not held up."""
    name = "my-site" if region == "eu-west-1" else "nobodys-site"

    assert json.loads(deployed(name, region, s3).stdout)["source"] == "buckets"


def test_unreachable() -> None:
    """Where S3 is not to be reached, nothing is held against the bucket."""
    assert deployed("my-site", "us-east-1", "http://127.0.0.1:1").returncode == 0


def deployed(name: str, region: str, endpoint: str) -> subprocess.CompletedProcess[str]:
    """Check the parameters as `osls deploy` does."""
    given = json.dumps([DEFAULTS | {"bucket": name}, "prod", region, DEFAULTS])
    return subprocess.run(
        ["node", "-e", CHECK, given, "deploy"],
        cwd=ROOT,
        env=os.environ | {"AWS_ENDPOINT_URL": endpoint},
        check=False,
        capture_output=True,
        text=True,
    )


def test_osls() -> None:
    """Osls ends with the same line, and packages nothing."""
    command = ["node_modules/.bin/osls", "package", "--param=budgetUsd=-5"]
    refused = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    assert refused.returncode == 2
    assert refused.stderr.startswith('Parameter budgetUsd is "-5"; it must be dollars from 0 to ')
    assert refused.stderr.count("\n") == 1


def test_defaults() -> None:
    """serverless.yml declares each parameter, with a default that costs nothing."""
    text = (ROOT / "serverless.yml").read_text().replace("!Ref", "").replace("!GetAtt", "")
    declared = yaml.safe_load(text.replace("!Sub", ""))["params"]["default"]

    assert {name: json.dumps(value).strip('"') for name, value in declared.items()} == DEFAULTS
