"""What CloudFront is asked, byte for byte, and what each of its answers means."""

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.stub import Stubber
from types_boto3_cloudfront import CloudFrontClient

from edgesweep.aws.cloudfront import CLIENT_CONFIG, CloudFront
from edgesweep.flush.sender import Accepted, Refusal, Refused, Unanswered
from edgesweep.paths import Pattern, viewer_path
from tests.aws import http_response
from tests.keys import HARD_KEYS

NAMESPACE = "{http://cloudfront.amazonaws.com/doc/2020-05-31/}"
CREATED = """<?xml version="1.0"?>
<Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
  <Id>I2J0I21PCUYOIK</Id>
  <Status>InProgress</Status>
  <CreateTime>2026-11-23T12:00:05.061Z</CreateTime>
  <InvalidationBatch>
    <Paths><Quantity>1</Quantity><Items><Path>/a.html</Path></Items></Paths>
    <CallerReference>reference</CallerReference>
  </InvalidationBatch>
</Invalidation>"""
ERROR = """<?xml version="1.0"?>
<ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>
  <RequestId>8f2ec1e0-0000</RequestId>
</ErrorResponse>"""
ACCEPTED = Accepted("I2J0I21PCUYOIK", datetime(2026, 11, 23, 12, 0, 5, 61_000, UTC))


class Wire:
    """Answers every HTTP request of a client in the same way, and keeps them."""

    def __init__(self, answer: Exception | tuple[int, str]) -> None:
        self._answer = answer
        self.requests: list[AWSPreparedRequest] = []

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Stand in for the network."""
        self.requests.append(request)
        if isinstance(self._answer, Exception):
            raise self._answer
        status, body = self._answer
        return http_response(request, status, body.encode())


def client() -> CloudFrontClient:
    """Return a client as the flusher has it."""
    return boto3.client("cloudfront", config=CLIENT_CONFIG)


def wired(answer: Exception | tuple[int, str]) -> tuple[CloudFront, Wire]:
    """Return CloudFront behind a wire that answers so."""
    wire, behind = Wire(answer), client()
    events = behind.meta.events
    events.register("before-send.cloudfront", wire)  # type: ignore[arg-type]  # may answer
    return CloudFront(behind), wire


def sent(request: AWSPreparedRequest) -> ET.Element:
    """Return the body of a request."""
    assert isinstance(request.body, bytes)
    return ET.fromstring(request.body)  # noqa: S314  # our own


def sent_paths(request: AWSPreparedRequest) -> Sequence[str | None]:
    """Return the paths of a request's body, in order."""
    return [item.text for item in sent(request).iter(f"{NAMESPACE}Path")]


def test_call() -> None:
    """One call names the distribution, every path in order, their number and the reference."""
    behind = client()
    with Stubber(behind) as stub:
        stub.add_response(
            "create_invalidation",
            {
                "Location": "https://cloudfront.amazonaws.com/2020-05-31/distribution/E1/I1",
                "Invalidation": {
                    "Id": ACCEPTED.invalidation,
                    "Status": "InProgress",
                    "CreateTime": ACCEPTED.created_at,
                    "InvalidationBatch": {
                        "Paths": {"Quantity": 2, "Items": ["/b%20c", "/a*"]},
                        "CallerReference": "reference",
                    },
                },
            },
            {
                "DistributionId": "E1",
                "InvalidationBatch": {
                    "Paths": {"Quantity": 2, "Items": ["/b%20c", "/a*"]},
                    "CallerReference": "reference",
                },
            },
        )

        answer = CloudFront(behind).invalidate("E1", ["/b%20c", "/a*"], "reference")

        stub.assert_no_pending_responses()
    assert answer == ACCEPTED


def test_wire() -> None:
    """The request is the one that the API reference shows."""
    edge, wire = wired((201, CREATED))

    assert edge.invalidate("E1", ["/a.html", "/b/*"], "2026#f00") == ACCEPTED

    (request,) = wire.requests
    assert request.method == "POST"
    assert request.url == "https://cloudfront.amazonaws.com/2020-05-31/distribution/E1/invalidation"
    batch = sent(request)
    assert batch.tag == f"{NAMESPACE}InvalidationBatch"
    assert batch.findtext(f"{NAMESPACE}CallerReference") == "2026#f00"
    assert batch.findtext(f"{NAMESPACE}Paths/{NAMESPACE}Quantity") == "2"
    assert sent_paths(request) == ["/a.html", "/b/*"]


def test_hard_keys() -> None:
    """A quoted path crosses the wire unchanged, whatever its key held."""
    edge, wire = wired((201, CREATED))
    paths = [Pattern(viewer_path(key)).quoted() for key in HARD_KEYS]

    edge.invalidate("E1", paths, "reference")

    assert sent_paths(wire.requests[0]) == paths


