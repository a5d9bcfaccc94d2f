"""Which uploads change nothing, and what is learnt of an object in which order."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from edgesweep.dirty import Change, Kind
from edgesweep.record.catalogue import Entry, Head, Name
from tests.fakes.catalogue import REFUSED, HeadsInMemory
from tests.fakes.unchanged import (
    CREATED,
    EXPIRED,
    KNOWN,
    LATER,
    PAGE,
    REMOVED,
    SECOND,
    STYLE,
    THERE,
    World,
)
from tests.messages import NOON

VERSIONED = replace(KNOWN, version="v2")
VERSION_THERE = replace(THERE, version="v2")
WRITTEN = replace(CREATED, version="v2")


def created(name: Name = PAGE) -> Change:
    """Return the event of an upload."""
    return Change(*name, Kind.CREATED, NOON, "etag")


def test_unchanged() -> None:
    """An upload of what is known and there is passed over, and nothing is written for it."""
    world = World({PAGE: KNOWN}, {PAGE: THERE})

    checked = world.filter.check([CREATED])

    assert checked.unchanged == {PAGE}
    assert (checked.refused, checked.seen) == ({}, {})
    assert world.catalogue.asked == ["known"]
    assert world.heads.looked == [PAGE]


@pytest.mark.parametrize(
    "events",
    [
        [CREATED, CREATED],
        [CREATED, replace(CREATED, changed_at=LATER)],
        [replace(CREATED, changed_at=LATER)],
    ],
)
def test_unchanged_again(events: list[Change]) -> None:
    """Events that come twice, late or several at once are passed over just the same."""
    checked = World({PAGE: KNOWN}, {PAGE: THERE}).filter.check(events)

    assert checked.unchanged == {PAGE}


@pytest.mark.parametrize(
    ("known", "events", "there"),
    [
        ("forgotten", [CREATED], THERE),
        (KNOWN, [replace(CREATED, etag="other")], THERE),
        (KNOWN, [replace(CREATED, etag=None)], THERE),
        (KNOWN, [CREATED, replace(CREATED, etag="other", changed_at=NOON - SECOND)], THERE),
        (KNOWN, [replace(REMOVED, changed_at=NOON - SECOND), CREATED], THERE),
        (KNOWN, [replace(REMOVED, etag="etag", changed_at=NOON - SECOND), CREATED], THERE),
        (replace(KNOWN, since=NOON), [CREATED], THERE),
        (KNOWN, [CREATED], None),
        (KNOWN, [CREATED], replace(THERE, etag="other")),
        (KNOWN, [CREATED], replace(THERE, headers=("other",))),
        (KNOWN, [CREATED], replace(THERE, modified_at=NOON + SECOND)),
        (
            KNOWN,
            [replace(CREATED, changed_at=NOON - SECOND), replace(CREATED, changed_at=LATER)],
            THERE,
        ),
    ],
)
def test_changed(known: Entry | str, events: list[Change], there: Head | None) -> None:
    """An object that is unknown, or differs in any respect, is a change, and forgotten."""
    world = World({PAGE: known}, {PAGE: there})

    checked = world.filter.check(events)

    assert checked.unchanged == set()
    assert world.entry == checked.token != "forgotten"
    assert checked.seen == ({PAGE: there} if there else {})


@pytest.mark.parametrize(
    ("sequencer", "seconds"),
    [
        (f"00{int(NOON.timestamp()):X}0FFFFFFF", 1),
        (f"{int(NOON.timestamp()):x}00000000", 1),
        (None, 5),
        ("0055AED6DCD90281E5", 5),
        (f"00{int(LATER.timestamp()):X}00000000", 5),
        ("ff", 5),
        ("no number", 5),
    ],
)
def test_late_stamp(sequencer: str | None, seconds: int) -> None:
    """A write after the upload has begun is another one, even if the event is stamped later."""
    late = replace(CREATED, changed_at=NOON + 5 * SECOND, sequencer=sequencer)
    written = [replace(THERE, modified_at=NOON + n * SECOND) for n in (seconds, seconds + 1)]

    known = [World({PAGE: KNOWN}, {PAGE: head}).filter.check([late]).unchanged for head in written]

    assert known == [{PAGE}, frozenset()]


@pytest.mark.parametrize(
    ("events", "version"),
    [
        ([EXPIRED], "v2"),
        ([EXPIRED, replace(EXPIRED, version="v0", changed_at=NOON - SECOND)], "v2"),
        ([WRITTEN, EXPIRED], "v2"),
        ([EXPIRED], "v3"),
    ],
)
def test_noncurrent_removed(events: list[Change], version: str) -> None:
    """The removal of a version that viewers were not served changes nothing."""
    world = World({PAGE: VERSIONED}, {PAGE: replace(THERE, version=version)})

    assert world.filter.check(events).unchanged == {PAGE}
    assert world.entry == VERSIONED


@pytest.mark.parametrize(
    ("known", "events", "there"),
    [
        ("forgotten", [EXPIRED], VERSION_THERE),
        (KNOWN, [EXPIRED], VERSION_THERE),
        (VERSIONED, [replace(EXPIRED, version="v2")], replace(THERE, version="v1")),
        (VERSIONED, [replace(EXPIRED, version="v2")], replace(THERE, version="v3")),
        (VERSIONED, [EXPIRED], replace(VERSION_THERE, headers=("other",))),
        (replace(VERSIONED, since=LATER), [EXPIRED], VERSION_THERE),
        (VERSIONED, [replace(WRITTEN, version="v3")], VERSION_THERE),
        (VERSIONED, [replace(WRITTEN, version="v3"), EXPIRED], VERSION_THERE),
    ],
)
def test_versions(known: Entry | str, events: list[Change], there: Head) -> None:
    """The removal of a version that viewers may have been served is a change; then it is known."""
    world = World({PAGE: known}, {PAGE: there})

    checked = world.filter.check(events)
    world.filter.learn(checked, {PAGE})

    assert checked.unchanged == set()
    assert world.entry == Entry(there.etag, there.headers[0], None, there.version, LATER)


@pytest.mark.parametrize(
    ("seen_at", "whole_since", "unchanged"),
    [
        (LATER, LATER, {PAGE}),
        (LATER, LATER + SECOND, set()),
        (None, NOON, set()),
        (None, None, {PAGE}),
    ],
)
def test_missed_events(
    seen_at: datetime | None, whole_since: datetime | None, unchanged: set[Name]
) -> None:
    """An entry from before events of its bucket were missed is not trusted, and learnt again."""
    world = World({PAGE: replace(KNOWN, seen_at=seen_at)}, {PAGE: THERE})
    since = {"other": LATER + SECOND} | ({"site": whole_since} if whole_since else {})
    unchanged_filter = replace(world.filter, complete_since=since)

    assert unchanged_filter.check([replace(CREATED, changed_at=LATER)]).unchanged == unchanged

    unchanged_filter.survey([PAGE])
    assert unchanged_filter.catalogue.known([PAGE])[PAGE].seen_at == (
        seen_at if unchanged else LATER
    )


@pytest.mark.parametrize("event", [REMOVED, replace(EXPIRED, version=None)])
def test_unversioned(event: Change) -> None:
    """A removal that names no version leaves nothing to be known."""
    world = World({PAGE: VERSIONED}, {PAGE: VERSION_THERE})

    checked = world.filter.check([event])

    assert not checked.unchanged
    assert not checked.seen


def test_since() -> None:
    """An entry of a survey judges the events after the moment from which it holds."""
    known = replace(KNOWN, since=NOON - SECOND)

    assert World({PAGE: known}, {PAGE: THERE}).filter.check([CREATED]).unchanged == {PAGE}


def test_removed() -> None:
    """A removal forgets for good, and nobody looks at what is gone."""
    world = World({PAGE: KNOWN, STYLE: KNOWN}, {PAGE: THERE, STYLE: THERE})

    checked = world.filter.check([REMOVED, replace(CREATED, changed_at=NOON - SECOND)])

    assert not checked.unchanged
    assert not checked.seen
    assert world.catalogue.entries == {PAGE: checked.token, STYLE: KNOWN}
    assert world.heads.looked == []


def test_stamp() -> None:
    """A row's stamp is later than every HEAD of the batch."""
    world = World({PAGE: KNOWN}, {PAGE: THERE, STYLE: THERE})

    checked = world.filter.check([created(PAGE), created(STYLE)])

    assert world.heads.looked == [PAGE, STYLE]
    assert checked.stamped_at == LATER + 2 * SECOND


