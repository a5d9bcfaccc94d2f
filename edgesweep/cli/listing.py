"""Lists a bucket for `edgesweep plan`, and shows how far that is."""

from collections.abc import Callable, Collection, Sequence
from contextlib import closing

from edgesweep.aws.s3 import S3Listing
from edgesweep.cli.deployed import session
from edgesweep.cli.progress import progress
from edgesweep.cover import Limits, Prices
from edgesweep.cover.survey import Listing, Survey, survey
from edgesweep.errors import EdgesweepError
from edgesweep.operate.buckets import check
from edgesweep.routes import Routes


def survey_bucket(
    bucket: str,
    rules: Routes,
    dirty: Collection[str],
    prices: Prices,
    limits: Limits,
    **where: str | None,
) -> Survey:
    """Survey a bucket with the options of `aws_options`, showing how many keys were listed."""
    with closing(session(**where).client("s3")) as client, progress("Listing") as shown:
        check(client, bucket, anywhere=True)
        counted = _Counted(S3Listing(client), shown)
        known = survey(counted, rules.origins(rules.ids[0]), dirty, prices, limits)
    if known.refused:
        raise EdgesweepError(known.refused)
    return known


class _Counted:
    """A listing that shows how many keys it returned."""

    def __init__(self, listing: Listing, shown: Callable[[float], None]) -> None:
        self._listing = listing
        self._shown = shown
        self._keys = 0

    def page(self, bucket: str, prefix: str, after: str) -> tuple[Sequence[str], bool]:
        keys, more = self._listing.page(bucket, prefix, after)
        self._keys += len(keys)
        self._shown(self._keys)
        return keys, more
