"""EventBridge through boto3: events on the account's default bus."""

import json
from collections.abc import Mapping
from functools import cache, partial

import boto3
from botocore.config import Config

from edgesweep.errors import Busy

SOURCE = "edgesweep"
# Flushes continue if it does not answer.
_CONFIG = Config(retries={"total_max_attempts": 2}, connect_timeout=1, read_timeout=2)


class EventBus:
    """Publishes events; its client is made for the first event, since most ticks have none."""

    def __init__(self, session: boto3.Session) -> None:
        self._client = cache(partial(session.client, "events", config=_CONFIG))

    def publish(self, event: str, detail: Mapping[str, object]) -> None:
        """Publish an event; `Busy` if EventBridge does not accept it."""
        # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
        entry = {"Source": SOURCE, "DetailType": event, "Detail": json.dumps(detail)}
        answer = self._client().put_events(Entries=[entry])
        for failed in answer["Entries"] if answer["FailedEntryCount"] else ():
            raise Busy(failed["ErrorMessage"])
