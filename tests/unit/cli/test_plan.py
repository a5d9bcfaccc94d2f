"""What `edgesweep plan` prints and refuses."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesweep.cover import capped
from tests.planning import BLOG, lines, plan, planned

BLIND = "edgesweep: The unchanged objects are unknown; give --live or --bucket\n"

Write = Callable[[str, bytes], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return what writes a file and returns its path."""

    def write(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


def refused(*arguments: str, stdin: str | bytes = b"") -> str:
    """Return the one line that a mistake gets."""
    result = plan(*arguments, stdin=stdin)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("edgesweep: ")
    return line.removeprefix("edgesweep: ")


def test_json(write: Write) -> None:
    """The JSON has these keys and types, and dollars of either kind and together."""
    live = write("live", lines(*BLOG, "index.html"))

    result = plan("-", "--live", live, "--json", stdin=lines(*BLOG[:3], "index.html"))

    assert result.stderr == ""
    assert result.stdout == (
        '{"paths": ["/*"], "wildcards": 1, "collateral": 1, '
        '"cost_usd": {"paths": 0.005, "refetch": 5.2e-06, "total": 0.0050052}}\n'
    )


def test_table(write: Write) -> None:
    """The table shows each path, what it covers, hits and costs, and what is usual instead."""
    changed = write("changed", lines(*BLOG[:3], "index.html"))
    live = write("live", lines(*BLOG, "index.html", *(f"img/{n}.png" for n in range(2_000))))

    result = plan(changed, "--live", live)

    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "changed  collateral   dollars  path",
        "      3           1  0.005005  /blog/*      for blog/1.html, blog/2.html and 1 more",
        "      1           0  0.005000  /index.html  for index.html",
        "",
        "      4           1  0.010005  2 paths",
        "      4           0  0.020000  4 paths, one each",
        "      4       2,001  0.015405  /*",
    ]


def test_nothing_known() -> None:
    """If nothing is known of other objects, no wildcard counts as harmless."""
    result = plan("-", stdin=lines("a", "b"))

    assert result.exit_code == 0
    assert result.stderr == BLIND
    assert result.stdout.splitlines() == [
        "changed  collateral   dollars  path",
        "      1           0  0.005000  /a  for a",
        "      1           0  0.005000  /b  for b",
        "",
        "      2           0  0.010000  2 paths",
        "      2           0  0.010000  2 paths, one each",
        "      2          0+  0.005000  /*",
    ]


def test_nothing_else(write: Write) -> None:
    """That nothing else exists is said by an empty file, and then one wildcard does."""
    assert planned("-", "--live", write("live", b""), stdin=lines("a", "b"))["paths"] == ["/*"]


def test_same_keys(write: Write) -> None:
    """The file of what exists may hold the changed keys too."""
    changed = lines("a/1", "a/2")
    without = planned("-", "--live", write("without", lines("a/3")), stdin=changed)
    both = planned("-", "--live", write("both", lines("a/1", "a/2", "a/3")), stdin=changed)

    assert without == both
    assert both["collateral"] == 1


@pytest.mark.parametrize("content", [b"", b"\n\r\n\n"])
def test_empty(write: Write, content: bytes) -> None:
    """Where nothing changed there is nothing to invalidate."""
    changed = write("changed", content)

    assert planned(changed, "--live", write("live", b"a\n")) == {
        "paths": [],
        "wildcards": 0,
        "collateral": 0,
        "cost_usd": {"paths": 0.0, "refetch": 0.0, "total": 0.0},
    }
    assert "0           0  0.000000  0 paths\n" in plan(changed).stdout


@pytest.mark.parametrize(
    "content",
    [b"a\nb", b"a\r\nb\r\n", b"\na\n\n\nb\n", b"b\na\nb\na\n", b"\xef\xbb\xbfa\nb\n"],
)
def test_line_ends(content: bytes) -> None:
    """Ends of lines, empty lines, repeats and a byte order mark are no part of a key."""
    assert planned("-", stdin=content)["paths"] == ["/a", "/b"]


def test_keys_kept() -> None:
    """What else is in a line is the key: spaces, percent signs, slashes."""
    keys = lines(" a ", "100%.html", "/rooted", "café", "a\\b")

    assert planned("-", stdin=keys)["paths"] == [
        "/%20a%20",
        "//rooted",
        "/100%25.html",
        "/a%5Cb",
        "/caf%C3%A9",
    ]


def test_file(write: Write) -> None:
    """The changed keys come from a file as well as from standard input."""
    assert planned(write("changed", b"a\n"))["paths"] == ["/a"]


