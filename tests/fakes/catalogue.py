"""A catalogue and a bucket in memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from edgesweep.record.catalogue import Entry, Head, Name

REFUSED = "The table is closed"


@dataclass
class CatalogueInMemory:
    """The port of the table `catalogue`.

    Attributes:
        entries: what is known, or the token under which it was forgotten.
        closed: objects whose entries cannot be written.
        asked: how often each method was called for at least one object.
    """

    entries: dict[Name, Entry | str] = field(default_factory=dict)
    closed: set[Name] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def known(self, names: Collection[Name]) -> Mapping[Name, Entry]:
        """Return the entries of those that are known."""
        self._note("known", names)
        found = {name: self.entries.get(name) for name in names}
        return {name: entry for name, entry in found.items() if isinstance(entry, Entry)}

    def forget(self, names: Collection[Name], token: str) -> Mapping[Name, str]:
        """Make objects unknown under a token; return those that are closed."""
        self._note("forget", names)
        self.entries |= dict.fromkeys(set(names) - self.closed, token)
        return {name: REFUSED for name in names if name in self.closed}

    def learn(self, entries: Mapping[Name, Entry], token: str) -> Mapping[Name, str]:
        """Set the entries of objects still unknown under `token`, and of no other."""
        self._note("learn", entries)
        for name, entry in entries.items():
            if self.entries.get(name) == token and name not in self.closed:
                self.entries[name] = entry
        return {name: REFUSED for name in entries if name in self.closed}

    def _note(self, method: str, names: Collection[Name]) -> None:
        if names:
            self.asked.append(method)


@dataclass
class HeadsInMemory:
    """Objects to look at.

    Attributes:
        objects: what is there.
        silent: objects whose HEAD gets no answer.
        looked: every object that was looked at, in order.
    """

    objects: dict[Name, Head] = field(default_factory=dict)
    looked: list[Name] = field(default_factory=list)
    silent: set[Name] = field(default_factory=set)

    def __call__(self, names: Collection[Name]) -> Mapping[Name, Head | None]:
        """Return what is there."""
        self.looked += names
        return {name: self.objects.get(name) for name in names if name not in self.silent}
