"""The same bytes in other parts, and the two readings of a key, are known for what they are."""

from dataclasses import replace

import pytest

from edgesweep.dirty import Change, Kind
from edgesweep.record.catalogue import Entry, Head, Name
from tests.fakes.unchanged import (
    CREATED,
    EXPIRED,
    KNOWN,
    LATER,
    PAGE,
    THERE,
    World,
)
from tests.messages import NOON

PARTS = replace(CREATED, etag="etag-2")
PARTS_THERE = replace(THERE, etag="etag-2", checksum="sum")
SUMMED = replace(KNOWN, checksum="sum")


def test_other_parts() -> None:
    """The same bytes in other parts are unchanged: S3 has the same checksum of the whole object."""
    assert World({PAGE: SUMMED}, {PAGE: PARTS_THERE}).filter.check([PARTS]).unchanged == {PAGE}


@pytest.mark.parametrize(
    ("known", "events", "there"),
    [
        (KNOWN, [PARTS], replace(PARTS_THERE, checksum=None)),
        (KNOWN, [PARTS], PARTS_THERE),
        (SUMMED, [PARTS], replace(PARTS_THERE, checksum=None)),
        (SUMMED, [PARTS], replace(PARTS_THERE, checksum="other")),
        (SUMMED, [PARTS], replace(PARTS_THERE, headers=("other",))),
        (SUMMED, [PARTS], replace(PARTS_THERE, modified_at=LATER)),
        (SUMMED, [replace(CREATED, etag="other")], PARTS_THERE),
        (SUMMED, [PARTS, CREATED], PARTS_THERE),
        (replace(SUMMED, version="v2"), [PARTS, EXPIRED], replace(PARTS_THERE, version="v2")),
    ],
)
def test_checksums(known: Entry, events: list[Change], there: Head) -> None:
    """Other parts are a change unless both checksums are known, and the HEAD finds the event's."""
    assert not World({PAGE: known}, {PAGE: there}).filter.check(events).unchanged


PLUS, SPACE = ("site", "c++.html"), ("site", "c  .html")
BOTH = [
    Change(*name, Kind.CREATED, NOON, "etag", other=other[1])
    for name, other in ((PLUS, SPACE), (SPACE, PLUS))
]


@pytest.mark.parametrize(
    ("known", "unchanged"), [({}, {SPACE}), ({PLUS: KNOWN}, {PLUS, SPACE}), ({PLUS: "t"}, {SPACE})]
)
def test_readings(known: dict[Name, Entry | str], unchanged: set[Name]) -> None:
    """Of two readings of a key, the one that is not there changed nothing, and is not written."""
    world = World(known, {PLUS: THERE})

    assert world.filter.check(BOTH).unchanged == unchanged
    assert SPACE not in world.catalogue.entries


@pytest.mark.parametrize(
    ("known", "objects", "silent", "events"),
    [
        ({SPACE: KNOWN}, {PLUS: THERE}, set(), BOTH),
        ({}, {PLUS: THERE, SPACE: replace(THERE, etag="other")}, set(), BOTH),
        ({}, {PLUS: THERE}, {SPACE}, BOTH),
        ({}, {PLUS: THERE}, {PLUS}, BOTH),
        ({}, {PLUS: replace(THERE, etag="other")}, set(), BOTH),
        ({}, {}, set(), BOTH),
        ({}, {PLUS: THERE}, set(), [*BOTH, replace(BOTH[1], other=None)]),
        ({}, {PLUS: THERE}, set(), [replace(one, kind=Kind.REMOVED, version="v1") for one in BOTH]),
    ],
)
def test_both_readings(
    known: dict[Name, Entry], objects: dict[Name, Head], silent: set[Name], events: list[Change]
) -> None:
    """A reading gets its row if it was known, is there, is not answered for, or may be removed."""
    world = World(known, objects)
    world.heads.silent = silent

    assert SPACE not in world.filter.check(events).unchanged
