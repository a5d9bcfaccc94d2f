"""A deploy of 10,000 objects, delivered as untidily as SQS may."""

from collections import Counter
from itertools import count

from bench.recording import BATCH, NOW, batches, deliveries, object_keys
from edgesweep.record.recorder import Recorder
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.routes import routes_in_memory


def recorder(writer: DirtyRowsInMemory) -> Recorder:
    """Return a recorder for one distribution."""
    numbers = count()
    return Recorder(routes_in_memory(), writer, lambda: f"{next(numbers):016x}")


def test_every_key() -> None:
    """Of 10,000 messages, a tenth delivered twice and all shuffled, every key has a row."""
    writer = DirtyRowsInMemory()
    recording = recorder(writer)

    recorded = [recording.record(batch, NOW) for batch in batches(deliveries())]

    rows = Counter(row.change.key for row in writer.rows)
    assert len(deliveries()) == 11_000
    assert rows.keys() == set(object_keys())
    assert len(rows) == 10_000
    assert not any(batch.failed for batch in recorded)
    assert sum(batch.rows for batch in recorded) == len(writer.rows)


def test_once_a_batch() -> None:
    """Within a batch a key of two messages has one row."""
    for batch in batches(deliveries()):
        writer = DirtyRowsInMemory()
        twice = {f"{message} again": body for message, body in batch.items()}

        recorder(writer).record({**batch, **twice}, NOW)

        assert len(writer.rows) == len(batch) <= BATCH


def test_lost_half_way() -> None:
    """When the table takes only some rows, every key that has none is delivered again."""
    recording = recorder(writer := DirtyRowsInMemory(room=4_321))

    back = {
        message
        for batch in batches(deliveries())
        for message in recording.record(batch, NOW).failed
    }

    written = {row.change.key for row in writer.rows}
    keys = dict(zip((f"m{n}" for n in range(10_000)), object_keys(), strict=True))
    assert {keys[message] for message in back} >= set(keys.values()) - written
