"""What CloudFront promises, held against the strict fake and against boto3's client.

Boto3's client is under a stubber that answers what the fake answers: botocore then holds every
request and every answer to the shapes that AWS has published.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from edgesweep.aws.cloudfront import CLIENT_CONFIG, CloudFront
from edgesweep.flush.sender import Accepted, Refusal, Refused
from edgesweep.paths import Pattern, viewer_path
from tests.fakes.cloudfront import Pages, Rules, StrictCloudFront
from tests.keys import HARD_KEYS

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SITE, OTHER = "E1", "E2"
SECOND = timedelta(seconds=1)
LOOSE = Rules(wildcards_per_second=None, paths_per_second=None)


class Stubbed:
    """Boto3's client, which hears from a strict CloudFront what it shall answer."""

    def __init__(self, service: StrictCloudFront) -> None:
        self._service = service
        self._client = boto3.client("cloudfront", config=CLIENT_CONFIG)
        self._stub = Stubber(self._client)

    def create_invalidation(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401  # as boto3
        """Create an invalidation."""
        return self._call("create_invalidation", request)

    def get_invalidation(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401  # as boto3
        """Tell about an invalidation."""
        return self._call("get_invalidation", request)

    def list_invalidations(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401  # as boto3
        """List invalidations."""
        return self._call("list_invalidations", request)

    def get_paginator(self, _operation: str) -> Pages:
        """Return a paginator."""
        return Pages(self.list_invalidations)

    def _call(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer = getattr(self._service, operation)(**request)
        except ClientError as error:
            told, status = error.response["Error"], error.response["ResponseMetadata"]
            self._stub.add_client_error(
                operation, told["Code"], told["Message"], status["HTTPStatusCode"]
            )
        else:
            self._stub.add_response(operation, dict(answer), dict(request))
        with self._stub:
            said: Mapping[str, Any] = getattr(self._client, operation)(**request)
            return said


@dataclass
class Service:
    """CloudFront, its time, and how it is reached.

    Attributes:
        reach: makes a client of it.
        rules: how it reads its documentation.
        now: its time.
    """

    reach: Callable[[StrictCloudFront], Any]
    rules: Rules = LOOSE
    now: datetime = NOON
    strict: StrictCloudFront = field(init=False)

    def __post_init__(self) -> None:
        self.strict = StrictCloudFront(lambda: self.now, {SITE, OTHER}, self.rules)
        self.client = self.reach(self.strict)
        self.edge = CloudFront(cast("Any", self.client))

    def ask(self, *paths: str, reference: str = "r", distribution: str = SITE) -> str:
        """Ask for an invalidation; return its id, or why it is refused."""
        answer = self.edge.invalidate(distribution, paths, reference)
        if isinstance(answer, Accepted):
            return answer.invalidation
        assert isinstance(answer, Refused)
        return answer.refusal.value

    def ask_each(self, *requests: Sequence[str], distribution: str = SITE) -> Sequence[str]:
        """Ask for several, each with a reference of its own."""
        start = len(self.strict.made)
        return [
            self.ask(*paths, reference=f"r{start + n}", distribution=distribution)
            for n, paths in enumerate(requests)
        ]


Start = Callable[[Rules], Service]


@pytest.fixture(params=[lambda strict: strict, Stubbed], ids=["fake", "boto3"], name="start")
def _start(request: pytest.FixtureRequest) -> Start:
    return lambda rules: Service(request.param, rules)


@pytest.fixture(name="service")
def _service(start: Start) -> Service:
    return start(LOOSE)


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "",
        "/a b",
        "/ü",
        "/~",
        "/a*b",
        "/*/",
        "/a%",
        "/a%2",
        "/%zz",
        '/"',
        "/<",
        "/{",
        "/" * 4_001,
    ],
)
def test_bad_path(service: Service, path: str) -> None:
    """One path against the rules, and the whole request is refused."""
    assert service.ask("/fine", path) == Refusal.INVALID

    assert service.strict.made == []


def test_good_paths(service: Service) -> None:
    """CloudFront understands every key that is quoted as a path."""
    paths = {Pattern(viewer_path(key)).quoted() for key in HARD_KEYS if set("~*").isdisjoint(key)}

    assert service.ask(*sorted(paths), "/*", "/a*", "/" * 4_000) == "I1"


@pytest.mark.parametrize("paths", [(), ("/a", "/a"), ("/a", "/b", "/a")])
def test_bad_list(service: Service, paths: Sequence[str]) -> None:
    """A request without a path, or with one path twice, is refused."""
    assert service.ask(*paths) == Refusal.INVALID


def test_quantity(service: Service) -> None:
    """A quantity that is not the number of the paths is refused."""
    batch = {"Paths": {"Quantity": 2, "Items": ["/a"]}, "CallerReference": "r"}

    with pytest.raises(ClientError, match="InconsistentQuantities"):
        service.client.create_invalidation(DistributionId=SITE, InvalidationBatch=batch)


def test_too_large(start: Start) -> None:
    """More paths than a request may hold are too many."""
    service = start(Rules(wildcards_per_second=None, paths_per_second=None, batch=3))

    assert service.ask_each(["/a", "/b", "/c", "/d"], ["/a", "/b", "/c"]) == ["too large", "I1"]


def test_gone(service: Service) -> None:
    """There is no invalidation of a distribution that there is not."""
    assert service.ask("/a", distribution="E3") == Refusal.GONE


def test_in_progress(service: Service) -> None:
    """An invalidation is in progress until a time has passed; an unknown one is not."""
    service.ask("/a")

    assert service.edge.in_progress(SITE, "I1")
    service.now += LOOSE.duration
    assert not service.edge.in_progress(SITE, "I1")
    assert not service.edge.in_progress(SITE, "I2")
    assert not service.edge.in_progress("E3", "I1")


@pytest.mark.parametrize(("code", "counts"), [("Throttling", True), ("AccessDenied", False)])
def test_progress_unknown(code: str, *, counts: bool) -> None:
    """A throttled look says nothing, so the invalidation counts; a denied one is an error."""
    client = boto3.client("cloudfront", config=CLIENT_CONFIG)
    stub = Stubber(client)
    stub.add_client_error("get_invalidation", code)
    with stub, nullcontext() if counts else pytest.raises(ClientError, match=code):
        assert CloudFront(client).in_progress(SITE, "I1")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([f"/{n}*" for n in range(15)], ["/z*"]),
        ([f"/{n}" for n in range(3_000)], ["/z"]),
        (["/a*"], [f"/{n}*" for n in range(15)]),
    ],
)
def test_quota(service: Service, first: Sequence[str], second: Sequence[str]) -> None:
    """15 wildcards and 3,000 other paths of a distribution are in progress at most."""
    other = ["/z", "/z*"] if len(first) == 1 else ["/z" if first[0].endswith("*") else "/z*"]

    assert service.ask_each(first, second, other) == ["I1", "quota", "I2"]
    assert service.ask_each(second, distribution=OTHER) == ["I3"]
    service.now += LOOSE.duration
    assert service.ask_each(second) == ["I4"]


