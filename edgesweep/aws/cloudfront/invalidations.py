"""Invalidations through boto3, with every answer of CloudFront as data."""

from collections.abc import Callable, Sequence
from datetime import datetime

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from edgesweep.aws.cloudfront.account import Invalidations
from edgesweep.flush.answers import Accepted, Answer, Refusal, Refused, Unanswered

# One HTTP attempt: botocore's own retries would hide an answer, and with it a charge.
CLIENT_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)

# The errors that CreateInvalidation documents, and those of every AWS API:
# https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
_REFUSALS = {
    "Throttling": Refusal.THROTTLED,
    "ThrottlingException": Refusal.THROTTLED,
    "TooManyRequestsException": Refusal.THROTTLED,
    "RequestLimitExceeded": Refusal.THROTTLED,
    "TooManyInvalidationsInProgress": Refusal.QUOTA,
    "BatchTooLarge": Refusal.TOO_LARGE,
    "InvalidArgument": Refusal.INVALID,
    "InvalidationBatchAlreadyExists": Refusal.CONFLICT,
    "NoSuchDistribution": Refusal.GONE,
}
_FIRST_SERVER_ERROR = 500


class CloudFront(Invalidations):
    """See `edgesweep.flush.sender.Edge`."""

    def invalidate(self, distribution: str, paths: Sequence[str], reference: str) -> Answer:
        try:
            response = self._client.create_invalidation(
                DistributionId=distribution,
                InvalidationBatch={
                    "Paths": {"Quantity": len(paths), "Items": list(paths)},
                    "CallerReference": reference,
                },
            )
        except ClientError as error:
            return _refused(error)
        except (BotoCoreError, ResponseParserError) as error:
            return Unanswered(str(error))
        created = response.get("Invalidation", {})
        if not {"Id", "CreateTime"} <= created.keys():
            return Unanswered(f"CloudFront's answer names no invalidation: {created}")
        return Accepted(created["Id"], created["CreateTime"])

    def look_up(
        self, distribution: str, reference: str, since: datetime, keep: Callable[[], None]
    ) -> Accepted | None:
        """Read each invalidation since then by itself, since a list lacks references.

        "results are returned in decreasing order from most recent to oldest". Of a deleted
        distribution none can be found.
        https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ListInvalidations.html
        """
        after, more = "", True
        while more:
            page, more = self.invalidations(distribution, after)
            for one in page:
                if one.created_at < since:
                    return None
                keep()
                if self.invalidation(distribution, one.id)[0] == reference:
                    return Accepted(one.id, one.created_at)
                after = one.id
        return None


def _refused(error: ClientError) -> Answer:
    text = f"{error.response['Error']['Code']}: {error.response['Error'].get('Message', '')}"
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _FIRST_SERVER_ERROR:
        return Unanswered(text)
    refusal = _REFUSALS.get(error.response["Error"]["Code"], Refusal.DENIED)
    # CloudFront reports a reference used with other paths under the name InvalidArgument.
    if refusal is Refusal.INVALID and "caller reference" in text.lower():
        refusal = Refusal.CONFLICT
    return Refused(refusal, text)
