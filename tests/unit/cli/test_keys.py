"""Which lists of keys `edgesweep plan` reads: those of git, and those with NUL bytes."""

import codecs
import os
import re
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgesweep.cli.keys import keys_below, read_keys
from edgesweep.errors import BadInput
from edgesweep.paths import quote, viewer_path
from tests.planning import plan, planned

README = Path(__file__).parents[3] / "README.md"
# As `quote_c_style` of git writes them.
ESCAPES = dict(zip(b'\a\b\t\n\v\f\r"\\', b'abtnvfr"\\', strict=True))


def quoted(name: str) -> bytes:
    """Return a name as git prints it while `core.quotePath` is on."""
    raw = name.encode()
    parts = [
        b"\\%c" % ESCAPES[byte]
        if byte in ESCAPES
        else b"%c" % byte
        if 32 <= byte < 127
        else b"\\%03o" % byte
        for byte in raw
    ]
    text = b"".join(parts)
    return text if text == raw else b'"%b"' % text


def keys() -> st.SearchStrategy[str]:
    """Return names that a file in a repository can have."""
    return st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40)


@given(keys())
def test_quoted(name: str) -> None:
    """Each name that git quotes is read as the name itself."""
    assert read_keys(BytesIO(b"first\n" + quoted(name) + b"\n")) == ["first", name]


