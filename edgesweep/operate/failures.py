"""Failures of AWS in one line for people: what happened, and what to do."""

import re

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
from pynamodb.exceptions import PynamoDBException

# Each service has its own name for the same error.
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN = {"AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch"}
_UNKNOWN |= {"UnrecognizedClientException"}
_DENIED = {"403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "Forbidden"}
_DENIED |= {"UnauthorizedOperation"}

# IAM writes: USER "is not authorized to perform: sqs:SendMessage on resource:" ARN REASON.
_UNAUTHORIZED = re.compile(
    r"(?:User: )?(?P<who>\S+) is not authorized to perform:? (?P<action>[\w-]+:\w+)"
    r"(?: on resource:? \"?(?P<resource>[^\s\"]+))?"
)


def failure(error: BaseException) -> str | None:
    """Return the meaning of a failure of AWS, None for another error."""
    if isinstance(error, PynamoDBException) and isinstance(error.cause, Exception):
        return failure(error.cause)
    if isinstance(error, ClientError):
        return _refusal(error)
    if isinstance(error, NoCredentialsError):
        return "There are no AWS credentials; give --profile, or sign in"
    if isinstance(error, NoRegionError):
        return "There is no AWS region; give --region"
    return str(error) if isinstance(error, BotoCoreError | PynamoDBException) else None


def _refusal(error: ClientError) -> str:
    answer = error.response.get("Error", {})
    code, text = answer.get("Code", ""), answer.get("Message", "")
    if code in _EXPIRED:
        return f"The AWS credentials have expired; sign in again ({code})"
    if code in _UNKNOWN:
        return f"AWS does not know these credentials: {text} ({code})"
    if found := _UNAUTHORIZED.search(text):
        where = f" on {found['resource']}" if found["resource"] else ""
        how = "is denied by a policy" if "explicit deny" in text else "is missing"
        return f"The permission {found['action']}{where} {how}; you are {found['who']}"
    if code in _DENIED:
        return f"You may not call {error.operation_name}: {text or code}"
    return str(error)
