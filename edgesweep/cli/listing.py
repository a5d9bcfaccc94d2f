"""Lists a bucket for `edgesweep plan`, and shows how far that is."""

from contextlib import closing
from itertools import count

from edgesweep.aws.s3 import S3Listing
from edgesweep.cli.deployed import session
from edgesweep.cli.output import progress
from edgesweep.cli.rules import Holders
from edgesweep.cover import Limits, Prices
from edgesweep.cover.survey import Survey, survey
from edgesweep.errors import EdgesweepError
from edgesweep.operate.buckets import check
from edgesweep.routes import Routes


def survey_bucket(
    bucket: str, rules: Routes, dirty: Holders, prices: Prices, limits: Limits, **where: str | None
) -> Survey:
    """Survey a bucket with the options of `aws_options`, showing how many pages were asked for."""
    pages, origins = count(1), rules.origins(rules.ids[0])
    with closing(session(**where).client("s3")) as client, progress("Listing pages") as shown:
        check(client, bucket, anywhere=True)
        listing = S3Listing(client)
        seen = survey(listing, origins, dirty, prices, limits, heartbeat=lambda: shown(next(pages)))
    if seen.refused:
        raise EdgesweepError(seen.refused)
    return seen