@given(st.lists(keys()))
def test_null(names: list[str]) -> None:
    """Between NUL bytes stand keys as they are, line ends and quotes included."""
    file = BytesIO(b"".join(name.encode() + b"\0" for name in names))

    assert read_keys(file, null=True) == names


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("a\r\nb c\r\n", ["a", "b c"]),
        ("\ufeffa\n", ["a"]),
        ("./a\n./b/c\n", ["a", "b/c"]),
        ("s3://my-site/a b\ns3://my-site/c\n", ["a b", "c"]),
        ("upload: dist/x y to s3://my-site/a/x y\n", ["a/x y"]),
        (
            "(dryrun) upload: dist/x to s3://my-site/x\n(dryrun) delete: s3://my-site/y\n",
            ["x", "y"],
        ),
        ("copy: s3://other/x to s3://my-site/y\nmove: ./x to s3://my-site/z", ["y", "z"]),
        (
            "Completed 1 Byte/2 Bytes with 1 file(s) remaining\rupload: ./x to s3://my-site/x\n",
            ["x"],
        ),
        (
            "Completed 1 Byte/2 Bytes\rupload: site/p 1 to s3://my-site/p 1                     \n",
            ["p 1"],
        ),
        ("upload: ./x to s3://my-site/x  \ns3://my-site/y \n", ["x  ", "y "]),
        ("upload/to/x\n", ["upload/to/x"]),
        ('"press/r\\303\\251sum\\303\\251.html"\n', ["press/résumé.html"]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_lists(
    text: str, keys: list[str], encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list whose meaning is certain is read without a word, in UTF-8 and in UTF-16."""
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""

    assert read_keys(BytesIO(mark + text.encode(encoding))) == keys
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "keys", "said"),
    [
        ("/a\n/b/\n", ["a", "b/"], "all lines begin with /, so we read them as viewer paths"),
        ("a\n/b\n", ["a", "/b"], "1 line read as a key without a change, such as '/b'"),
        ("a\n./b\n", ["a", "./b"], "1 line read as a key without a change, such as './b'"),
        ("../a\n", ["../a"], "1 line read as a key without a change, such as '../a'"),
        (
            "failed: ./x to s3://my-site/x\n" * 2,
            ["failed: ./x to s3://my-site/x"] * 2,
            "2 lines read as a key without a change, such as 'failed: ./x to s3://my-site/x'",
        ),
    ],
)
def test_doubtful(
    text: str, keys: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list whose meaning is not certain is read with one line that says how."""
    assert read_keys(BytesIO(text.encode())) == keys
    (line,) = capsys.readouterr().err.splitlines()
    assert f"<stdin>: {said}" in line


def test_below(tmp_path: Path) -> None:
    """The files below a folder count as `aws s3 sync` uploads them: behind links, loops once."""
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    for file in (site / "docs" / "a.html", elsewhere / "deep" / "b.html"):
        file.parent.mkdir(parents=True)
        file.touch()
    (site / "linked").symlink_to(elsewhere / "deep")
    (site / "c.html").symlink_to(site / "docs" / "a.html")
    (site / "broken").symlink_to(tmp_path / "nowhere")
    (site / "docs" / "up").symlink_to(site)
    (elsewhere / "deep" / "docs").symlink_to(site / "docs")
    (site / "docs" / "deep").symlink_to(elsewhere / "deep")

    assert sorted(keys_below(site)) == [
        *("c.html", "docs/a.html", "docs/deep/b.html"),
        *("linked/b.html", "linked/docs/a.html"),
    ]


def test_below_bad_name(tmp_path: Path) -> None:
    """A file whose name is not UTF-8 can have no key, and is named."""
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).touch()

    with pytest.raises(BadInput, match=r"caf\\udce9': not UTF-8"):
        list(keys_below(tmp_path))


def test_not_wide() -> None:
    """A file that only begins like UTF-16 is refused."""
    with pytest.raises(BadInput, match="not UTF-16"):
        read_keys(BytesIO(codecs.BOM_UTF16_LE + b"a"))


@pytest.mark.parametrize(("key", "strange"), [("a", False), ("site/a", True)])
def test_strangers(tmp_path: Path, key: str, strange: bool) -> None:  # noqa: FBT001  # a parameter
    """A plan says so if none of its keys is in the list of those that exist."""
    live = tmp_path / "live.txt"
    live.write_text("a\nb\n")

    warned = plan("-", "--live", str(live), stdin=key).stderr

    assert ("None of the keys is in the list of --live" in warned) == strange


@pytest.mark.parametrize("key", ['"a"', '"', '""', 'a"b\\303', '"a\\303', '"a\\x41"', '"a"\\n"'])
def test_quotes(key: str) -> None:
    """Quotes that git would have written in another way are part of a key."""
    assert read_keys(BytesIO(key.encode())) == [key]


def test_options() -> None:
    """Both files of keys may hold NUL bytes instead of line ends."""
    both = planned("-", "-0", "--refetch-cost", "1", stdin="a\nb\0c\0")["paths"]

    assert both == ["/a%0Ab", "/c"]
    assert read_keys(BytesIO(b'"a\\tb"\0'), null=True) == ['"a\\tb"']


def test_bad_entry() -> None:
    """A wrong key between NUL bytes is named with its number."""
    result = plan("-", "--null", stdin=b"a\0" + b"b" * 2_000)

    told = "<stdin>, entry 2: 2,000 bytes; a key has at most 1,024"
    assert (result.exit_code, result.stderr) == (2, f"edgesweep: {told}\n")


def git(folder: Path, *arguments: str) -> bytes:
    """Run git in a folder and return what it prints."""
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout


@pytest.mark.parametrize(
    ("quote_path", "null"), [("off", []), ("on", []), ("off", ["-z"]), ("on", ["-z"])]
)
def test_recipe(tmp_path: Path, quote_path: str, null: list[str]) -> None:
    """The recipe of the README covers what a commit renames, in any script, and index pages.

    So does git's `-z` with the command's own.
    """
    pattern = re.compile(r"^git .* \| .*edgesweep plan --alias .*$", re.MULTILINE)
    (recipe,) = pattern.findall(README.read_text())
    diff = recipe.partition("|")[0].replace("quotePath=off", f"quotePath={quote_path}").split()
    before = ("old 1.html", "café/index.html", 'a "name".html', "press/résumé.html")
    after = ("new\t2.html", "日/index.html", "back\\slash\\t.html")
    git(tmp_path, "init", "--quiet")
    for names in (before, after):
        git(tmp_path, "rm", "-r", "--quiet", "--ignore-unmatch", ".")
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("the same")
        git(tmp_path, "add", "--all")
        git(tmp_path, "commit", "--quiet", "--message", "A version")

    changed = git(tmp_path, *diff[1:], *null)

    found = planned("-", "--alias", *(["--null"] if null else []), stdin=changed)["paths"]

    folders = ["/café/", "/café", "/日/", "/日"]
    assert sorted(found) == sorted(map(quote, [*map(viewer_path, before + after), *folders]))