@pytest.mark.parametrize("code", ["TooManyInvalidationsInProgress", "Throttling"])
@pytest.mark.parametrize(
    ("per_path", "request_of_two", "fourth"), [(True, False, False), (False, True, True)]
)
def test_rates(
    start: Start,
    code: str,
    per_path: bool,  # noqa: FBT001  # a reading
    request_of_two: bool,  # noqa: FBT001  # what it allows
    fourth: bool,  # noqa: FBT001  # likewise
) -> None:
    """A second takes one wildcard and a few paths, counted per path or per request."""
    service = start(Rules(paths_per_second=3, per_path=per_path, rate_code=code))
    refused = "throttled" if code == "Throttling" else "quota"

    assert service.ask("/a*", "/b*", reference="two") == ("I1" if request_of_two else refused)
    service.now += SECOND
    assert service.ask("/a*", reference="one") != refused
    assert service.ask("/b*", reference="another") == refused
    service.now += SECOND
    four = service.ask("/a", "/b", "/c", "/d", reference="four")
    assert (four != refused) == fourth
    service.now += SECOND
    assert service.ask("/b*", reference="another") != refused


def test_same_reference(service: Service) -> None:
    """A reference with the same paths is answered with what it has made, and billed once."""
    first = service.edge.invalidate(SITE, ["/a", "/b*"], "r")
    service.now += timedelta(days=1)

    assert service.edge.invalidate(SITE, ["/a", "/b*"], "r") == first == Accepted("I1", NOON)
    assert service.strict.billed() == {"2026-11": 2}


@pytest.mark.parametrize("code", ["InvalidArgument", "InvalidationBatchAlreadyExists"])
@pytest.mark.parametrize("paths", [["/a"], ["/b*", "/a"], ["/a", "/b*", "/c"]])
def test_conflict(start: Start, code: str, paths: Sequence[str]) -> None:
    """A reference with other paths, or in another order, is a conflict under either name."""
    service = start(Rules(wildcards_per_second=None, paths_per_second=None, conflict_code=code))
    service.ask("/a", "/b*")

    assert service.ask(*paths) == Refusal.CONFLICT
    assert service.strict.billed() == {"2026-11": 2}


def test_reference_of_another(service: Service) -> None:
    """References of different distributions have nothing to do with each other."""
    service.ask("/a")

    assert service.ask("/b", distribution=OTHER) == "I2"


def test_bill(service: Service) -> None:
    """Each path is billed, wildcards alike, in the month in which the invalidation is created."""
    service.ask("/a", "/b*", reference="ours 1")
    service.now = datetime(2026, 12, 1, tzinfo=UTC)
    service.ask("/a", reference="ours 2")
    service.ask("/c", reference="theirs")

    assert service.strict.billed() == {"2026-11": 2, "2026-12": 2}
    assert service.strict.billed(ours="ours") == {"2026-11": 2, "2026-12": 1}


def test_look_up(service: Service) -> None:
    """What a reference has made is found among hundreds, as far back as is asked for.

    Since that takes a request for each of them, the lease is kept before each.
    """
    asked: list[None] = []

    def kept() -> None:
        asked.append(None)

    for number in range(230):
        service.ask(f"/{number}", reference=f"r{number}")
        service.now += SECOND
    service.ask("/a", reference="r7", distribution=OTHER)

    found = service.edge.look_up(SITE, "r7", NOON, kept)

    assert found == Accepted("I8", NOON + 7 * SECOND)
    assert len(asked) == 223
    assert service.edge.look_up(SITE, "r7", NOON + 8 * SECOND, kept) is None
    assert service.edge.look_up(SITE, "r230", NOON, kept) is None
    assert service.edge.look_up(OTHER, "r8", NOON, kept) is None
    assert service.edge.look_up("E3", "r8", NOON, kept) is None