def test_missing() -> None:
    """A file that is not there is named."""
    assert "'nowhere': No such file" in refused("nowhere")
    assert "'--live': 'nowhere': No such file" in refused("-", "--live", "nowhere")


def test_long_key(write: Write) -> None:
    """The error for a key that S3 does not allow has its place, its length and the bound."""
    changed = write("changed", lines("a", "b" * 2_000))

    assert refused(changed) == f"{changed}, line 2: 2,000 bytes; a key has at most 1,024"
    assert planned("-", stdin=lines("b" * 1_024))["paths"] == ["/" + "b" * 1_024]


def test_long_key_in_bytes() -> None:
    """The bound of a key counts bytes of UTF-8, of which an é has two."""
    assert refused("-", stdin="é" * 513) == "<stdin>, line 1: 1,026 bytes; a key has at most 1,024"


def test_longest_path() -> None:
    """A key that grows too long when it is quoted is said by a wildcard that fits."""
    (path,) = planned("-", stdin="é" * 500 + "\n" + "ü" * 512)["paths"][:1]

    assert path == "/" + "%C3%A9" * 500
    (path,) = planned("-", stdin="日" * 341)["paths"]
    assert len(path) <= 4_000


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a\n\x93\xfa\x96{\n", "line 2: not UTF-8 (invalid start byte at byte 1)"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "line 1: not UTF-8"),
        (b"a\nb\0c\n", "line 2: a NUL byte; lists that are separated by them need --null"),
        ("a\nb\n".encode("utf-16-le"), "line 1: a NUL byte"),
        (b"\xed\xa0\x80\n", "line 1: not UTF-8"),
        (b"x" * 3_000_000, "line 1: 1,048,576 bytes; a key has at most 1,024"),
    ],
)
def test_noise(write: Write, content: bytes, told: str) -> None:
    """A line that is not text is refused by its number, in either file."""
    noise = write("noise", content)

    assert refused(noise).startswith(f"{noise}, {told}")
    assert refused("-", "--live", noise, stdin=b"a\n").startswith(f"{noise}, {told}")


@pytest.mark.parametrize("option", ["--path-price", "--refetch-cost"])
@pytest.mark.parametrize(
    "value",
    [
        "-1",
        "-0.1",
        "nan",
        "sNaN",
        "inf",
        "-inf",
        "five",
        "$5",
        "0,5",
        "1e999999",
        "1e-99999999",
    ],
)
def test_bad_price(option: str, value: str) -> None:
    """The error for a wrong price has the option and the bounds."""
    told = refused("-", f"{option}={value}", stdin=b"a\n")

    assert told == (
        f"Invalid value for '{option}': {value!r} is not a number of dollars from 0 to 1,000,000 "
        "with at most 18 decimals"
    )


@pytest.mark.parametrize("value", ["0", "-0", "1e-18", "0.005", "1e3", "1000000"])
def test_price(write: Write, value: str) -> None:
    """A price may be nothing, very small or very large."""
    live = write("live", lines("c"))
    keys = lines("a", "b")

    dear_paths = planned("-", "--live", live, "--path-price", value, stdin=keys)
    dear_hits = planned("-", "--live", live, "--refetch-cost", value, stdin=keys)

    assert dear_paths["cost_usd"]["paths"] == float(value) * len(dear_paths["paths"])
    assert dear_hits["cost_usd"]["refetch"] == float(value) * dear_hits["collateral"]


def test_prices(write: Write) -> None:
    """Dear paths make wildcards, dear objects make exact paths."""
    live = write("live", lines("c"))
    keys = lines("a", "b")

    assert planned("-", "--live", live, "--path-price", "1", stdin=keys)["paths"] == ["/*"]
    assert planned("-", "--live", live, "--refetch-cost", "1", stdin=keys)["paths"] == ["/a", "/b"]


@pytest.mark.parametrize("option", ["--max-paths", "--max-wildcards"])
def test_bad_cap(option: str) -> None:
    """A cap is a whole number of at least 0."""
    what = option.removeprefix("--max-")

    assert refused("-", option, "-1", stdin=b"a\n") == (
        f"The most {what} must be a whole number of at least 0, not -1"
    )
    assert "'1.5' is not a valid integer" in refused("-", option, "1.5")


def test_no_wildcards() -> None:
    """A key that needs a wildcard is named where none may be used; others are said exactly."""
    assert refused("-", "--max-wildcards", "0", stdin=lines("a", "b~c")) == (
        "'/b~c' needs a wildcard, but at most 0 wildcards may be used"
    )
    assert planned("-", "--max-wildcards", "0", stdin=lines("a", "b"))["paths"] == ["/a", "/b"]


