"""The composition root hands on what a deployment was told."""

from typing import Any, cast

from edgesweep import wiring
from edgesweep.cover import Limits, Prices
from edgesweep.flush.flusher import Flusher
from edgesweep.flush.policy import Headroom, Policy
from edgesweep.routes import Behaviour, Distribution, Origin, Routes
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.journal import JournalInMemory
from tests.fakes.listing import ListingInMemory

SITE = Distribution("E1", (Behaviour(origins=(Origin("site"),)),))


def wired(policy: Policy, listing: ListingInMemory) -> Flusher:
    """Return a flusher that reaches nothing but a bucket."""
    nothing = cast("Any", None)
    adapters = wiring.Adapters(
        DirtyRowsInMemory(), JournalInMemory(), nothing, nothing, nothing, listing
    )
    return wiring.flusher(adapters, Routes([SITE]), policy, print)


def test_headroom() -> None:
    """The wildcards that are left to people bind the sender as well as the policy."""
    policy = Policy(quota=Headroom(3_000, 1))

    assert wired(policy, ListingInMemory({})).sender.quota == policy.quota


def test_survey() -> None:
    """The lease is kept before each page of a listing."""
    listing = ListingInMemory({"site": [f"{n}.html" for n in range(10)]}, page_size=2)
    kept: list[int] = []
    flusher = wired(Policy(), listing)

    flusher.survey(
        "E1",
        ["/0.html", "/9.html"],
        Prices(),
        Limits(1, 1),
        lambda: kept.append(len(listing.asked)),
    )

    assert kept == list(range(5))
