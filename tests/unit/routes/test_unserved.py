"""A row of an object that is served no more goes only with a path that matches the object."""

from datetime import UTC, datetime

import pytest

from edgesweep.dirty import Change, DirtyRow, Kind
from edgesweep.routes import Behaviour, Distribution, Origin, Routes

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_unserved() -> None:
    """Then the object's plain path counts."""
    served = Distribution("E1", (Behaviour(origins=(Origin("site", "green/"),)),))
    row = DirtyRow("E1", Change("site", "blue/a.html", Kind.CREATED, NOON), NOON, "r1")

    assert list(Routes([served]).paths_of(row)) == ["/blue/a.html"]


@pytest.mark.parametrize("enabled", [True, False])
def test_gone(*, enabled: bool) -> None:
    """A distribution is gone if it is known as disabled, or not known at all."""
    routes = Routes([Distribution("E1", (Behaviour(),), enabled=enabled)])

    assert (routes.gone("E1"), routes.gone("E2")) == (not enabled, True)