def test_no_paths() -> None:
    """With no path at all only nothing can be covered."""
    assert refused("-", "--max-paths", "0", stdin=lines("a", "b")) == (
        "2 dirty paths take at least 1, but at most 0 may be used"
    )
    assert planned("-", "--max-paths", "0")["paths"] == []


def test_caps(write: Write) -> None:
    """Both caps are kept."""
    keys = lines("a/1", "a/2", "b/1", "b/2", "c")
    live = write("live", lines("a/3", "b/3", "d"))
    dear = ("-", "--live", live, "--refetch-cost", "1")

    assert planned(*dear, "--max-paths", "3", stdin=keys)["paths"] == ["/a/*", "/b/*", "/c"]
    capped = planned(*dear, "--max-paths", "3", "--max-wildcards", "1", stdin=keys)
    assert (capped["paths"], capped["wildcards"]) == (["/*"], 1)


def test_unproven(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a cover is not proven to be the cheapest, `plan` says how much it may cost too much."""
    monkeypatch.setattr(capped, "PROVEN_SIZE", 0)
    monkeypatch.setattr(capped, "MOST_STEPS", 0)
    live = write(
        "live", lines(*(f"a/x{n}" for n in range(100)), *(f"b/x{n}" for n in range(15)), "b/1")
    )
    keys = lines(*(f"a/{letter}" for letter in "ABCDEFGHIJK"), "b/1", "b/2")

    caps = "--max-paths", "12", "--refetch-cost", "0.01"
    result = plan("-", "--live", live, *caps, "--paths", stdin=keys)

    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) <= 12
    assert re.fullmatch(
        r"edgesweep: Not proven to be the cheapest: others may cost up to \$0\.\d{6} less\n",
        result.stderr,
    )


def test_both(write: Write) -> None:
    """What exists is read from a file or a bucket, not from both."""
    live = write("live", b"")

    assert refused("-", "--live", live, "--bucket", "site") == "Give --live or --bucket, not both"


def test_standard_input_twice() -> None:
    """Standard input can be read once only."""
    told = "Only one of CHANGES, --live and --config can be standard input"

    assert refused("-", "--live", "-") == told


def test_live_from_standard_input(write: Write) -> None:
    """What exists may come from standard input instead."""
    changed = write("changed", lines("a/1", "a/2"))

    assert planned(changed, "--live", "-", stdin=lines("a/3"))["collateral"] == 1


def test_alias() -> None:
    """Other viewer paths of an object are added where they are asked for."""
    assert planned("-", stdin=lines("index.html"))["paths"] == ["/index.html"]
    assert planned("-", "--alias", stdin=lines("index.html"))["paths"] == ["/", "/index.html"]
    assert planned("-", "--alias", stdin=lines("docs/index.html", "a.css"))["paths"] == [
        "/a.css",
        "/docs",
        "/docs/",
        "/docs/index.html",
    ]


def test_paths(write: Write) -> None:
    """The paths alone are printed one a line, ready for a pipe; messages go elsewhere."""
    changed = write("changed", lines("a b", "c~d", "index.html"))

    result = plan(changed, "--paths")

    assert result.stdout == "/a%20b\n/c*\n/index.html\n"
    assert result.stderr == BLIND
    (told,) = plan(changed, "--paths", "--json").stderr.splitlines()
    assert json.loads(told)["error"] == "Give --paths or --json, not both"


@pytest.mark.parametrize(
    ("exact", "wildcards", "warned"),
    [(3_000, 0, False), (3_001, 0, True), (0, 15, False), (0, 16, True)],
)
def test_too_many(write: Write, exact: int, wildcards: int, warned: bool) -> None:  # noqa: FBT001  # a parameter
    """More than CloudFront takes at once is planned, with a warning that names both bounds."""
    keys = [*(f"{n}" for n in range(exact)), *(f"{n}/a~x" for n in range(wildcards))]
    caps = "--max-wildcards", str(wildcards), "--refetch-cost", "1"
    live = write("live", lines(*(f"{n}/b" for n in range(wildcards)), *keys[:1]))

    result = plan("-", "--live", live, "--paths", *caps, stdin=lines(*keys))

    assert len(result.stdout.splitlines()) == exact + wildcards
    assert bool(result.stderr) == warned
    assert not warned or result.stderr.endswith(
        " are more than CloudFront accepts at once for a distribution: 3,000 and 15\n"
    )
