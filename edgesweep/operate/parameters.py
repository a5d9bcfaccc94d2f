"""Checks the parameters of a deployment: `python -m edgesweep.operate.parameters`.

`infra/params.js` runs this before it packages or deploys anything, with the arguments of `accept`
as a JSON object on standard input. A wrong parameter gives one line on standard error, exit code 2.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from edgesweep.errors import BadInput
from edgesweep.settings import PARAMETERS, budget, checked, like, split

_STAGE = like(
    "prod",
    "[a-z][a-z0-9-]{0,19}",
    "1 to 20 lower-case letters, digits and hyphens, starting with a letter",
)
_SECONDS = 5


def accept(
    values: Mapping[str, str], assigned: Sequence[str], stage: str, region: str | None
) -> Mapping[str, Any]:
    """Return the parameters, each within its bounds, and under `given` those that are not defaults.

    Args:
        values: parameter -> value.
        assigned: names of the parameters that the user set.
        stage: the stack's stage.
        region: where the stack is about to be deployed; None if it is not.

    Raises:
        BadInput: a parameter is unknown or out of bounds, or several contradict each other.
    """
    for name in assigned:
        if name not in PARAMETERS:
            msg = f"Parameter {name} is unknown; the parameters are {', '.join(PARAMETERS)}"
            raise BadInput(msg)
    _STAGE.checked("stage", stage)
    typed = {name: values[name].strip() for name in PARAMETERS}
    given = checked(typed)
    buckets, distributions = split(given["bucket"]), split(given["distribution"])
    if distributions and not buckets:
        first = distributions[0]
        msg = f"Parameter bucket is missing; name the bucket that distribution {first} serves"
        raise BadInput(msg)
    # Discovery finds at least one distribution; how many is unknown here.
    budget(given, max(1, len(distributions)))
    if region:
        _check_regions(buckets, region)
    changed = {name: text for name, text in typed.items() if text != PARAMETERS[name].default}
    return {**given, "given": changed}


def _check_regions(buckets: Sequence[str], here: str) -> None:
    with ThreadPoolExecutor() as pool:
        regions = dict(zip(buckets, pool.map(partial(_region_of, here), buckets), strict=True))
    for bucket, region in regions.items():
        if region not in (here, None):
            msg = (
                f"Parameter bucket names {bucket}, which is in {region}, not in {here}; "
                f"deploy a stack with --region {region} for it"
            )
            raise BadInput(msg)


def _region_of(here: str, bucket: str) -> str | None:
    """Return a bucket's region, None if unknown.

    "Regardless of the permissions on the bucket, you will receive a response header with the
    correct bucket location": https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    """
    suffix = ".cn" if here.startswith("cn-") else ""
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or f"https://s3.{here}.amazonaws.com{suffix}"
    url = urlsplit(endpoint)
    connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
    with closing(connect(url.netloc, timeout=_SECONDS)) as s3, suppress(OSError, HTTPException):
        s3.request("HEAD", f"/{bucket}")
        return s3.getresponse().getheader("x-amz-bucket-region")
    return None


def main() -> int:
    """Print the result on standard output; return the exit code."""
    try:
        print(json.dumps(accept(**json.load(sys.stdin))))  # noqa: T201  # the answer
    except BadInput as error:
        print(error, file=sys.stderr)  # noqa: T201  # to whoever deploys
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