def test_forgotten_first() -> None:
    """An object is looked at once its entry is forgotten, so that no later event is missed."""
    world = World({PAGE: KNOWN}, {PAGE: THERE})

    class Spy(HeadsInMemory):
        def __call__(self, names: Collection[Name]) -> Mapping[Name, Head | None]:
            seen.extend(world.catalogue.entries[name] for name in names)
            return {}

    seen: list[Entry | str] = []
    unchanged_filter = replace(world.filter, heads=Spy())

    unchanged_filter.check([replace(CREATED, etag="other")])

    assert seen == ["t1"]


@pytest.mark.parametrize("event", [replace(CREATED, etag="other"), REMOVED])
def test_closed(event: Change) -> None:
    """What cannot be forgotten may not have its row, and is not looked at."""
    world = World({PAGE: KNOWN}, {PAGE: THERE})
    world.catalogue.closed = {PAGE}

    checked = world.filter.check([event])

    assert checked.refused == {PAGE: REFUSED}
    assert world.heads.looked == []


def test_learn() -> None:
    """What was seen of a changed object is known once its rows are written."""
    world = World({}, {PAGE: THERE, STYLE: THERE})
    checked = world.filter.check([created(PAGE), created(STYLE)])

    assert world.filter.learn(checked, {PAGE}) == {}

    assert world.catalogue.entries == {PAGE: KNOWN, STYLE: checked.token}


