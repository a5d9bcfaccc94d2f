"""Deploys that upload everything, as a CI machine does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgesweep.lab.replay.history import HistorySource, Progress, Step


@dataclass(frozen=True, slots=True)
class Reuploaded:
    """A history whose every deploy uploads all live objects.

    The catalogue is empty at first, so it skips nothing at the first deploy. Afterwards each upload
    takes one HEAD request, changed or not.

    Attributes:
        history: the history of changes.
    """

    history: HistorySource

    @property
    def name(self) -> str:
        return self.history.name

    def steps(self, progress: Progress | None = None) -> Iterator[Step]:

        known = False
        for step in self.history.steps(progress):
            changed = set(step.dirty)
            again = [path for path in step.live if path not in changed]
            unknown, unchanged = ([], again) if known else (again, [])
            yield replace(step, unknown=unknown, unchanged=unchanged, heads=len(step.live))
            known = True
