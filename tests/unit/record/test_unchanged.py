"""Which uploads change nothing, and what is learnt of an object in which order."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from edgesweep.dirty import Change, Kind
from edgesweep.record.catalogue import Entry, Head, Name
from edgesweep.record.headers import BOOKKEEPING, fingerprints
from edgesweep.record.unchanged import NoCatalogue, UnchangedFilter
from tests.fakes.catalogue import REFUSED, CatalogueInMemory, HeadsInMemory
from tests.messages import NOON

PAGE, STYLE = ("site", "index.html"), ("site", "style.css")
SECOND = timedelta(seconds=1)
LATER = NOON + timedelta(minutes=1)
KNOWN = Entry("etag", "headers", seen_at=LATER)
THERE = Head("etag", ("headers",), modified_at=NOON, seen_at=LATER)
CREATED = Change(*PAGE, Kind.CREATED, NOON, "etag")
REMOVED = replace(CREATED, kind=Kind.REMOVED, etag=None)


VERSIONED = replace(KNOWN, version="v2")
VERSION_THERE = replace(THERE, version="v2")
WRITTEN = replace(CREATED, version="v2")
EXPIRED = replace(REMOVED, version="v1", changed_at=LATER)


def created(name: Name = PAGE) -> Change:
    """Return the event of an upload."""
    return Change(*name, Kind.CREATED, NOON, "etag")


class World:
    """A catalogue and a bucket, and a clock that is ahead of every HEAD."""

    def __init__(
        self, known: Mapping[Name, Entry | str], objects: Mapping[Name, Head | None]
    ) -> None:
        self.catalogue = CatalogueInMemory(dict(known))
        self.heads = HeadsInMemory({name: head for name, head in objects.items() if head})
        tokens = count(1)
        self.filter = UnchangedFilter(
            self.catalogue, self.heads, lambda: f"t{next(tokens)}", self.clock
        )

    def clock(self) -> datetime:
        """Return a time that tells how often was looked before."""
        return LATER + len(self.heads.looked) * SECOND

    @property
    def entry(self) -> Entry | str | None:
        """What is kept of the page."""
        return self.catalogue.entries.get(PAGE)


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
    """Whatever is unknown, or not as it was in every respect, is a change, and forgotten."""
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
        def look(self, names: Collection[Name]) -> Mapping[Name, Head | None]:
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
    """What cannot be learnt is told, and stays unknown."""
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
        def look(self, names: Collection[Name]) -> Mapping[Name, Head | None]:
            world.catalogue.closed = {PAGE}
            return world.heads.look(names)

    assert replace(world.filter, heads=Closing()).survey([PAGE, STYLE]) == 1


def test_unsifted() -> None:
    """Without a catalogue every object is changed, and nothing is looked at or learnt."""
    checked = NoCatalogue().check([CREATED])

    assert not checked.unchanged
    assert not checked.refused
    assert checked.stamped_at is None
    assert NoCatalogue().learn(checked, {PAGE}) == {}


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


@pytest.mark.parametrize(
    "change",
    [
        {"content-type": "text/plain"},
        {"cache-control": "no-cache"},
        {"content-encoding": "gzip"},
        {"content-language": "fr"},
        {"content-disposition": "inline"},
        {"expires": "Thu, 01 Dec 2026 16:00:00 GMT"},
        {"x-amz-website-redirect-location": "/there"},
        {"x-amz-meta-build": "2"},
    ],
)
def test_viewed(change: dict[str, str]) -> None:
    """A header that viewers see makes another fingerprint, by its value and by being there."""
    headers = {"content-type": "text/html", "x-amz-meta-build": "1"}

    assert fingerprints(headers | change)[0] != fingerprints(headers)[0]


def test_not_viewed() -> None:
    """Headers that say nothing of the object, and their order, make no difference."""
    headers = {"content-type": "text/html", "x-amz-meta-build": "1"}
    others = {"date": "now", "x-amz-request-id": "4442587FB7D0A2F9", "x-amz-version-id": "3"}

    assert fingerprints(others | dict(reversed(headers.items()))) == fingerprints(headers)


def test_ambiguous() -> None:
    """No value can be mistaken for another header."""
    one = {"x-amz-meta-a": 'b"], ["x-amz-meta-c", "d'}
    two = {"x-amz-meta-a": "b", "x-amz-meta-c": "d"}

    assert fingerprints(one) != fingerprints(two)


@pytest.mark.parametrize("name", [*BOOKKEEPING, "build", "ci-run"])
def test_bookkeeping(name: str) -> None:
    """What tools keep for themselves, or the user ignores, makes no difference."""
    headers = {"content-type": "text/html", "x-amz-meta-author": "me"}
    kept = [headers | {f"x-amz-meta-{name}": value} for value in "12"]

    assert len({fingerprints(one, ["build", "ci-*"])[0] for one in [headers, *kept]}) == 1


def test_released() -> None:
    """An entry of release 0.1.0 confirms what it was made of."""
    headers = {"content-type": "text/html", "x-amz-meta-mtime": "1"}
    released = "e04131513234cbe9740fd9d14880f0692b356610f3da283959bcbeaf9bfa6bb4"

    assert released in fingerprints(headers)