def test_overtaken() -> None:
    """Of two recorders at once the later one counts; the other learns nothing."""
    world = World({}, {PAGE: THERE})
    earlier, later = world.filter.check([CREATED]), world.filter.check([CREATED])

    world.filter.learn(earlier, {PAGE})
    assert world.catalogue.entries == {PAGE: later.token}
    world.filter.learn(later, {PAGE})

    assert world.catalogue.entries == {PAGE: KNOWN}


def test_unlearnt() -> None:
    """An object that cannot be learned is reported, and stays unknown."""
    world = World({}, {PAGE: THERE})
    checked = world.filter.check([CREATED])
    world.catalogue.closed = {PAGE}

    assert world.filter.learn(checked, {PAGE}) == {PAGE: REFUSED}
    assert world.entry == checked.token


def test_survey() -> None:
    """A survey learns what is unknown, for the events after it, and leaves alone what is known."""
    world = World({PAGE: KNOWN}, {PAGE: replace(THERE, etag="other"), STYLE: THERE})

    known = world.filter.survey([PAGE, STYLE, ("site", "gone.html")])

    assert known == 2
    assert world.entry == KNOWN
    since = LATER + 10 * SECOND
    assert world.catalogue.entries[STYLE] == replace(KNOWN, since=since)
    assert world.heads.looked == [STYLE, ("site", "gone.html")]


def test_survey_closed() -> None:
    """A survey does not count, and does not look at, what it cannot write."""
    world = World({}, {PAGE: THERE, STYLE: THERE})
    world.catalogue.closed = {PAGE}

    assert world.filter.survey([PAGE, STYLE]) == 1
    assert world.heads.looked == [STYLE]


def test_survey_unlearnt() -> None:
    """What a survey sees but cannot write is not counted as known."""
    world = World({}, {PAGE: THERE, STYLE: THERE})

    class Closing(HeadsInMemory):
        def __call__(self, names: Collection[Name]) -> Mapping[Name, Head | None]:
            world.catalogue.closed = {PAGE}
            return world.heads(names)

    assert replace(world.filter, heads=Closing()).survey([PAGE, STYLE]) == 1