@pytest.mark.parametrize(
    ("code", "status", "refusal"),
    [
        ("Throttling", 400, Refusal.THROTTLED),
        ("ThrottlingException", 400, Refusal.THROTTLED),
        ("TooManyRequestsException", 429, Refusal.THROTTLED),
        ("RequestLimitExceeded", 400, Refusal.THROTTLED),
        ("TooManyInvalidationsInProgress", 400, Refusal.QUOTA),
        ("BatchTooLarge", 413, Refusal.TOO_LARGE),
        ("InvalidArgument", 400, Refusal.INVALID),
        ("InvalidationBatchAlreadyExists", 409, Refusal.CONFLICT),
        ("NoSuchDistribution", 404, Refusal.GONE),
        ("AccessDenied", 403, Refusal.DENIED),
        ("ExpiredToken", 403, Refusal.DENIED),
        ("SignatureDoesNotMatch", 403, Refusal.DENIED),
        ("InconsistentQuantities", 400, Refusal.DENIED),
        ("MissingBody", 400, Refusal.DENIED),
        ("NeverHeardOf", 400, Refusal.DENIED),
    ],
)
def test_refusal(code: str, status: int, refusal: Refusal) -> None:
    """An error code that blames the request is a refusal of its kind, in CloudFront's words."""
    behind = client()
    with Stubber(behind) as stub:
        stub.add_client_error("create_invalidation", code, "Not like this.", status)

        answer = CloudFront(behind).invalidate("E1", ["/a"], "reference")

    assert answer == Refused(refusal, f"{code}: Not like this.")


def test_conflict_by_another_name() -> None:
    """A caller reference that was used with other paths is a conflict under InvalidArgument too."""
    text = (
        "Your request contains a caller reference that was used for a previous invalidation batch "
        "for the same distribution."
    )
    edge, _ = wired((400, ERROR.format(code="InvalidArgument", text=text)))

    assert edge.invalidate("E1", ["/a"], "reference") == Refused(
        Refusal.CONFLICT, f"InvalidArgument: {text}"
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "InternalError"),
        (502, "BadGateway"),
        (503, "ServiceUnavailable"),
        (503, "Throttling"),
        (503, "SlowDown"),
        (504, "GatewayTimeout"),
    ],
)
def test_server_error(status: int, code: str) -> None:
    """After a server error nobody knows whether CloudFront invalidates; it is asked only once."""
    edge, wire = wired((status, ERROR.format(code=code, text="Please try again.")))

    assert edge.invalidate("E1", ["/a"], "reference") == Unanswered(f"{code}: Please try again.")

    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "broken",
    [
        ConnectTimeoutError(endpoint_url="https://cloudfront.amazonaws.com"),
        ReadTimeoutError(endpoint_url="https://cloudfront.amazonaws.com"),
        EndpointConnectionError(endpoint_url="https://cloudfront.amazonaws.com"),
        ConnectionClosedError(endpoint_url="https://cloudfront.amazonaws.com"),
        ProxyConnectionError(proxy_url="http://proxy"),
        SSLError(endpoint_url="https://cloudfront.amazonaws.com", error=OSError("handshake")),
        HTTPClientError(error="incomplete read"),
    ],
    ids=lambda broken: type(broken).__name__,
)
def test_broken_connection(broken: Exception) -> None:
    """A timeout or a broken connection is not an answer, and there is exactly one attempt."""
    edge, wire = wired(broken)

    answer = edge.invalidate("E1", ["/a"], "reference")

    assert answer == Unanswered(str(broken))
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(400, "Throttling"), (429, "TooManyRequestsException"), (403, "Denied")]
)
def test_one_attempt(status: int, code: str) -> None:
    """A refusal is not retried behind the flusher's back."""
    edge, wire = wired((status, ERROR.format(code=code, text="No.")))

    assert isinstance(edge.invalidate("E1", ["/a"], "reference"), Refused)

    assert len(wire.requests) == 1


@pytest.mark.parametrize("body", ["", CREATED[:200], "<html>Hello</html>", "not xml at all"])
@pytest.mark.parametrize("status", [200, 201, 500, 503])
def test_garbled(status: int, body: str) -> None:
    """A success or a server error whose words are lost on the way is no answer."""
    edge, wire = wired((status, body))

    assert isinstance(edge.invalidate("E1", ["/a"], "reference"), Unanswered)

    assert len(wire.requests) == 1


@pytest.mark.parametrize("body", ["", "<html>Forbidden</html>", "not xml at all"])
def test_garbled_refusal(body: str) -> None:
    """The status alone identifies a refusal without a code, and no stack trace appears."""
    edge, _ = wired((403, body))

    assert isinstance(edge.invalidate("E1", ["/a"], "reference"), Refused | Unanswered)


def test_attempts() -> None:
    """The client is configured for one attempt, whatever the environment asks for."""
    assert client().meta.config.retries["total_max_attempts"] == 1  # type: ignore[attr-defined]  # set at run time
