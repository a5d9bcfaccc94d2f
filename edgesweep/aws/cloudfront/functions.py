"""CloudFront Functions through boto3: their live version, and what it makes of an event."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError

from edgesweep.errors import Undiscovered
from edgesweep.routes.probing import Live

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient

_LIVE: Literal["LIVE"] = "LIVE"


class CloudFrontFunctions:
    """The functions of an account."""

    def __init__(self, client: "CloudFrontClient") -> None:
        self._client = client

    def live(self, name: str) -> Live:
        with _refusing():
            found = self._client.describe_function(Name=name, Stage=_LIVE)
        config = found["FunctionSummary"]["FunctionConfig"]
        stores = config.get("KeyValueStoreAssociations", {"Quantity": 0})
        return Live(found["ETag"], stores["Quantity"] > 0)

    def run(self, name: str, version: str, event: str) -> str:
        with _refusing():
            tested = self._client.test_function(
                Name=name, IfMatch=version, Stage=_LIVE, EventObject=event.encode()
            )
        result = tested["TestResult"]
        return "" if result.get("FunctionErrorMessage") else result.get("FunctionOutput", "")


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Undiscovered(str(error)) from error
