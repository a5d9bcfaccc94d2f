"""Deploys that upload everything, as a CI machine does, which writes every file again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgesweep.lab.replay.history import HistorySource, Progress, Step


@dataclass(frozen=True, slots=True)
class Reuploaded:
    """A history whose every deploy uploads all that is live.

    A catalogue begins with nothing, so that it passes nothing over at the first deploy; afterwards
    each upload takes one HEAD request, whether it changed something or not.

    Attributes:
        history: what changes.
    """

    history: HistorySource

    @property
    def name(self) -> str:
        return self.history.name

    def steps(self, progress: Progress | None = None) -> Iterator[Step]:
        """Follow the deploys."""
        known = False
        for step in self.history.steps(progress):
            changed = set(step.dirty)
            again = [path for path in step.live if path not in changed]
            unknown, unchanged = ([], again) if known else (again, [])
            yield replace(step, unknown=unknown, unchanged=unchanged, heads=len(step.live))
            known = True
