"""A filter of unchanged uploads over a catalogue and a bucket in memory."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from edgesweep.dirty import Change, Kind
from edgesweep.record.catalogue import Entry, Head, Name
from edgesweep.record.unchanged import UnchangedFilter
from tests.fakes.catalogue import CatalogueInMemory, HeadsInMemory
from tests.messages import NOON

PAGE, STYLE = ("site", "index.html"), ("site", "style.css")
SECOND = timedelta(seconds=1)
LATER = NOON + timedelta(minutes=1)
KNOWN = Entry("etag", "headers", seen_at=LATER)
THERE = Head("etag", ("headers",), modified_at=NOON, seen_at=LATER)
CREATED = Change(*PAGE, Kind.CREATED, NOON, "etag")
REMOVED = replace(CREATED, kind=Kind.REMOVED, etag=None)
EXPIRED = replace(REMOVED, version="v1", changed_at=LATER)


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
        """Return a time that shows how often somebody looked before."""
        return LATER + len(self.heads.looked) * SECOND

    @property
    def entry(self) -> Entry | str | None:
        """What is kept of the page."""
        return self.catalogue.entries.get(PAGE)
