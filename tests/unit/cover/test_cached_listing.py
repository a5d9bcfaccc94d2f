"""The cached listing asks once for a page, for a while, and remembers so much."""

from datetime import UTC, datetime, timedelta

import pytest

import edgesweep.cover.survey
from edgesweep.cover import Limits, Prices
from edgesweep.cover.survey import MAX_AGE, CachedListing, survey
from edgesweep.errors import Unlistable
from edgesweep.paths import Mount
from tests.fakes.listing import ListingInMemory

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


def test_remembered() -> None:
    """A page is asked for once in ten minutes."""
    listing, clock = ListingInMemory({"site": ["a", "b"]}), Clock()
    remembered = CachedListing(listing, clock)

    first = remembered.page("site", "", "")
    clock.now += timedelta(minutes=9, seconds=59)
    assert remembered.page("site", "", "") == first == (["a", "b"], False)
    assert len(listing.asked) == 1
    clock.now += timedelta(seconds=1)
    remembered.page("site", "", "")
    clock.now += timedelta(minutes=9, seconds=59)
    remembered.page("site", "", "")

    assert len(listing.asked) == 2


def test_remembered_apart() -> None:
    """Pages of another bucket, prefix or place are not mixed up."""
    listing = ListingInMemory({"site": ["a", "b"], "media": ["c"]})
    remembered = CachedListing(listing, Clock())

    asked = [("site", "", ""), ("media", "", ""), ("site", "b", ""), ("site", "", "a")]
    told = [remembered.page(*one)[0] for one in asked * 2]

    assert told == [["a", "b"], ["c"], ["b"], ["b"]] * 2
    assert listing.asked == asked


def test_remembered_refusal() -> None:
    """A refusal is not remembered: the bucket may be listed a minute later."""
    listing = ListingInMemory({})
    remembered = CachedListing(listing, Clock())

    for _ in range(2):
        with pytest.raises(Unlistable):
            remembered.page("gone", "", "")

    assert len(listing.asked) == 2


@pytest.mark.parametrize(("length", "least", "most"), [(10, 50, 79), (1_000, 1, 9)])
def test_remembers_so_much(
    monkeypatch: pytest.MonkeyPatch, length: int, least: int, most: int
) -> None:
    """The oldest pages are forgotten first, so that memory is bounded, however long keys are."""
    monkeypatch.setattr(edgesweep.cover.survey, "MAX_REMEMBERED", 60_000)
    keys = [f"{folder:02}/{number}{'x' * length}" for folder in range(80) for number in range(10)]
    listing, clock = ListingInMemory({"site": keys}), Clock()
    remembered = CachedListing(listing, clock)
    for _ in range(2):
        # Keys that are listed again after a while are not counted twice.
        for folder in range(80):
            remembered.page("site", f"{folder:02}/", "")
        clock.now += MAX_AGE
    clock.now -= MAX_AGE
    listing.asked.clear()

    for folder in reversed(range(80)):
        remembered.page("site", f"{folder:02}/", "")
        if listing.asked:
            break

    assert least <= 79 - folder <= most


def test_remembered_survey() -> None:
    """A survey that is made again within ten minutes costs no request."""
    listing = ListingInMemory({"site": [f"img/{number:05}.html" for number in range(2_500)]})
    remembered = CachedListing(listing, Clock())
    dirty = {"/img/00001.html", "/img/02499.html"}

    first = survey(remembered, [Mount("site")], dirty, Prices(), Limits(paths=1))
    again = survey(remembered, [Mount("site")], dirty, Prices(), Limits(paths=1))

    assert first == again
    assert len(listing.asked) == 3
