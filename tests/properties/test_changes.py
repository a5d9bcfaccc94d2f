"""Laws of reading messages: keys survive S3's encoding, and nothing but a refusal is raised."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from edgesweep.dirty import MAX_KEY_BYTES
from edgesweep.errors import BadInput
from tests.messages import parse

EVENTS = Path(__file__).parents[1] / "events"
BODIES = [path.read_text() for path in sorted(EVENTS.glob("*.json"))]

# "a+b%2F/ü🌵~*": what S3 accepts as a key, rich in what encodings trip over
keys = st.text(
    st.sampled_from("ab+% /?#&=~*'\"<>\\^`|é🌵\x00\n") | st.characters(codec="utf-8"), min_size=1
).filter(lambda key: len(key.encode()) <= MAX_KEY_BYTES)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def notification(encoded_key: str) -> dict[str, Any]:
    """Return a notification about the object whose encoded key is given."""
    message: dict[str, Any] = json.loads((EVENTS / "s3-object-created-put.json").read_text())
    message["Records"][0]["s3"]["object"]["key"] = encoded_key
    return message


def refusal(body: str) -> str:
    """Return why `body` is refused; empty if it is read."""
    try:
        parse(body)
    except BadInput as error:
        return str(error)
    return ""


def places(node: object) -> list[tuple[dict[str, Any] | list[Any], Any]]:
    """List every container and index below `node`."""
    if isinstance(node, dict | list):
        indices = list(node) if isinstance(node, dict) else list(range(len(node)))
        return [(node, i) for i in indices] + [place for i in indices for place in places(node[i])]
    return []


@given(keys, st.sampled_from(["", "/"]))
def test_direct_key(key: str, safe: str) -> None:
    """A key that S3 form-encodes, with or without its slashes, comes back as it was."""
    (change,) = parse(json.dumps(notification(quote_plus(key, safe=safe))))

    assert change.key == key


@given(keys)
def test_sns_key(key: str) -> None:
    """An SNS envelope changes nothing about the key."""
    envelope = json.loads((EVENTS / "sns-object-created-put.json").read_text())
    envelope["Message"] = json.dumps(notification(quote_plus(key, safe="/")))

    (change,) = parse(json.dumps(envelope))

    assert change.key == key


@given(keys, st.sampled_from([str, quote, quote_plus]))
def test_eventbridge_key(key: str, encode: Any) -> None:  # noqa: ANN401  # drawn
    """However EventBridge encodes a key, the key is among the readings."""
    event = json.loads((EVENTS / "eventbridge-object-created-put.json").read_text())
    event["detail"]["object"]["key"] = encode(key)

    assert key in [change.key for change in parse(json.dumps(event))]


@given(st.text())
def test_any_text(text: str) -> None:
    """Arbitrary text is refused, never more."""
    assert refusal(text).isprintable()


@given(json_values)
def test_any_json(value: object) -> None:
    """Arbitrary JSON is refused, never more."""
    assert refusal(json.dumps(value)).isprintable()


@given(st.sampled_from(BODIES), st.data())
def test_any_damage(body: str, data: st.DataObject) -> None:
    """A real payload with one value replaced is read or refused, in one printable line."""
    message = json.loads(body)
    container, index = data.draw(st.sampled_from(places(message)))
    container[index] = data.draw(json_values)

    assert refusal(json.dumps(message)).isprintable()
