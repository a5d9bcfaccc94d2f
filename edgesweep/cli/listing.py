"""Lists a bucket for `edgesweep plan`, and shows how far that is."""

from collections.abc import Collection, Sequence
from contextlib import closing

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from edgesweep.aws.s3 import S3Listing
from edgesweep.cli.deployed import session
from edgesweep.cli.progress import progress
from edgesweep.cover import Limits, Prices
from edgesweep.cover.survey import Listing, Survey, survey
from edgesweep.paths import Origin


def survey_bucket(
    region: str | None,
    profile: str | None,
    bucket: str,
    dirty: Collection[str],
    prices: Prices,
    limits: Limits,
) -> Survey:
    """Survey a bucket, showing how many keys were listed."""
    columns = SpinnerColumn(), TextColumn("Listing"), BarColumn(), TextColumn("{task.completed:,}")
    with closing(session(region, profile).client("s3")) as client, progress(*columns) as display:
        task = display.add_task("Listing", total=None)
        counted = _Counted(S3Listing(client), display, task)
        return survey(counted, [Origin(bucket)], dirty, prices, limits)


class _Counted:
    """A listing that shows how far it came."""

    def __init__(self, listing: Listing, display: Progress, task: TaskID) -> None:
        self._listing = listing
        self._display = display
        self._task = task

    def page(self, bucket: str, prefix: str, after: str) -> tuple[Sequence[str], bool]:
        keys, more = self._listing.page(bucket, prefix, after)
        self._display.update(self._task, advance=len(keys))
        return keys, more
