"""Laws of the one question: does a viewer get something else now than the catalogue knows?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from edgesweep.dirty import Change, Kind
from edgesweep.record import headers
from edgesweep.record.catalogue import Entry, Head
from edgesweep.record.headers import BOOKKEEPING, fingerprints
from edgesweep.record.unchanged import UnchangedFilter
from tests.fakes.catalogue import CatalogueInMemory, HeadsInMemory
from tests.faults.catalogue.mutants import (
    AnyChecksum,
    AnyRemoval,
    AnyVersion,
    AnyWrite,
    EventAlone,
    HeadAlone,
    OtherReading,
    RemovedReading,
    SilentIsGone,
)
from tests.messages import NOON

PAGE, TWIN = ("site", "a b"), ("site", "a+b")
LATER = NOON + timedelta(seconds=5)

times = st.sampled_from([NOON, LATER])
etags = st.sampled_from(["a", "b"])
versions = st.sampled_from([None, "v1", "v2"])
checksums = st.sampled_from([None, "c1", "c2"])
heads = st.none() | st.builds(
    Head, etags, st.sampled_from([("new", "old"), ("else",)]), times, times, versions, checksums
)
entries = st.builds(
    Entry,
    etags,
    st.sampled_from(["new", "old"]),
    st.sampled_from([None, NOON]),
    versions,
    st.none(),
    checksums,
)
created = st.builds(
    Change,
    *map(st.just, (*PAGE, Kind.CREATED)),
    times,
    etag=etags,
    version=versions,
    other=st.sampled_from([None, TWIN[1], TWIN[1]]),
)
removed = st.builds(
    Change, *map(st.just, (*PAGE, Kind.REMOVED)), times, version=versions, other=st.just(TWIN[1])
)


@dataclass(frozen=True)
class Case:
    """What is known of an object, its events, and what HEADs of both readings find.

    Attributes:
        silent: whether the HEAD of the object gets no answer.
    """

    entry: Entry | None
    events: Sequence[Change]
    head: Head | None
    twin: Head | None
    silent: bool

    def is_skipped(self, kind: type[UnchangedFilter] = UnchangedFilter) -> bool:
        """Tell whether a filter skips the object."""
        catalogue = CatalogueInMemory({PAGE: self.entry} if self.entry else {})
        objects = {PAGE: self.head, TWIN: self.twin}
        there = HeadsInMemory(
            {name: head for name, head in objects.items() if head},
            silent={PAGE} & {*[PAGE] * self.silent},
        )
        checked = kind(catalogue, there, lambda: "token", lambda: LATER).check(self.events)
        return PAGE in checked.unchanged

    def may_be_skipped(self) -> bool:
        """Tell the same by the rule, one condition after the other."""
        if self.silent:
            return False
        made = [event for event in self.events if event.kind is Kind.CREATED]
        if self.head is None:
            return (
                self.entry is None
                and made == self.events
                and all(event.other for event in made)
                and self.twin is not None
                and self.twin.etag in [event.etag for event in made]
            )
        if self.entry is None or self._is_gone():
            return False
        bytes_are_same = self.head.etag == self.entry.etag or (
            made == self.events
            and self.head.checksum is not None
            and self.head.checksum == self.entry.checksum
        )
        return (
            bytes_are_same
            and self.entry.headers in self.head.headers
            and all(self._fits(event, self.entry, self.head) for event in self.events)
        )

    def _is_gone(self) -> bool:
        last = max(self.events, key=lambda event: event.changed_at)
        return last.kind is Kind.REMOVED and last.version is None

    @staticmethod
    def _fits(event: Change, entry: Entry, head: Head) -> bool:
        if entry.since and event.changed_at <= entry.since:
            return False
        if event.kind is Kind.CREATED:
            its_own = event.etag == head.etag and event.version in {None, head.version}
            return its_own and head.modified_at <= event.changed_at
        return None not in {entry.version, event.version} and event.version != entry.version


cases = st.builds(
    Case,
    st.none() | entries,
    st.lists(created | removed, min_size=1, max_size=2),
    heads,
    heads,
    st.sampled_from([False, False, True]),
)


@given(cases)
@settings(max_examples=1_000)
def test_rule(case: Case) -> None:
    """An object is skipped if and only if each condition of the rule holds."""
    assert case.is_skipped() == case.may_be_skipped()


@pytest.mark.parametrize(
    "mutant",
    [
        AnyChecksum,
        AnyRemoval,
        AnyVersion,
        AnyWrite,
        EventAlone,
        HeadAlone,
        OtherReading,
        RemovedReading,
        SilentIsGone,
    ],
)
def test_mutant(mutant: type[UnchangedFilter]) -> None:
    """A filter that leaves out one condition skips an object that the rule does not."""
    found = find(
        cases,
        lambda case: case.is_skipped(mutant) and not case.may_be_skipped(),
        settings=settings(
            max_examples=20_000, phases=[Phase.generate], derandomize=True, database=None
        ),
    )

    assert not found.is_skipped()


names = st.sampled_from([*BOOKKEEPING, "build", "build-id", "mtimes"]).map("x-amz-meta-{}".format)
others = st.sampled_from(["content-type", "cache-control", "x-amz-website-redirect-location"])
noise = st.sampled_from(["date", "etag", "last-modified"])
sent = st.dictionaries(names | others | noise, st.sampled_from(["1", "2"]), max_size=5)
ignored = st.sampled_from([(), ("build",), ("build*",)])
Fingerprints = Callable[[Mapping[str, str], Sequence[str]], tuple[str, ...]]


def counted(sent: Mapping[str, str], ignored: Sequence[str]) -> Mapping[str, str]:
    """Return the headers that count, by their names alone."""
    left_out = {f"x-amz-meta-{name}" for name in BOOKKEEPING}
    left_out |= {"x-amz-meta-build"} if ignored else set()
    left_out |= {"x-amz-meta-build-id"} if ignored == ("build*",) else set()
    return {
        name: value
        for name, value in sent.items()
        if name not in left_out | {"date", "etag", "last-modified"}
    }


@given(sent, sent, ignored)
def test_same_headers(one: Mapping[str, str], two: Mapping[str, str], names: Sequence[str]) -> None:
    """Two objects have the same fingerprint if and only if the headers that count are the same."""
    same = fingerprints(one, names)[0] == fingerprints(two, names)[0]

    assert same == (counted(one, names) == counted(two, names))


@given(sent, sent, ignored, ignored)
def test_other_rule(
    one: Mapping[str, str], two: Mapping[str, str], before: Sequence[str], now: Sequence[str]
) -> None:
    """An entry by another rule is confirmed only if the headers that count now are the same."""
    if fingerprints(one, before)[0] in fingerprints(two, now):
        assert counted(one, now) == counted(two, now)


@given(sent, ignored)
def test_upgrade(one: Mapping[str, str], names: Sequence[str]) -> None:
    """An entry of release 0.1.0, or of before `ignoreMetadata`, confirms unchanged headers."""
    then = headers._digest(one, ())  # noqa: SLF001  # as release 0.1.0 computed it

    assert {then, fingerprints(one)[0]} <= {*fingerprints(one, names)}


def test_bookkeeping_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The laws notice a fingerprint that includes what tools keep for themselves."""
    monkeypatch.setattr(headers, "BOOKKEEPING", ())

    with pytest.raises(AssertionError):
        test_same_headers()
