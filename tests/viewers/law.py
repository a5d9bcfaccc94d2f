"""The law: once a change is swept, no reader gets bytes that the origin would not return now.

Its only exceptions:

- an error, until the seconds are over for which a cached error is accepted;
- keys that the user excludes, or calls immutable;
- metadata that is ignored on purpose;
- a configuration that is still being deployed: in these stories every one is deployed.

The user says the words of `viewerPaths` that the documentation names for a function or a website.
"""

from collections.abc import Iterator, Mapping

from edgesweep.record.recorder import Fate
from infra.local.edge.functions import Node
from infra.local.edge.s3 import Answer
from tests.viewers.world import Story, World

# A cached error is accepted for this long.
ACCEPTED_SECONDS = 10


def stale(story: Story, node: Node) -> Iterator[str]:
    """Let a story happen; yield a line for each request that is answered from the past."""
    world = World(story, node)
    if not world.tell():
        yield f"Something is never swept, sent {world.sent}"
    world.wait(ACCEPTED_SECONDS)
    for request in story.requests:
        got = world.edge.get(request.url, request.headers)
        due = world.edge.fresh(request.url, request.headers)
        if got != due and not _passed_over(world, got, due):
            yield f"{request}: {_shown(got)} instead of {_shown(due)}, sent {world.sent}"


def _passed_over(world: World, *answers: Answer) -> bool:
    """Tell whether an answer is of a key that the user does not want swept."""
    shown = [one.headers.get("location", "").encode() or one.body for one in answers]
    keys = (key for one in filter(None, shown) for key in world.buckets.holders.get(one, ()))
    return any(world.story.selection.fate(key) is not Fate.SWEPT for key in keys)


def _shown(answer: Answer) -> Mapping[str, object]:
    return {"status": answer.status, "body": answer.body.decode(), **answer.headers}
