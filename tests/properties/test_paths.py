"""Laws of invalidation paths: quoting loses nothing and widens nothing."""

import string
from urllib.parse import unquote

from hypothesis import example, given
from hypothesis import strategies as st

from edgesweep.paths import Pattern, coarser, exact_stop, matcher, quote, viewer_path
from tests.keys import HARD_KEYS

# RFC 1738, 2.2 "Unsafe", in the RFC's order, spelled out rather than by ranges.
UNSAFE = set(' <>"#%{}|\\^~[]`')
SAFE = {chr(code) for code in range(0x21, 0x7F)} - UNSAFE
INEXACT = set("~*?")
LONGEST = 4_000

characters = st.sampled_from("ab/ +%?#&='\"<>[]{}`|\\^~*é🌵\n\x00\x7f") | st.characters(
    codec="utf-8"
)
texts = st.text(characters)
keys = st.sampled_from(HARD_KEYS) | st.text(characters, min_size=1)
# Few characters, so that one text is often a prefix of another, also once both are quoted.
close_texts = st.text(st.sampled_from("a/%2é\u00e8🌵"), max_size=4)
long_paths = st.builds(lambda text, times: "/" + text * times, texts, st.integers(1, 2_000)).filter(
    lambda path: len(path) < 3 * LONGEST
)


def sayable(path: str, star: int = 0) -> bool:
    """Tell whether all of `path` can be said, followed by so many stars."""
    return not INEXACT & set(path) and len(quote(path)) + star <= LONGEST


@given(texts)
def test_unquote(text: str) -> None:
    """What was quoted comes back by ordinary unquoting."""
    assert unquote(quote(text), errors="strict") == text


@given(characters)
def test_character(character: str) -> None:
    """A character is encoded if it is unsafe by RFC 1738, not ASCII or a control, and only then."""
    assert (quote(character) == character) == (character in SAFE)


@given(texts)
def test_alphabet(text: str) -> None:
    """A quoted path holds safe characters and well-formed, upper-case escapes, nothing else."""
    plain, *escapes = quote(text).split("%")

    assert set(plain) <= SAFE
    for escape in escapes:
        assert set(escape[:2]) <= set(string.digits + "ABCDEF")
        assert len(escape) >= 2
        assert set(escape[2:]) <= SAFE


@given(texts, texts)
def test_pieces(left: str, right: str) -> None:
    """Text is quoted character by character, so that a wildcard can be cut between any two."""
    assert quote(left + right) == quote(left) + quote(right)


@given(keys, keys)
@example("a/b", "a%2Fb")
@example("a b", "a+b")
@example("é", "e\u0301")
def test_distinct(key: str, other: str) -> None:
    """Two keys share a quoted path only if they are the same key."""
    assert (quote(viewer_path(key)) == quote(viewer_path(other))) == (key == other)


@given(st.one_of(keys.map(viewer_path), long_paths))
@example("/" + "a" * 3_998)
@example("/" + "a" * 3_999)
@example("/" + "a" * 3_998 + "~")
@example("/" + "é" * 666)
@example("/" + "🌵" * 334)
def test_shortest_widening(path: str) -> None:
    """The stop is the longest prefix that a wildcard can keep; without need there is none."""
    stop = exact_stop(path)

    assert (stop is None) == sayable(path)
    if stop is not None:
        assert sayable(path[:stop], star=1)
        assert not sayable(path[: stop + 1], star=1)


@given(st.one_of(keys.map(viewer_path), long_paths))
def test_sendable(path: str) -> None:
    """The narrowest pattern for a path matches it, ends in its only star and fits."""
    stop = exact_stop(path)
    pattern = Pattern(path) if stop is None else Pattern(path[:stop], wildcard=True)
    quoted = pattern.quoted()

    assert pattern.matches(path)
    assert len(quoted) <= LONGEST
    assert quoted.removesuffix("*" if pattern.wildcard else "").count("*") == 0
    assert quoted.startswith("/")


@given(close_texts, st.booleans(), close_texts)
def test_matches(text: str, wildcard: bool, path: str) -> None:  # noqa: FBT001  # drawn
    """A pattern matches what its quoted form says, read off the wire and in plain characters."""
    matches = Pattern(text, wildcard).matches(path)
    wire = Pattern(text, wildcard).quoted()

    pairs = list(zip(text, path, strict=False))
    begins = len(text) <= len(path) and all(ours == theirs for ours, theirs in pairs)
    assert matches == (begins and (wildcard or len(text) == len(path)))
    assert matches == (quote(path).startswith(wire[:-1]) if wildcard else quote(path) == wire)


def narrowest(path: str) -> Pattern:
    """Return the narrowest pattern that matches `path`."""
    stop = exact_stop(path)
    return Pattern(path) if stop is None else Pattern(path[:stop], wildcard=True)


patterns = st.builds(
    lambda text, wildcard: Pattern("/" + text, wildcard), close_texts, st.booleans()
) | keys.map(viewer_path).map(narrowest)


@given(st.lists(patterns), keys)
def test_matcher(sent: list[Pattern], key: str) -> None:
    """Read off the wire, a list of paths matches what one of its patterns matches."""
    quoted = [pattern.quoted() for pattern in sent]
    matches, strictly = matcher(quoted), matcher(quoted, strict=True)

    for path in (viewer_path(key), *(pattern.text for pattern in sent)):
        matching = [pattern for pattern in sent if pattern.matches(path)]
        trusted = [one for one in matching if one != Pattern(path, wildcard=True) or path == "/"]
        assert matches(path) == bool(matching)
        assert strictly(path) == bool(trusted)


@given(st.lists(patterns, min_size=1), st.integers(1, 15), keys, st.booleans())
def test_coarser(sent: list[Pattern], most: int, key: str, strict: bool) -> None:  # noqa: FBT001  # drawn
    """Coarser paths match whatever the paths matched, are no more, and hold nothing encoded."""
    paths = [pattern.quoted() for pattern in sent]
    wider = coarser(paths, most)
    before, after = matcher(paths, strict=strict), matcher(wider, strict=strict)

    assert len(wider) <= len(paths)
    assert sum(path.endswith("*") for path in wider) <= most
    assert not set("%'") & set("".join(wider))
    for path in (viewer_path(key), *(pattern.text for pattern in sent)):
        assert after(path) or not before(path)


@given(st.lists(patterns, min_size=1))
def test_coarsest(sent: list[Pattern]) -> None:
    """Made coarser twice, any list is the one path that matches everything."""
    assert coarser(coarser([pattern.quoted() for pattern in sent], 13), 13) == ("/*",)
