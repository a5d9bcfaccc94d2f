"""Laws of the spellings of a URL: every one that counts is matched, and others cost nothing."""

import re
from urllib.parse import unquote

from hypothesis import example, given
from hypothesis import strategies as st

from edgesweep.cover import cover
from edgesweep.paths import REST, matcher, quote
from edgesweep.routes import Routes, everywhere
from edgesweep.routes.variants import parse
from tests.strategies import viewer_paths

ROUTES = everywhere(["E1"])
ONE = Routes(ROUTES.known, parse("", spellings=False))
# How viewers were seen to write a character; a wildcard is compared with the URL as it is written.
WRITTEN = {" ": ["%20", "+"], "+": ["+", "%2B", "%2b"], ":": [":", "%3A", "%3a"]}

keys = st.text("ab/ +:~é", min_size=1, max_size=6)


@given(keys, st.data())
@example("a b", None)
@example("a b c d", None)
def test_every_spelling(key: str, data: st.DataObject | None) -> None:
    """The cheapest cover of a key matches each URL that viewers were seen to write for it."""
    paths = cover(ROUTES.viewer_paths("E1", "site", key)).paths
    url = "/" + "".join(
        data.draw(st.sampled_from(WRITTEN.get(one, [quote(one)]))) if data else quote(one)
        for one in key
    )

    texts = [path for path in paths if path.endswith("*")]
    assert url in paths or any(url.startswith(text[:-1]) for text in texts)


@given(viewer_paths(), st.sets(st.sampled_from([" ", "+", ":"])))
def test_no_cost(path: str, others: set[str]) -> None:
    """A key without these characters costs what it cost before, and so does any key on request."""
    key = path.removeprefix("/") + "".join(sorted(others))

    one = ONE.viewer_paths("E1", "site", key)
    every = ROUTES.viewer_paths("E1", "site", key)

    assert set(one) <= set(every)
    assert (one == every) or re.search("[ +:]", key)
    assert cover(one).wildcards == any(stop in key for stop in "~*?")


@given(keys)
def test_spaces(key: str) -> None:
    """Up to two spaces take exact paths alone, so a wildcard is used only where it is cheaper."""
    paths = ROUTES.viewer_paths("E1", "site", key.replace("+", "").replace(":", "") + "  ")

    spaces = key.count(" ") + 2
    assert any(path.endswith(REST) for path in paths) == (spaces > 2)


@given(st.text("ab/?", max_size=4), st.text("ab/?&=", max_size=4))
def test_query_copies(folder: str, query: str) -> None:
    """`/docs/?*` matches the folder with any query string, and nothing that the folder holds."""
    text = f"/{folder.replace('?', '')}/"
    sent = cover([f"{text}?{REST}"]).paths

    assert sent == (f"{quote(text)}?*",)
    assert matcher(sent)(f"{text}?{REST}{query}")
    assert not matcher(sent)(f"{text}?{query}")
    assert not matcher(sent)(text + query.replace("?", ""))
    assert matcher(sent)(f"{text}?{REST}")
    assert unquote(sent[0]) == f"{text}?*"


@given(st.text("ab/?~", max_size=4))
def test_rest(text: str) -> None:
    """What stands for all that begin with a text is matched as a whole, by no narrower path."""
    (sent,) = cover([f"/{text}{REST}"]).paths

    assert sent.endswith("*")
    assert f"/{text}".startswith(unquote(sent[:-1]))
    assert matcher([sent])(f"/{text}{REST}")
    # An invalidation path that ends with "?" cannot be requested, and no cover has one.
    exact = [] if text.endswith("?") else [f"/{text}"]
    assert not matcher([f"/{text}a*", *exact])(f"/{text}{REST}")
