"""A message on the queue that requests paths, and the rows that it becomes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from edgesweep.dirty import RequestedPath
from edgesweep.errors import BadInput
from edgesweep.record.events import MAX_PATHS, Request, parse
from edgesweep.record.recorder import MOST_ROWS, Recorder
from tests.fakes.dirty import DirtyRowsInMemory
from tests.fakes.routes import routes_in_memory
from tests.messages import notification
from tests.unit.record.test_recorder import SOON, batch, tokens

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "invalidate.schema.json").read_text())
GOOD: Mapping[str, Any] = {"edgesweep": "invalidate", "paths": ["/a%20b", "#tag"], "by": "the CMS"}

BAD: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "other word": ({"edgesweep": "purge"}, "edgesweep must be invalidate, not 'purge'"),
    "no sender": ({"by": None}, "by must be text, not None"),
    "empty sender": ({"by": ""}, "by is '', not 1 to 100 printable characters"),
    "line break": ({"by": "a\nb"}, "by is 'a\\\\nb', not 1 to 100 printable characters"),
    "long sender": ({"by": "x" * 101}, "not 1 to 100 printable characters"),
    "paths as text": ({"paths": "/a"}, "paths must be a list, not '/a'"),
    "no path": ({"paths": []}, "A request has 0 paths, not 1 to 1,000"),
    "many paths": ({"paths": ["/a"] * 1_001}, "A request has 1,001 paths, not 1 to 1,000"),
    "path as number": ({"paths": [1]}, "A path must be text, not 1"),
    "unquoted": ({"paths": ["/a b"]}, "'/a b' is not an invalidation path"),
    "glob": ({"paths": ["/*.html"]}, "is not an invalidation path"),
    "misspelt": ({"distributon": "E1"}, "A request has no field 'distributon'"),
    "ids": ({"distribution": ["E1"]}, "distribution must be text"),
}


def recorder(writer: DirtyRowsInMemory, *ids: str) -> Recorder:
    """Return a recorder for some distributions."""
    return Recorder(routes_in_memory({"site": ids}), writer, tokens())


@pytest.mark.parametrize("more", [{}, {"distribution": "E2"}])
def test_understood(more: Mapping[str, str]) -> None:
    """Each path comes as it was written, with its distribution if one is named."""
    message = {**GOOD, **more}
    assert Draft202012Validator(SCHEMA).is_valid(message)

    found = parse(json.dumps(message))

    to = more.get("distribution", "")
    assert found == tuple(Request(RequestedPath(one, "the CMS"), to) for one in GOOD["paths"])


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    """Parser and schema refuse the same; one line names the value and the bound."""
    change, reason = BAD[name]
    message = {**GOOD, **change}

    with pytest.raises(BadInput, match=reason) as refused:
        parse(json.dumps(message))

    assert len(str(refused.value).splitlines()) == 1
    assert not Draft202012Validator(SCHEMA).is_valid(message)


def test_bounds() -> None:
    """The schema states the bounds of the parser."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["paths"]["maxItems"] == MAX_PATHS


def test_rows() -> None:
    """One row for each path and distribution; changes beside it get theirs."""
    writer = DirtyRowsInMemory()
    bodies = (json.dumps(GOOD), json.dumps(GOOD), notification("a.html"))

    recorded = recorder(writer, "E1", "E2").record(batch(*bodies), SOON)

    rows = [(row.distribution, row.subject) for row in writer.rows]
    assert sorted((to, one.path) for to, one in rows if isinstance(one, RequestedPath)) == [
        ("E1", "#tag"),
        ("E1", "/a%20b"),
        ("E2", "#tag"),
        ("E2", "/a%20b"),
    ]
    assert (recorded.rows, recorded.failed, recorded.unrouted) == (6, {}, 0)
    assert {row.recorded_at for row in writer.rows} == {SOON}


@pytest.mark.parametrize(
    ("ids", "to", "reason"),
    [
        (("E1",), "E9", "The distribution E9 is not known"),
        ((), "E9", "The distribution E9 is not known"),
        ((), None, "The distribution (any) is not known"),
    ],
)
def test_unknown(ids: tuple[str, ...], to: str | None, reason: str) -> None:
    """A request for a distribution that is not known comes back, alone."""
    writer = DirtyRowsInMemory()
    body = json.dumps({**GOOD, **({"distribution": to} if to else {})})

    recorded = recorder(writer, *ids).record(batch(body), SOON)

    assert (recorded.failed, writer.rows) == ({"m0": reason}, [])


def test_large() -> None:
    """Of many large requests as many are worked off as there is time for, each in its turn."""
    writer, ids = DirtyRowsInMemory(), [f"E{number}" for number in range(20)]
    waiting = {
        str(number): json.dumps({**GOOD, "paths": [f"/{number}/{n}" for n in range(MAX_PATHS)]})
        for number in range(4)
    }
    waiting["change"] = notification("a.html")
    recording = recorder(writer, *ids)

    for left in (3, 2, 1, 0):
        before = len(writer.rows)
        recorded = recording.record(waiting, SOON)
        waiting = {message: waiting[message] for message in recorded.failed}
        assert len(waiting) == left
        assert MOST_ROWS <= len(writer.rows) - before <= MOST_ROWS + len(ids)
    assert len(writer.rows) == 4 * MOST_ROWS + len(ids)


def test_too_large() -> None:
    """A request that no invocation has time for is refused, and nothing else with it."""
    writer, ids = DirtyRowsInMemory(), [f"E{number}" for number in range(21)]
    large = json.dumps({**GOOD, "paths": [f"/{n}" for n in range(MAX_PATHS)]})

    recorded = recorder(writer, *ids).record({"large": large, "small": json.dumps(GOOD)}, SOON)

    assert recorded.failed == {"large": "It takes 21,000 rows, and at most 20,000 fit"}
    assert len(writer.rows) == len(GOOD["paths"]) * len(ids)


def test_unwritten() -> None:
    """A request whose row cannot be written comes back, and so does nothing else."""
    writer = DirtyRowsInMemory(room=1)
    bodies = {path: json.dumps({**GOOD, "paths": [path]}) for path in ("/a", "/b")}

    recorded = recorder(writer, "E1").record(bodies, SOON)

    assert recorded.failed == {"/b": "The table is full"}
    assert [row.subject for row in writer.rows] == [RequestedPath("/a", "the CMS")]
