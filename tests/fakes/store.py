"""What is kept of the distributions and their buckets, in memory."""

from dataclasses import dataclass, field, replace

from edgesweep.routes.kept import Kept


@dataclass
class StoreInMemory:
    """The port of the item that keeps it.

    Attributes:
        kept: what was saved last.
        saves: everything that was ever saved, in order.
    """

    kept: Kept | None = field(default_factory=Kept)
    saves: list[Kept] = field(default_factory=list)

    def load(self) -> Kept | None:
        """Return what was saved last."""
        return self.kept

    def save(self, kept: Kept) -> bool:
        """Keep it, unless somebody has saved since it was loaded."""
        if self.kept and self.kept.revision != kept.revision:
            return False
        self.kept = replace(kept, revision=kept.revision + 1)
        self.saves.append(self.kept)
        return True
