"""Laws of requested paths: they go with nothing narrower, and no change hides behind them."""

from collections.abc import Collection
from datetime import UTC, datetime
from urllib.parse import unquote

from hypothesis import example, given
from hypothesis import strategies as st

from edgesweep.cover import Limits, Prices, choose, find_candidates, spell
from edgesweep.cover.survey import unsurveyed
from edgesweep.dirty import DirtyRow, RequestedPath
from edgesweep.paths import matcher, quote, unquoted
from edgesweep.routes import Routes
from tests.strategies import prices

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

# "%62" is another spelling of "b", and "?" begins a query string.
texts = st.lists(st.sampled_from(["a", "b", "%62", "/", "%C3%A9", "?"]), max_size=3).map("".join)
requested_paths = st.builds("/{}{}".format, texts, st.sampled_from(["", "*"])).filter(
    lambda path: not path.endswith("?")
)
viewer_paths = st.text("abé/?~", max_size=3).map("/".__add__)


def as_wide(sent: str, asked: str, *, strict: bool = False) -> bool:
    """Tell whether whatever `asked` matches is matched by `sent` as well, by the definition."""
    text, asked_text = unquote(sent.removesuffix("*")), unquote(asked.removesuffix("*"))
    if not sent.endswith("*"):
        return text == asked_text and not asked.endswith("*")
    if strict and asked_text == text != "/" and not asked.endswith("*"):
        return False
    return asked_text.startswith(text)


@given(asked=requested_paths, sent=st.sets(requested_paths, max_size=3), strict=st.booleans())
def test_as_wide(asked: str, sent: Collection[str], *, strict: bool) -> None:
    """A requested path is done once a path is sent that is at least as wide, and by no other."""
    row = DirtyRow("E1", RequestedPath(asked, "somebody"), NOON, "f00d")

    done = all(map(matcher(sent, strict=strict), Routes().paths_of(row)))

    assert done == any(as_wide(one, asked, strict=strict) for one in sent)


@given(
    requested=st.sets(requested_paths, min_size=1, max_size=4),
    changed=st.sets(viewer_paths, max_size=4),
    terms=prices(),
    most=st.integers(1, 5),
    strict=st.booleans(),
)
@example(requested={"/%62"}, changed={"/b"}, terms=Prices(), most=5, strict=False)
@example(requested={"/a", "/a*"}, changed=set(), terms=Prices(), most=5, strict=True)
def test_in_words(
    requested: Collection[str],
    changed: Collection[str],
    terms: Prices,
    most: int,
    *,
    strict: bool,
) -> None:
    """Within the caps every request goes as it was asked for, or wider, and every change goes."""
    dirty = {*changed, *map(unquoted, requested)}
    candidates = find_candidates(dirty, strict=strict)
    cover = choose(candidates, terms, Limits(wildcards=most, paths=most))

    said = spell(cover, requested, changed, strict=strict)

    assert len(said) <= most
    assert sum(path.endswith("*") for path in said) <= cover.wildcards
    for asked in requested:
        assert any(as_wide(path, asked, strict=strict) for path in said)
    plain = [path for path in said if quote(unquote(path)) == path]
    assert all(map(matcher(plain, strict=strict), changed))


@given(st.sets(requested_paths, min_size=1, max_size=4))
def test_byte_for_byte(requested: set[str]) -> None:
    """A path goes just as it was asked for unless it is the same as another, or below it.

    Query strings of the same path go together.
    """
    alone = {
        one
        for one in requested
        if not any(
            as_wide(other, one) or ("?" in other and as_wide(other.partition("?")[0] + "?*", one))
            for other in requested - {one}
        )
    }
    dirty = {unquoted(path) for path in requested}
    known = unsurveyed(dirty)
    candidates = find_candidates(dirty, known.live, known.weight)

    said = spell(choose(candidates, Prices(), Limits()), requested, ())

    assert alone <= set(said)
