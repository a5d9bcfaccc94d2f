"""What `edgesweep plan` makes of a bucket."""

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto import mock_aws
from moto.s3.models import s3_backends

from tests.aws import http_response, listening
from tests.fakes.stack import Answered, refusal
from tests.planning import BLOG, lines, plan, planned


@pytest.fixture
def site() -> Iterator[str]:
    """Return the name of a bucket with a blog of four pages and many pictures."""
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="site")
        backend = s3_backends["123456789012"]["aws"]
        for key in [*BLOG, *(f"img/{number:04}.png" for number in range(1_200)), "index.html"]:
            backend.put_object("site", key, b"")
        yield "site"


def test_bucket(site: str) -> None:
    """A bucket is listed for what exists."""
    assert planned("-", "--bucket", site, stdin=lines(*BLOG[:3])) == {
        "paths": ["/blog/*"],
        "wildcards": 1,
        "collateral": 1,
        "cost_usd": {"paths": 0.005, "refetch": 5.2e-06, "total": 0.0050052},
    }


def test_bucket_in_part(site: str) -> None:
    """Of a bucket no more is listed than is needed; a plus sign stands for the rest."""
    keys = lines("blog/1.html", "index.html", "zoo~b")

    result = plan("-", "--bucket", site, "--refetch-cost", "0.0001", stdin=keys)

    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "changed  collateral   dollars  path",
        "      1           0  0.005000  /blog/1.html  for blog/1.html",
        "      1           0  0.005000  /index.html   for index.html",
        "      1          0+  0.005000  /zoo*         for zoo~b",
        "",
        "      3          0+  0.015000  3 paths",
        "      3           0  0.015000  3 paths, one each",
        "      3        999+  0.104900  /*",
    ]


def test_bucket_progress(site: str) -> None:
    """A person sees on standard error how far the listing came; a file gets nothing of it."""
    keys = lines("img/0001.png", "img/1199.png")

    shown = plan("-", "--bucket", site, "--max-paths", "1", stdin=keys, env={"FORCE_COLOR": "1"})
    silent = plan("-", "--bucket", site, "--max-paths", "1", stdin=keys)

    assert "Listing" in shown.stderr
    assert "2/?" in shown.stderr
    assert shown.stdout == silent.stdout
    assert silent.stderr == ""


def test_no_bucket(site: str) -> None:
    """A bucket that is not there is named in one line, and nothing is planned."""
    assert site != "elsewhere"

    result = plan("-", "--bucket", "elsewhere", "--json", stdin=lines("a", "b"))

    assert (result.exit_code, result.stdout) == (2, "")
    assert json.loads(result.stderr)["error"] == (
        "There is no bucket elsewhere; create it, or correct its name"
    )


def test_closed_bucket() -> None:
    """A bucket that may not be listed fails in one line as well."""
    denied = b"<Error><Code>AccessDenied</Code><Message>Access\nDenied</Message></Error>"

    def deny(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return http_response(request, 403, denied)

    with listening("before-send.s3", deny):
        result = plan("-", "--bucket", "site", stdin=lines("a", "b"))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "edgesweep: You may not call ListObjectsV2: Access Denied\n"


def test_closing_bucket(site: str) -> None:
    """A bucket whose listing fails half-way does not count as full of unknown objects."""
    asked: list[str] = []

    def throttle(params: dict[str, object], **_: object) -> Answered | None:
        asked.append(str(params["url"]))
        return refusal("SlowDown", "Reduce your rate") if len(asked) > 1 else None

    with listening("before-call.s3.ListObjectsV2", throttle):
        result = plan("-", "--bucket", site, "--max-paths", "1", stdin=lines("a", "b"))

    assert (result.exit_code, result.stdout) == (1, "")
    assert "The bucket site cannot be listed" in result.stderr


@pytest.mark.parametrize("name", ["no such name", "s3://site"])
def test_bad_bucket(name: str) -> None:
    """A name that no bucket can have is refused in one line."""
    result = plan("-", "--bucket", name, stdin=lines("a", "b"))

    assert (result.exit_code, result.stdout) == (2, "")
    (told,) = result.stderr.splitlines()
    assert f"{name!r} is not a bucket name" in told


def test_bad_profile() -> None:
    """A profile that does not exist is refused in one line."""
    result = plan("-", "--bucket", "site", "--profile", "nobody", stdin=lines("a", "b"))

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "edgesweep: The config profile (nobody) could not be found\n"
