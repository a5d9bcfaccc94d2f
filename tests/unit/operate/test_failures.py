"""What people read when AWS refuses."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoRegionError
from pynamodb.exceptions import DoesNotExist, GetError

from edgesweep.errors import EdgesweepError
from edgesweep.operate.failures import failure

ME = "arn:aws:iam::123456789012:user/me"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:queue"
UNAUTHORIZED = f"User: {ME} is not authorized to perform: sqs:SendMessage"


def refused(code: str, text: str = "") -> ClientError:
    """Return a refusal of AWS."""
    return ClientError({"Error": {"Code": code, "Message": text}}, "SendMessage")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (UNAUTHORIZED, f"The permission sqs:SendMessage is missing; you are {ME}"),
        (
            f"{UNAUTHORIZED} on resource: {QUEUE} because no identity-based policy allows it",
            f"The permission sqs:SendMessage on {QUEUE} is missing; you are {ME}",
        ),
        (
            f'{UNAUTHORIZED} on resource: "{QUEUE}" with an explicit deny in an SCP',
            f"The permission sqs:SendMessage on {QUEUE} is denied by a policy; you are {ME}",
        ),
        ("Not you", "You may not call SendMessage: Not you"),
        ("", "You may not call SendMessage: AccessDenied"),
    ],
)
def test_permission(text: str, line: str) -> None:
    """A refusal names the permission that is missing, where AWS says it, and who asked."""
    assert failure(refused("AccessDenied", text)) == line


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_expired(code: str) -> None:
    """The message says that credentials have expired, whatever code a service uses."""
    line = f"The AWS credentials have expired; sign in again ({code})"
    assert failure(refused(code)) == line


def test_unknown_key() -> None:
    """The message says that AWS does not know the credentials."""
    line = "AWS does not know these credentials: No such key (InvalidClientTokenId)"
    assert failure(refused("InvalidClientTokenId", "No such key")) == line


def test_pynamodb() -> None:
    """An error that pynamodb wraps has the words of AWS."""
    wrapped = GetError("Failed to get item", refused("ExpiredToken"))
    assert failure(wrapped) == "The AWS credentials have expired; sign in again (ExpiredToken)"
    assert failure(DoesNotExist()) == "Item does not exist"


def test_others() -> None:
    """An error of no known kind has the words of botocore."""
    throttled, unreachable = refused("Throttling"), EndpointConnectionError(endpoint_url="http://a")
    assert failure(throttled) == str(throttled)
    assert failure(unreachable) == str(unreachable)
    assert failure(NoRegionError()) == "There is no AWS region; give --region"


def test_none() -> None:
    """An error that is not a failure of AWS is left to others."""
    assert failure(EdgesweepError("It failed")) is None
    assert failure(ZeroDivisionError()) is None
